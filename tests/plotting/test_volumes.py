import numpy as np
import pytest

from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.plotting.volumes import LEVEL, cuts, isosurfaces, surface


@pytest.fixture
def grid(rutile):
    return voxelise(rutile, (16, 16, 16), alpha=5.0)


def test_the_surface_lies_where_the_density_has_its_level():
    line = np.minimum(np.arange(16), 16 - np.arange(16)) / 16.0  # distance from 0, periodic
    apart = np.sqrt(line[:, None, None] ** 2 + line[:, None] ** 2 + line**2)
    corners, faces = surface(np.exp(-40 * apart**2), LEVEL)
    radius = np.linalg.norm(corners - np.round(corners), axis=1)
    np.testing.assert_allclose(radius, np.sqrt(-np.log(LEVEL) / 40), atol=0.01)
    assert len(faces)


def test_a_density_that_never_crosses_the_level_has_no_surface():
    corners, faces = surface(np.zeros((8, 8, 8)), LEVEL)
    assert len(corners) == len(faces) == 0


def test_every_grid_is_drawn_in_its_cell(grid, rutile):
    lengths = np.array([rutile.cell.lengths()])
    figure = isosurfaces({"Real": (grid[None], lengths), "Generated": (0 * grid[None], None)})
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["Real\n4.5 × 4.5 × 3.1 Å", "Generated\n16.0 × 16.0 × 16.0 voxels"]
    assert [len(axis.collections) for axis in figure.axes] == [2, 0]


def test_cuts_are_the_middle_planes(grid):
    found = cuts(grid[None])
    np.testing.assert_array_equal(found["xz"][0], grid[:, 8])
    np.testing.assert_array_equal(found["yz"][0], grid[8])
