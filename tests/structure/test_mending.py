import numpy as np
import pytest
from ase import Atom
from ase.constraints import FixAtoms
from scipy.optimize import nnls

from keras_ruo2.structure.bonds import closer_than
from keras_ruo2.structure.mending import REAL, mend, pairs_of, slopes
from keras_ruo2.structure.slabs import build_slab

CLOSEST = 0.6


@pytest.fixture
def slab():
    return build_slab("110-stoichiometric", a=4.5, c=3.1)


def crowded(slab, vector=(0.1, 0.2, 0.35)):
    """Return a slab with one more O, that far from its uppermost one."""
    top = int(slab.positions[:, 2].argmax())
    slab.append(Atom("O", slab.positions[top] + vector))
    return slab, top


def distance(atoms, one, other):
    return atoms.get_distance(one, other, mic=True)


def test_atoms_that_are_too_close_come_to_the_shortest_real_distance(slab):
    slab, top = crowded(slab)
    before = slab.positions.copy()
    found = mend(slab, CLOSEST)
    assert found.pairs == 1 and not closer_than(found.atoms, CLOSEST)
    assert distance(found.atoms, top, -1) == pytest.approx(REAL[0] * 1.32, abs=0.01)
    np.testing.assert_array_equal(slab.positions, before)


def test_no_structure_without_close_atoms_is_nearer(slab):
    """Two O in the vacuum, where no other bound matters: each moves half of the way."""
    slab = slab.repeat((1, 3, 1))
    slab.positions += [0, 0, 2]
    slab.set_cell(slab.cell.array + np.diag([0, 0, 12]))
    place = slab.positions.max(axis=0) + [0, 0, 5]
    slab += Atom("O", place)
    slab += Atom("O", place + [0.3, 0.4, 0])
    moved = mend(slab, CLOSEST).atoms.positions - slab.positions
    half = (REAL[0] * 1.32 - 0.5) / 2
    np.testing.assert_allclose(moved[-1], half * np.array([0.6, 0.8, 0]), atol=2e-3)
    np.testing.assert_allclose(moved[:-2], 0, atol=1e-6)


def test_the_moves_are_those_of_a_nearest_structure(slab):
    """Karush, Kuhn and Tucker: moves are a sum of pushes of pairs that touch, none pulls."""
    slab, _ = crowded(slab)
    found = mend(slab, CLOSEST).atoms
    pairs = pairs_of(slab, found.positions)
    vectors, before = pairs.vectors(found.positions), pairs.vectors(slab.positions)
    distance, before = np.linalg.norm(vectors, axis=1), np.linalg.norm(before, axis=1)
    close = before < CLOSEST * pairs.sums
    least = np.where(close, pairs.real, np.minimum(pairs.real, before))
    assert (distance > least - 2e-3).all()
    touching = distance < least + 2e-3
    pushes = slopes(pairs, vectors / distance[:, None], touching, np.ones(len(slab), bool))
    moves = (found.positions - slab.positions).ravel()
    assert nnls(pushes.T, moves)[1] < 0.02 * np.linalg.norm(moves)


def test_atoms_on_the_very_same_place_are_told_apart_the_same_way_each_time(slab):
    slab, top = crowded(slab, (0, 0, 0))
    one, other = mend(slab, CLOSEST), mend(slab, CLOSEST)
    assert not closer_than(one.atoms, CLOSEST)
    np.testing.assert_array_equal(one.atoms.positions, other.atoms.positions)


def test_neighbours_across_the_boundary_count(slab):
    slab, _ = crowded(slab)
    whole = mend(slab, CLOSEST)
    slab.wrap()
    slab.positions[-1] += slab.cell[0] + slab.cell[1]
    wrapped = mend(slab, CLOSEST)
    assert wrapped.moved == pytest.approx(whole.moved, abs=1e-3)


def test_fixed_and_frozen_atoms_stay_to_the_last_bit(slab):
    slab, top = crowded(slab, (0, 0, 0.7))
    slab.set_constraint(FixAtoms([top]))
    bottom = np.flatnonzero(slab.positions[:, 2] < slab.positions[:, 2].mean() - 3)
    found = mend(slab, CLOSEST, frozen=bottom)
    still = [top, *bottom]
    assert found.atoms.positions[still].tobytes() == slab.positions[still].tobytes()
    assert not closer_than(found.atoms, CLOSEST)


def test_what_cannot_be_pushed_apart_is_given_up(slab):
    slab, top = crowded(slab)
    assert mend(slab, CLOSEST, frozen=range(len(slab))) is None
    for number in range(6):
        slab.append(Atom("Ru", slab.positions[top] + [0.1 * number, 0.1, -2.0]))
    assert mend(slab, CLOSEST) is None
