import ase.io
import numpy as np
import pytest
from ase.db import connect

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.files import read_structures


@pytest.mark.parametrize("suffix", ["extxyz", "traj", "db", "json"])
def test_energies_come_with_their_structures(tmp_path, slab, suffix):
    path = tmp_path / f"slab.{suffix}"
    if suffix == "db":
        with connect(path) as database:
            database.write(slab)
    else:
        ase.io.write(path, slab)
    (found,) = read_structures(path)
    assert potential_energy(found) == pytest.approx(-100)
    np.testing.assert_allclose(found.positions, slab.positions, atol=1e-6)


@pytest.mark.parametrize("name", ["POSCAR", "slab.cif"])
def test_formats_without_energies_are_read(tmp_path, slab, name):
    ase.io.write(tmp_path / name, slab)
    (found,) = read_structures(tmp_path / name)
    assert potential_energy(found) is None
    assert found.get_chemical_formula() == slab.get_chemical_formula()


def test_what_is_no_structure_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ConfigError, match="cannot be read by ASE"):
        read_structures(tmp_path / "notes.txt")
