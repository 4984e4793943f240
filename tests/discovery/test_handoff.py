import ase.io
import numpy as np
import pytest
from ase.constraints import FixAtoms

from keras_ruo2.discovery.handoff import read_energies, write_inputs
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.displacements import rmsd
from keras_ruo2.structure.slabs import build_slab


@pytest.fixture
def slabs():
    found = []
    for kind in ("110-stoichiometric", "110-O-rich"):
        slab = build_slab(kind, a=4.5, c=3.1)
        slab.info = {"name": f"{kind} (new)", "calculator": "CHGNet", "facet": "(110)"}
        found.append(slab)
    return found


def test_each_structure_has_a_poscar_that_vasp_takes(slabs, tmp_path):
    slabs[0].set_constraint(FixAtoms([0, 1]))
    names = write_inputs(tmp_path / "poscar", slabs, tmp_path)
    assert names == ["001-110-stoichiometric_new_", "002-110-O-rich_new_"]
    found = [ase.io.read(tmp_path / "poscar" / name / "POSCAR") for name in names]
    for slab, back in zip(slabs, found, strict=True):
        assert back.get_chemical_formula() == slab.get_chemical_formula()
        assert len(set(zip(back.numbers[:-1], back.numbers[1:], strict=True))) <= 3  # sorted
        order = np.argsort(slab.get_chemical_symbols(), kind="stable")
        assert rmsd(slab[order], back) < 1e-6
    assert len(found[0].constraints[0].index) == 2
    files = {path.name for path in (tmp_path / "poscar").rglob("*") if path.is_file()}
    assert files == {"POSCAR", "README.txt"}


def test_energies_come_back_to_their_structures(slabs, tmp_path):
    names = write_inputs(tmp_path / "poscar", slabs, tmp_path)
    done = tmp_path / "dft" / names[1]
    done.mkdir(parents=True)
    ase.io.write(done / "result.extxyz", with_energy(slabs[1].copy(), -123.4))
    ((index, back),) = read_energies(tmp_path / "dft", slabs)
    assert index == 1 and back.get_potential_energy() == pytest.approx(-123.4)
    assert back.info["name"] == "110-O-rich (new)" and "calculator" not in back.info


def test_outputs_in_the_wrong_place_or_without_energy_are_refused(slabs, tmp_path):
    with pytest.raises(ConfigError, match="holds no output of 2 structures. Expected e.g. 001-"):
        read_energies(tmp_path, slabs)
    folder = tmp_path / write_inputs(tmp_path / "poscar", slabs, tmp_path)[0]
    folder.mkdir()
    ase.io.write(folder / "a.extxyz", with_energy(slabs[1].copy(), -1.0))
    with pytest.raises(ConfigError, match="Put each output into the folder of its POSCAR"):
        read_energies(tmp_path, slabs)
    ase.io.write(folder / "a.extxyz", slabs[0])
    with pytest.raises(ConfigError, match="holds no energy that ASE can read"):
        read_energies(tmp_path, slabs)
