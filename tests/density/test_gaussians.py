import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.density.gaussians import VoxelGrid, stencils
from keras_ruo2.density.voxelise import voxelise

CELL = np.array([9.0, 10.0, 14.0])
SHAPE = (24, 20, 28)


@pytest.fixture
def places(rng):
    return rng.uniform(size=(30, 3)) * CELL


# Windows around atoms, and a cell so small that each Gaussian fills it with its images.
@pytest.mark.parametrize(("scale", "alpha"), [(1, 5.0), (1, 1.0), (0.2, 5.0)])
def test_a_rendering_is_that_of_voxelise(places, scale, alpha):
    places, cell = places[:3] * scale, CELL * scale
    atoms = Atoms("O3", places, cell=cell, pbc=True)
    rendering = stencils(VoxelGrid(cell, SHAPE, alpha), places).render(np.ones(3))
    expected = voxelise(atoms, SHAPE, alpha=alpha)[..., 1]
    np.testing.assert_allclose(np.minimum(rendering, 1), expected, atol=4e-6)  # the tails left out


def test_projections_and_norms_are_sums_over_the_grid(places, rng):
    lattice, grid = VoxelGrid(CELL, SHAPE, 5.0), rng.uniform(size=SHAPE)
    local = stencils(lattice, places)
    for index, place in enumerate(places[:3]):
        alone = stencils(lattice, place[None]).render(np.ones(1))
        assert local.project(grid)[index] == pytest.approx((grid * alone).sum())
        assert local.norms[index] == pytest.approx((alone**2).sum())


def test_products_of_columns_are_those_of_their_derivatives(places):
    """Central differences of whole renderings, for two atoms close to each other."""
    lattice, step = VoxelGrid(CELL, SHAPE, 5.0), 1e-5
    pair = np.array([places[0], places[0] + [0.5, 0.3, 0.4]])
    columns = []
    for place in pair:
        for move in np.eye(3) * step:
            ends = [
                stencils(lattice, (place + way)[None]).render(np.ones(1)) for way in (move, -move)
            ]
            columns.append((ends[0] - ends[1]).ravel() / (2 * step))
        columns.append(stencils(lattice, place[None]).render(np.ones(1)).ravel())
    expected = np.array(columns) @ np.array(columns).T
    found = lattice.products(pair[None], 4).reshape(8, 8)
    np.testing.assert_allclose(found, expected, atol=1e-3 * expected.max())
    lone = stencils(lattice, pair).products(3)
    np.testing.assert_allclose(lone[1, 0, :, 0], expected[4:7, 4:7], atol=1e-3 * expected.max())


def test_clusters_are_chains_across_the_boundary():
    lattice = VoxelGrid(CELL, SHAPE, 5.0)
    line = np.array([[0.2, 5, 5], [8.9, 5, 5], [8.2, 5, 5], [4, 5, 5], [4, 9.9, 1], [4, 0.2, 1]])
    groups = lattice.clusters(line, 1.0)
    assert [sorted(map(sorted, group.tolist())) for group in groups] == [[[4, 5]], [[0, 1, 2]]]
    assert lattice.clusters(line[[3]], 1.0) == []
    small = VoxelGrid(CELL / 8, SHAPE, 5.0)  # the nearest image is all that counts
    assert small.pairs(np.array([[0.05, 0.5, 0.5], [1.1, 0.5, 0.5]]), 0.6).tolist() == [[0, 1]]
