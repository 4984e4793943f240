"""The expected error of an atom is the error that it has, on average; else the grid says so."""

import numpy as np
import pytest

from keras_ruo2.density.backmap import backmap, backmap_slice
from keras_ruo2.density.precision import NEAR, confidences
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.structure.slabs import build_slab

ALPHA = 5.0
COUNT = 4


def attempts(voxel, noise):
    """Errors and expected errors of all atoms of some slabs, and their failures."""
    rng = np.random.default_rng([int(1000 * voxel), int(1000 * noise)])
    errors, expected, failures = [], [], []
    for _ in range(COUNT):
        slab = build_slab("110-stoichiometric", a=4.5, c=3.1, vacuum=8).repeat((1, 2, 1))
        lengths = slab.cell.lengths()
        shape = (11, 10, round(lengths[2] / voxel))
        slab.positions += rng.uniform(size=3) * lengths
        slab.positions += rng.normal(scale=0.05, size=slab.positions.shape)
        slab.wrap()
        grid = voxelise(slab, shape, alpha=ALPHA)
        grid = np.clip(grid + rng.normal(scale=noise, size=grid.shape), 0, 1)
        found = backmap(grid, lengths, alpha=ALPHA)
        failures.append(found.info["failures"])
        if found.get_chemical_formula() != slab.get_chemical_formula():
            assert failures[-1] != "no"
            continue
        errors += distances(slab, found, lengths).tolist()
        expected += found.arrays["expected_error"].tolist()
    return np.array(errors), np.array(expected), failures


@pytest.mark.parametrize(
    ("voxel", "noise"), [(0.5, 0.05), (0.5, 0.1), (0.6, 0.1), (0.7, 0.05), (0.75, 0.05)]
)
def test_confidence_is_the_share_of_atoms_within_a_tenth_of_an_angstrom(voxel, noise):
    """The share of 144 atoms scatters by 0.04."""
    errors, expected, failures = attempts(voxel, noise)
    assert failures == ["no"] * COUNT
    assert confidences(expected, 3).mean() == pytest.approx((errors < NEAR).mean(), abs=0.1)


def test_confidence_follows_from_the_expected_error_alone():
    """Of a normal distribution in three directions 1 - 0.6 lies beyond its root mean square."""
    slab = build_slab("110-stoichiometric", a=4.5, c=3.1, vacuum=8)
    grid = voxelise(slab, (10, 10, 30), alpha=ALPHA)
    noisy = np.clip(grid + np.random.default_rng(0).normal(scale=0.1, size=grid.shape), 0, 1)
    found = backmap(noisy, slab.cell.lengths(), alpha=ALPHA)
    expected = found.arrays["expected_error"]
    assert 0.03 < expected.min()
    np.testing.assert_allclose(found.arrays["confidence"], confidences(expected, 3))
    known = confidences(np.array([0.001, NEAR, 10.0]), 3)
    np.testing.assert_allclose(known, [1, 0.6084, 0], atol=1e-4)


def test_atoms_in_slices_have_expected_errors_in_the_plane():
    rng = np.random.default_rng(3)
    slab = build_slab("110-stoichiometric", a=4.5, c=3.1, vacuum=8).repeat((2, 1, 1))
    lengths = slab.cell.lengths()[[0, 2]]
    errors, expected = [], []
    for _ in range(6):
        moved = slab.copy()
        moved.positions += rng.normal(scale=0.05, size=slab.positions.shape) * [1, 0, 1]
        grid = voxelise(moved, (24, 12, 40), alpha=ALPHA)[:, 0]
        noisy = np.clip(grid + rng.normal(scale=0.05, size=grid.shape), 0, 1)
        found = backmap_slice(noisy, lengths, alpha=ALPHA)
        exact = backmap_slice(grid, lengths, alpha=ALPHA)
        if found.get_chemical_formula() == exact.get_chemical_formula():
            apart = found.positions[:, None] - exact.positions
            sizes = np.array([lengths[0], 1, lengths[1]])
            apart -= sizes * np.round(apart / sizes)
            apart = np.linalg.norm(apart, axis=2)
            apart[found.numbers[:, None] != exact.numbers] = np.inf
            errors += apart.min(axis=1).tolist()
            expected += found.arrays["expected_error"].tolist()
    assert len(errors) > 30
    assert root_mean_square(np.array(errors)) == pytest.approx(
        root_mean_square(np.array(expected)), rel=0.25
    )


def distances(slab, found, lengths):
    """Return how far each atom that was found lies from the nearest true one of its species."""
    places = found.positions - [0, 0, found.info["shift"]]
    apart = slab.positions[None] - places[:, None]
    apart = np.linalg.norm(apart - lengths * np.round(apart / lengths), axis=2)
    apart[found.numbers[:, None] != slab.numbers[None]] = np.inf
    return apart.min(axis=1)


def root_mean_square(values):
    return np.sqrt((values**2).mean())


@pytest.mark.parametrize(
    ("voxel", "noise"), [(0.5, 0.02), (0.5, 0.1), (0.6, 0.05), (0.7, 0.02), (0.7, 0.05)]
)
def test_the_expected_error_is_the_error_on_average(voxel, noise):
    """144 atoms: the root mean square of their errors scatters by 4 %."""
    errors, expected, failures = attempts(voxel, noise)
    assert failures == ["no"] * COUNT
    assert root_mean_square(errors) == pytest.approx(root_mean_square(expected), rel=0.15)
    assert (errors < 4 * expected).all()


@pytest.mark.parametrize("voxel", [0.87, 0.95])
@pytest.mark.parametrize("noise", [0.02, 0.05])
def test_where_the_estimate_does_not_hold_the_voxels_are_called_coarse(voxel, noise):
    errors, _, failures = attempts(voxel, noise)
    assert errors.max() > 0.1
    assert all("coarse_voxels" in names.split() for names in failures)


@pytest.mark.parametrize(("voxel", "noise"), [(0.7, 0.13), (0.75, 0.1), (0.8, 0.02), (0.8, 0.05)])
def test_voxels_are_coarse_in_their_noise(voxel, noise):
    """The more noise, the shorter the voxels from which atoms are miscounted or turned about."""
    _, _, failures = attempts(voxel, noise)
    assert all("coarse_voxels" in names.split() for names in failures)


def test_without_noise_atoms_are_exact_and_said_to_be():
    errors, expected, failures = attempts(0.95, 0.0)
    assert failures == ["no"] * COUNT
    assert errors.max() < 1e-3 and expected.max() < 1e-3


def test_dots_that_are_no_gaussians_have_larger_errors():
    """A dot that is wider than an atom, as generators draw it, leaves something in the middle."""
    slab = build_slab("110-stoichiometric", a=4.5, c=3.1, vacuum=8).repeat((1, 2, 1))
    lengths = slab.cell.lengths()
    found = [
        backmap(voxelise(slab, (11, 10, 34), alpha=alpha), lengths, alpha=ALPHA)
        for alpha in (5.0, 4.2)
    ]
    exact, wide = (atoms.arrays["expected_error"] for atoms in found)
    assert exact.max() < 1e-3 < 1e-2 < wide.min()
