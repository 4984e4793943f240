import numpy as np
import pytest

from keras_ruo2.relaxation.outcome import displacements, rmsd


def moved(slab, vector):
    result = slab.copy()
    result.positions += vector
    return result


@pytest.mark.parametrize("share", [0.1, 0.5, 0.97])
def test_a_drift_in_the_plane_is_no_displacement(slab, share):
    drifted = moved(slab, share * slab.cell[0] - 0.3 * slab.cell[1])
    assert rmsd(slab, drifted) < 1e-9
    assert rmsd(slab, moved(slab, [0, 0, 0.2])) == pytest.approx(0.2)


def test_atoms_move_through_their_nearest_image(slab, rng):
    noise = rng.normal(scale=0.1, size=(len(slab), 3))
    noise -= noise.mean(axis=0)
    shaken = moved(slab, noise + 0.4 * slab.cell[0])
    shaken.wrap()
    np.testing.assert_allclose(displacements(slab, shaken), noise, atol=1e-9)
    assert rmsd(slab, shaken) == pytest.approx(np.sqrt((noise**2).sum(axis=1).mean()))


def test_with_frozen_atoms_a_drift_counts(slab):
    assert rmsd(slab, moved(slab, [0.3, 0, 0]), drift=False) == pytest.approx(0.3)
