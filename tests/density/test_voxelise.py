import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.density.voxelise import periodic_gaussians, voxelise
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import rotate_quarter

SHAPE = (12, 16, 20)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_moving_the_atoms_by_one_voxel_rolls_the_grid(slab, axis):
    before = voxelise(slab, SHAPE, alpha=2.5)
    slab.positions[:, axis] += slab.cell.lengths()[axis] / SHAPE[axis]
    np.testing.assert_allclose(
        voxelise(slab, SHAPE, alpha=2.5), np.roll(before, 1, axis=axis), atol=1e-6
    )


def test_a_lone_atom_is_the_analytic_gaussian_with_maximum_one():
    lengths, alpha = np.array([8.0, 9.0, 10.0]), 5.0
    place = lengths * np.array([3, 4, 5]) / SHAPE
    grid = voxelise(Atoms("Ru", [place], cell=lengths), SHAPE, alpha=alpha)
    assert grid[3, 4, 5, 0] == grid.max() == 1
    axes = [np.arange(n) * length / n for n, length in zip(SHAPE, lengths, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    distance = points - place
    distance -= lengths * np.round(distance / lengths)
    np.testing.assert_allclose(grid[..., 0], np.exp(-alpha * (distance**2).sum(axis=-1)), atol=1e-6)
    assert not grid[..., 1].any()


def test_an_atom_between_voxels_keeps_its_exact_place():
    lengths = np.array([6.0, 6.0, 6.0])
    grid = voxelise(Atoms("O", [[2.03, 2.7, 3.31]], cell=lengths), (32,) * 3, alpha=2.5)[..., 1]
    coordinates = np.arange(32) * 6 / 32
    for axis, expected in enumerate([2.03, 2.7, 3.31]):
        weights = grid.sum(axis=tuple({0, 1, 2} - {axis}))
        assert (weights * coordinates).sum() / weights.sum() == pytest.approx(expected, abs=1e-3)


def test_all_periodic_images_of_a_wide_gaussian_add_up():
    line = periodic_gaussians([0.4], length=1.5, count=6, alpha=0.5)[0]
    images = 1.5 * np.arange(-20, 21)
    points = np.arange(6) * 0.25 - 0.4
    expected = np.exp(-0.5 * (points[:, None] + images) ** 2).sum(axis=1)
    np.testing.assert_allclose(line, expected, rtol=1e-8)


def test_overlapping_gaussians_add_up_and_are_clipped_to_one():
    cell = [8.0, 8.0, 8.0]
    one = voxelise(Atoms("O", [[4, 4, 3.5]], cell=cell), (16,) * 3, alpha=2.5)
    other = voxelise(Atoms("O", [[4, 4, 4.5]], cell=cell), (16,) * 3, alpha=2.5)
    both = voxelise(Atoms("O2", [[4, 4, 3.5], [4, 4, 4.5]], cell=cell), (16,) * 3, alpha=2.5)
    np.testing.assert_allclose(both, np.minimum(one + other, 1), atol=1e-6)
    assert (one + other).max() > 1


def test_the_order_of_the_atoms_does_not_matter(slab, rng):
    shuffled = slab[rng.permutation(len(slab))]
    np.testing.assert_allclose(
        voxelise(slab, SHAPE, alpha=5), voxelise(shuffled, SHAPE, alpha=5), atol=1e-6
    )


def test_a_quarter_turn_swaps_x_and_y_in_grid_and_lengths(slab):
    turned = rotate_quarter(slab, 1)
    np.testing.assert_allclose(turned.cell.lengths(), slab.cell.lengths()[[1, 0, 2]])
    before = voxelise(slab, (16, 16, 16), alpha=2.5)
    # (x, y) -> (-y, x): voxel (i, j) moves to (-j, i)
    expected = np.roll(before[:, ::-1].swapaxes(0, 1), 1, axis=0)
    np.testing.assert_allclose(voxelise(turned, (16, 16, 16), alpha=2.5), expected, atol=1e-6)


def test_four_quarter_turns_are_none(slab):
    slab.wrap()
    np.testing.assert_allclose(rotate_quarter(slab, 4).positions, slab.positions, atol=1e-9)


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms("RuTi", [[0, 0, 0], [1, 1, 1]], cell=[5, 5, 5]), "holds Ti, but the channels"),
        (Atoms("Ru"), "has no three-dimensional cell"),
        (Atoms("Ru", cell=[5, 5, 0]), "has no three-dimensional cell"),
        (Atoms(cell=[5, 5, 5]), "is empty"),
        (Atoms("Ru", cell=[[5, 0, 0], [1, 5, 0], [0, 0, 5]]), "orthogonal cell"),
        (Atoms("Ru", [[np.nan, 0, 0]], cell=[5, 5, 5]), "not finite"),
    ],
)
def test_unusable_structures_are_refused(atoms, message):
    with pytest.raises(ConfigError, match=message):
        voxelise(atoms, (4, 4, 4), alpha=2.5)


def test_alpha_must_be_positive(rutile):
    with pytest.raises(ConfigError, match="`alpha` is 0"):
        voxelise(rutile, (4, 4, 4), alpha=0)
