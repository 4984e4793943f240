"""Energies of the bundled slabs by the other potentials: in columns, and of slabs of their own."""

import numpy as np
import pytest

from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.io.structures import read_structures
from keras_ruo2.relaxation.calculators import make_calculator, method_of
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.validity import broken
from keras_ruo2.thermodynamics.surface import KNOWN_REFERENCES

# Column of gap.extxyz, and the file of slabs that were relaxed with the same potential.
OTHERS = {
    "sevennet:7net-0": ("energy_7net_0", "gap_7net-0.extxyz"),
    "sevennet:7net-mf-0@PBE": ("energy_7net_mf_0_PBE", "gap_7net-mf-0_PBE.extxyz"),
}
OF_PBE = 0.4  # eV per atom: whole O-poor slabs differ by up to 0.35; a scale of r2SCAN is 7 eV off


@pytest.fixture(scope="module")
def bundled():
    return read_structures(BUNDLED_STRUCTURES)


def test_the_default_energies_are_chgnets(bundled):
    found = {(atoms.info["calculator"], atoms.info["correction"]) for atoms in bundled}
    assert found == {method_of("chgnet")} and len(bundled) == 148
    assert BUNDLED_STRUCTURES.stat().st_size < 5e6


@pytest.mark.parametrize("name", OTHERS)
def test_every_slab_has_an_energy_by_each_potential_as_it_is(bundled, name):
    column, _ = OTHERS[name]
    apart = [(a.info[column] - potential_energy(a)) / len(a) for a in bundled if not broken(a)]
    assert np.isfinite([atoms.info[column] for atoms in bundled]).all()
    assert np.abs(apart).max() < OF_PBE


@pytest.mark.parametrize("name", OTHERS)
def test_a_column_is_what_the_potential_says_of_the_structure(bundled, name):
    pytest.importorskip("sevenn", exc_type=ImportError)
    calculator, _ = make_calculator(name)
    for atoms in bundled[7::60]:
        single = atoms.copy()
        single.calc = calculator
        assert single.get_potential_energy() == pytest.approx(atoms.info[OTHERS[name][0]], abs=1e-3)


@pytest.mark.parametrize("name", OTHERS)
def test_slabs_relaxed_by_each_potential_are_the_same_slabs(bundled, name):
    slabs = read_structures(BUNDLED_STRUCTURES.with_name(OTHERS[name][1]))
    formulas = {atoms.info["name"]: atoms.get_chemical_formula() for atoms in bundled}
    for slab in slabs:
        assert formulas[slab.info["name"]] == slab.get_chemical_formula()
        assert (slab.info["calculator"], slab.info["correction"]) == method_of(name)
    assert method_of(name) in KNOWN_REFERENCES
    relaxed = [slab for slab in slabs if slab.info["variation"] == "relaxed"]
    assert len(relaxed) == 17 and max(slab.info["fmax"] for slab in relaxed) < 0.1
