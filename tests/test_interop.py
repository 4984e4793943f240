import importlib.util

import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.interop import as_atoms, from_pymatgen, to_pymatgen, to_pymatgen_slab
from keras_ruo2.structure.cells import potential_energy

core = pytest.importorskip("pymatgen.core")


def test_a_slab_comes_back_from_pymatgen_as_it_was(slab):
    slab.info |= {"name": "slab-0", "facet": "(110)"}
    slab.set_array("confidence", np.linspace(0, 1, len(slab)))
    again = from_pymatgen(to_pymatgen(slab))
    np.testing.assert_allclose(again.positions, slab.positions, atol=1e-9)
    np.testing.assert_allclose(again.cell.array, slab.cell.array, atol=1e-12)
    assert again.get_chemical_symbols() == slab.get_chemical_symbols()
    assert again.info["name"] == "slab-0" and again.info["facet"] == "(110)"
    assert potential_energy(again) == pytest.approx(-100)
    np.testing.assert_allclose(again.arrays["confidence"], slab.arrays["confidence"])


def test_a_pymatgen_slab_knows_its_facet(slab):
    slab.info["facet"] = "(110)"
    found = to_pymatgen_slab(slab)
    assert found.miller_index == (1, 1, 0) and found.energy == pytest.approx(-100)
    area = np.linalg.norm(np.cross(*slab.cell.array[:2]))
    assert found.surface_area == pytest.approx(area)
    found.properties.pop("facet")
    assert from_pymatgen(found).info["facet"] == "(110)"


def test_slabs_of_pymatgens_generator_are_taken():
    from pymatgen.core.surface import SlabGenerator

    lattice = core.Lattice.tetragonal(4.49, 3.11)
    x = 0.3056
    places = [(0, 0, 0), (0.5, 0.5, 0.5), (x, x, 0), (1 - x, 1 - x, 0)]
    places += [(0.5 + x, 0.5 - x, 0.5), (0.5 - x, 0.5 + x, 0.5)]
    bulk = core.Structure(lattice, ["Ru"] * 2 + ["O"] * 4, places)
    slab = SlabGenerator(bulk, (1, 1, 0), 8, 12, center_slab=True).get_slabs()[0]
    atoms = as_atoms(slab)
    assert set(atoms.get_chemical_symbols()) == {"Ru", "O"} and atoms.info["facet"] == "(110)"


def test_a_slab_without_a_facet_is_told_what_to_give(slab):
    with pytest.raises(ConfigError, match="Give miller_index"):
        to_pymatgen_slab(slab)


def test_partly_occupied_sites_are_refused():
    half = core.Structure(core.Lattice.cubic(4), [{"Ru": 0.5, "Ti": 0.5}], [(0, 0, 0)])
    with pytest.raises(ConfigError, match="partly occupied sites. Expected one species"):
        from_pymatgen(half)


def test_other_things_are_refused():
    with pytest.raises(ConfigError, match="Expected ase.Atoms or a pymatgen Structure.*got str"):
        as_atoms("POSCAR")


def test_a_missing_pymatgen_is_named(slab, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None)
    with pytest.raises(ConfigError, match=r"pip install -e '.\[screen\]'"):
        to_pymatgen(slab)
