import numpy as np
import pytest

from keras_ruo2.structure.cells import widest_gap
from keras_ruo2.structure.faces import equal_faces, heights, standing
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.structure.variations import add_on_top, remove_oxygen


@pytest.mark.parametrize("shift", [0.0, 7.3, -4.1])
def test_heights_do_not_depend_on_where_the_slab_is(slab, shift):
    expected = slab.positions[:, 2] - slab.positions[:, 2].min()
    slab.positions[:, 2] += shift
    slab.wrap()
    found, vacuum = heights(slab)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert vacuum == pytest.approx(widest_gap(slab)[0])


def test_heights_of_a_cell_with_its_third_vector_downwards_turn_over(slab):
    expected, _ = heights(slab)
    slab.rotate(180, "x", rotate_cell=True)
    np.testing.assert_allclose(heights(slab)[0], expected, atol=1e-6)


@pytest.mark.parametrize("vacuum", [5.0, 30.0])
def test_a_standing_slab_has_the_vacuum_that_was_asked_for(slab, vacuum):
    slab.positions[:, 2] += 9
    tilted = slab.copy()
    tilted.set_cell([*slab.cell.array[:2], slab.cell.array[2] + [1.3, 0.4, 0]])
    found = standing(tilted, vacuum)
    assert heights(found)[1] == pytest.approx(vacuum)
    np.testing.assert_allclose(found.cell.angles(), 90)
    before, after = (atoms.get_all_distances(mic=True) for atoms in (standing(slab, 20.0), found))
    near = before < 3
    np.testing.assert_allclose(after[near], before[near], atol=1e-6)


@pytest.mark.parametrize("name", ["110-stoichiometric", "101-O-rich", "111-O-poor", "001-O-rich"])
def test_equal_faces_are_told_from_different_ones(name, rng):
    slab = build_slab(name, a=4.5, c=3.1)
    slab.positions += rng.uniform(size=3) * [3, 2, 0]
    slab.wrap()
    assert equal_faces(slab)
    assert not equal_faces(remove_oxygen(slab, rng))
    lifted = slab.copy()
    lifted.positions[np.argmax(lifted.positions[:, 2]), 2] += 0.5
    assert not equal_faces(lifted)


@pytest.mark.parametrize("shift", [0.1, 0.5, 0.97])
def test_equal_faces_are_found_wherever_the_slab_lies(shift, rng):
    slab = build_slab("110-O-rich", a=4.5, c=3.1)
    changed = add_on_top(build_slab("110-stoichiometric", a=4.5, c=3.1), rng)
    for atoms, equal in ((slab, True), (changed, False)):
        atoms.positions[:, 2] += shift * atoms.cell[2, 2]
        atoms.wrap()
        assert equal_faces(atoms) == equal


def test_an_added_atom_makes_faces_different(slab, rng):
    assert not equal_faces(add_on_top(slab, rng))
