import ase.io
import numpy as np
import pytest
from ase.constraints import FixAtoms

from keras_ruo2.discovery.handoff import (
    read_energies,
    read_reference_outputs,
    write_inputs,
)
from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation.outcome import rmsd
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab
from tests.discovery.dft_files import outcar, vasprun


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


def test_references_are_handed_over_and_read_back(slabs, tmp_path):
    write_inputs(tmp_path / "poscar", slabs, tmp_path)
    references = tmp_path / "poscar" / "references"
    found = {path.parent.name: ase.io.read(path) for path in references.glob("*/POSCAR")}
    assert set(found) == {"RuO2", "O2", "Ru"}
    assert found["O2"].get_distance(0, 1) == pytest.approx(1.21)
    assert found["O2"].cell.lengths().min() > 10
    with pytest.raises(ConfigError, match="RuO2 holds no output. Compute it with the settings"):
        read_reference_outputs(tmp_path / "poscar")
    vasprun(references / "RuO2" / "vasprun.xml", found["RuO2"], -44.5)
    vasprun(references / "O2" / "vasprun.xml", found["O2"], -9.9, scf_steps=60)
    with pytest.raises(ConfigError, match="electrons not converged. A reference must be"):
        read_reference_outputs(tmp_path / "poscar")
    vasprun(references / "O2" / "vasprun.xml", found["O2"], -9.9)
    energies = [
        atoms.get_potential_energy() for atoms in read_reference_outputs(tmp_path / "poscar")
    ]
    assert energies == pytest.approx([-44.5, -9.9])  # no metal: where RuO2 ends is not known


def test_runs_that_did_not_converge_are_named(slabs, tmp_path):
    names = write_inputs(tmp_path, slabs, tmp_path)
    first, second = (ase.io.read(tmp_path / name / "POSCAR") for name in names)
    vasprun(tmp_path / names[0] / "vasprun.xml", first, -120.0, nsw=5, ionic_steps=5)
    outcar(tmp_path / names[1] / "OUTCAR", second, -130.0, converged=False)
    ((index, back),), left_out = read_energies(tmp_path, slabs)
    assert index == 0 and back.info["dft_flaws"] == "ions not converged"
    assert left_out == ["110-O-rich (new) (OUTCAR: electrons not converged)"]
    (tmp_path / names[0] / "vasprun.xml").unlink()
    with pytest.raises(ConfigError, match="no usable output.*Left out: 110-O-rich"):
        read_energies(tmp_path, slabs)


def test_runs_that_left_no_whole_slab_are_named(slabs, tmp_path):
    names = write_inputs(tmp_path, slabs, tmp_path)
    first, second = (ase.io.read(tmp_path / name / "POSCAR") for name in names)
    first.positions[np.argmax(first.positions[:, 2]), 2] += 4.0
    ase.io.write(tmp_path / names[0] / "a.extxyz", with_energy(first, -999.0))
    ase.io.write(tmp_path / names[1] / "a.extxyz", with_energy(second, -130.0))
    ((index, _),), left_out = read_energies(tmp_path, slabs)
    assert index == 1
    assert left_out == ["110-stoichiometric (new) (a.extxyz: floating_oxygen)"]
    ase.io.write(tmp_path / names[1] / "a.extxyz", with_energy(second, np.nan))
    with pytest.raises(ConfigError, match="its energy is nan"):
        read_energies(tmp_path, slabs)


def test_energies_come_back_to_their_structures(slabs, tmp_path):
    names = write_inputs(tmp_path / "poscar", slabs, tmp_path)
    done = tmp_path / "dft" / names[1]
    done.mkdir(parents=True)
    ase.io.write(done / "result.extxyz", with_energy(slabs[1].copy(), -123.4))
    ((index, back),), left_out = read_energies(tmp_path / "dft", slabs)
    assert not left_out and back.info["dft_flaws"] == "no"
    assert index == 1 and back.get_potential_energy() == pytest.approx(-123.4)
    assert back.info["name"] == "110-O-rich (new)" and "calculator" not in back.info


def test_outputs_in_the_wrong_place_or_without_energy_are_refused(slabs, tmp_path):
    with pytest.raises(ConfigError, match="no usable output of 2 structures. Expected e.g. 001-"):
        read_energies(tmp_path, slabs)
    folder = tmp_path / write_inputs(tmp_path / "poscar", slabs, tmp_path)[0]
    folder.mkdir()
    ase.io.write(folder / "a.extxyz", with_energy(slabs[1].copy(), -1.0))
    with pytest.raises(ConfigError, match="Put each output into the folder of its POSCAR"):
        read_energies(tmp_path, slabs)
    ase.io.write(folder / "a.extxyz", slabs[0])
    with pytest.raises(ConfigError, match="holds no energy that ASE can read"):
        read_energies(tmp_path, slabs)
