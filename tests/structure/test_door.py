import ase.io
import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation.outcome import implausible
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.door import check_structure, usable_structures
from keras_ruo2.structure.validity import reasons_against
from keras_ruo2.thermodynamics.references import read_slabs
from tests.damage_cases import slabs


def huge(atoms):
    atoms.set_cell([1e9, 5, 30])


def on_top(atoms):
    atoms.positions[1] = atoms.positions[0] + 0.01


def far(atoms):
    atoms.positions[0] = 1e7


def not_finite(atoms):
    atoms.positions[0] = np.nan


def no_energy_at_all(atoms):
    with_energy(atoms, np.nan)


def absurd_energy(atoms):
    with_energy(atoms, 1e308)


def nanometres(atoms):
    atoms.set_cell(atoms.cell * 0.1, scale_atoms=True)


FAULTS = {
    huge: "cell vectors are 1e.09",
    on_top: "Å apart",
    far: "from the origin",
    not_finite: "not finite",
    no_energy_at_all: "energy is nan",
    absurd_energy: "energy is 1e",
    nanometres: "in nm",
}


def damaged_by(fault):
    frames = slabs(3)
    energy = frames[1].get_potential_energy()
    fault(frames[1])
    if frames[1].calc is None or fault in (huge, on_top, far, not_finite, nanometres):
        with_energy(frames[1], energy)
    return frames


@pytest.mark.parametrize("fault", FAULTS)
def test_what_no_structure_has_is_refused_by_number_and_name(fault):
    with pytest.raises(
        ConfigError, match=f"f.xyz, structure 1 .slab-1.: .*{FAULTS[fault]}"
    ) as told:
        usable_structures("f.xyz", damaged_by(fault))
    assert "--skip_damaged" in str(told.value)


@pytest.mark.parametrize("fault", FAULTS)
def test_or_left_out_counted_and_listed(fault, capsys):
    kept = usable_structures("f.xyz", damaged_by(fault), skip=True)
    assert [atoms.info["name"] for atoms in kept] == ["slab-0", "slab-2"]
    told = capsys.readouterr().err
    assert "skipped 1 structures" in told and "slab-1" in told


def test_nothing_is_refused_of_whole_slabs():
    assert len(usable_structures("f.xyz", slabs(4))) == 4


def test_if_nothing_is_left_it_says_so():
    with pytest.raises(ConfigError, match="none of 1 structures can be used"):
        usable_structures("f.xyz", [Atoms("Ru", cell=[9, 9, 9])], skip=True)


def test_a_single_atom_is_no_structure():
    with pytest.raises(ConfigError, match="it has 1 atoms"):
        check_structure(Atoms("Ru", cell=[9, 9, 9], pbc=True))


@pytest.mark.parametrize("fault", [huge, far])
def test_relax_and_screen_name_what_is_damaged(fault):
    atoms = damaged_by(fault)[1]
    assert implausible(atoms) == "damaged"
    assert reasons_against(atoms) == ("damaged",)


def test_screen_names_an_energy_that_is_none():
    assert reasons_against(damaged_by(no_energy_at_all)[1]) == ("damaged",)


@pytest.mark.parametrize("fault", [huge, on_top, absurd_energy])
def test_a_phase_diagram_is_not_made_of_damaged_slabs(fault, tmp_path):
    path = tmp_path / "s.extxyz"
    ase.io.write(path, damaged_by(fault))
    with pytest.raises(ConfigError, match="structure 1 .slab-1."):
        read_slabs(path)
    assert len(read_slabs(path, skip=True)) == 2
    assert not PhaseDiagramConfig(out=tmp_path / "o").skip_damaged
