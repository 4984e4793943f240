import numpy as np
import pytest
from ase import Atom, Atoms
from ase.io import read

from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.validity import (
    BROKEN,
    INVALID,
    UNREADABLE,
    broken,
    reasons_against,
)


def test_bundled_slabs_are_valid_unless_they_were_broken():
    for slab in read(BUNDLED_STRUCTURES, "::5"):
        reasons = set(reasons_against(slab))
        assert set(broken(slab)) <= reasons <= {*broken(slab), "several_slabs"}


def test_real_slabs_are_valid_and_real_crystals_have_no_vacuum(realdata):
    found = read(realdata / "ruo2_vasp_pbe.extxyz", ":")
    slabs = [atoms for atoms in found if len(atoms) > 90]
    assert len(slabs) == 6 and all(reasons_against(slab) == () for slab in slabs)
    crystals = [atoms for atoms in found if len(atoms) <= 90][::10]
    assert all(reasons_against(crystal) == ("no_vacuum",) for crystal in crystals)
    with_hydrogen = read(realdata / "ruo2_with_hydrogen.extxyz", 0)
    assert reasons_against(with_hydrogen) == ("other_elements",)


def test_place_and_boundaries_do_not_matter(slab):
    slab.positions += [1.0, 2.0, 0.6 * slab.cell[2, 2]]
    assert reasons_against(slab) == ()
    slab.pbc = False
    assert reasons_against(slab) == ()


def without(slab, symbol):
    return slab[[atom.symbol != symbol for atom in slab]]


def moved_to_the_vacuum(slab):
    slab.positions[slab.positions[:, 2].argmax(), 2] += 5
    return slab


def merged(slab):
    slab.append(Atom("O", slab.positions[0] + [0, 0, 1.2]))
    return slab


def without_vacuum(slab):
    return rutile_ruo2().repeat((2, 2, 4))


def two_slabs(slab):
    other = slab.copy()
    other.positions[:, 2] += 15
    both = slab + other
    both.cell[2, 2] += 15
    return both


def cluster(slab):
    slab.set_cell(slab.cell.array * [[3], [3], [1]])
    return slab


def molecule_in_the_vacuum(slab):
    top = slab.positions[slab.positions[:, 2].argmax()]
    return slab + Atoms("O2", [top + [0, 0, 4], top + [0, 0, 5.21]])


def metal_layer(slab):
    """Ru whose O are gone, as far as the overall composition allows."""
    low = np.argsort(slab.positions[:, 2])
    del slab[[k for k in low if slab.numbers[k] == 8][:5]]
    return slab


def oxygen_under_one_more(slab):
    ruthenium = slab.positions[slab.numbers == 44]
    inside = ruthenium[np.argsort(ruthenium[:, 2])[len(ruthenium) // 2]]
    return slab + Atoms("O2", [inside + [1.1, 1.1, 1.0], inside - [1.1, 1.1, 1.0]])


@pytest.mark.parametrize(
    ("corrupt", "names"),
    [
        (lambda slab: slab[:0], {"no_atoms"}),
        (moved_to_the_vacuum, {"floating_oxygen"}),
        (merged, {"atoms_too_close"}),
        (without_vacuum, {"no_vacuum"}),
        (two_slabs, {"several_slabs", "disconnected_layers"}),
        (cluster, {"no_layer"}),
        (molecule_in_the_vacuum, {"floating_molecules"}),
        (metal_layer, {"ru_coordination"}),
        (oxygen_under_one_more, {"ru_coordination"}),
        (lambda slab: without(slab, "O"), {"stoichiometry"}),
        (lambda slab: without(slab, "Ru"), {"stoichiometry", "no_layer"}),
    ],
)
def test_corrupted_slabs_fail_for_their_reason(slab, corrupt, names):
    assert names <= set(reasons_against(corrupt(slab)))


def test_frames_that_cannot_be_read_have_one_reason(slab):
    slab.positions[0, 0] = np.nan
    assert reasons_against(slab) == ("not_finite",)
    flat = Atoms("RuO2", np.eye(3), cell=[5, 0, 9])
    assert reasons_against(flat) == ("no_cell",)
    assert reasons_against(Atoms("RuO2", np.eye(3))) == ("no_cell",)


def test_names_are_those_of_one_table():
    assert not set(INVALID) & set(UNREADABLE)
    assert {"peroxo_groups", "floating_oxygen", "disconnected_layers"} == set(BROKEN) < set(INVALID)
