import numpy as np
import pytest

from keras_ruo2.structure.cells import widest_gap
from keras_ruo2.structure.faces import heights, standing


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
