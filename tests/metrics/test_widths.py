import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.metrics.lattice import implied_lengths

ALPHA = 5.0
LENGTHS = np.array([9.0, 11.0, 15.0])


@pytest.fixture
def grid(rng):
    """Atoms on a loose lattice, so that no two Gaussians overlap, somewhere between the voxels."""
    places = np.stack(np.meshgrid(*[[0.1, 0.6]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    places = places + rng.uniform(0, 0.1, places.shape)
    atoms = Atoms("RuO" * 4, scaled_positions=places, cell=LENGTHS, pbc=True)
    return voxelise(atoms, (24, 24, 32), alpha=ALPHA)


def test_the_widths_tell_the_lengths_of_the_cell(grid):
    np.testing.assert_allclose(implied_lengths(grid[None], ALPHA)[0], LENGTHS, rtol=1e-4)


def test_a_slice_beside_the_atoms_tells_the_same(grid):
    place = np.unravel_index(grid[..., 0].argmax(), grid.shape[:3])
    cuts = np.stack([grid[:, place[1]], grid[:, place[1] + 1]])
    found = implied_lengths(cuts, ALPHA)
    known = np.isfinite(found)
    assert known.all()
    np.testing.assert_allclose(found, np.tile(LENGTHS[[0, 2]], (2, 1)), rtol=1e-3)


def test_a_wider_cell_with_the_same_picture_needs_a_smaller_alpha(grid):
    np.testing.assert_allclose(
        implied_lengths(grid[None], ALPHA / 4), 2 * implied_lengths(grid[None], ALPHA), rtol=1e-5
    )


def test_empty_grids_and_single_atoms_imply_nothing(grid):
    assert np.isnan(implied_lengths(np.zeros((2, 16, 16, 2)), ALPHA)).all()
    alone = grid * (grid == grid.max())
    assert np.isnan(implied_lengths(alone[None], ALPHA)).all()
