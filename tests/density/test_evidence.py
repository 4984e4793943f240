import numpy as np
import pytest

from keras_ruo2.density.evidence import drop_twins, evidence, least_evidence
from keras_ruo2.density.fit import refine
from keras_ruo2.density.gaussians import VoxelGrid, stencils
from keras_ruo2.density.noise import likely_residual, log_likelihood
from keras_ruo2.density.posterior import mean_positions

CELL = np.array([10.0, 10.0, 12.0])
SHAPE = (18, 18, 20)
LATTICE = VoxelGrid(CELL, SHAPE, 5.0)
NOISE = 0.1


def noisy(places, rng, noise=NOISE, lattice=LATTICE):
    rendering = stencils(lattice, places).render(np.ones(len(places)))
    return np.clip(np.minimum(rendering, 1) + noise * rng.normal(size=lattice.shape), 0, 1)


def test_the_residual_is_the_slope_of_the_likelihood():
    density = np.array([0.0, 0.0, 0.3, 0.9, 1.0])
    rendering, step = np.array([0.0, 0.2, 0.2, 0.9, 0.7]), 1e-6
    high, low = (log_likelihood(density, rendering + way, NOISE) for way in (step, -step))
    slope = likely_residual(density, rendering, NOISE)
    np.testing.assert_allclose((high - low) / (2 * step), slope / NOISE**2, atol=1e-3)


def test_without_noise_half_an_atoms_density_decides():
    place = np.array([[5.0, 5.0, 6.0]])
    local = stencils(LATTICE, place)
    for share, sign in ((0.45, -1), (0.55, 1)):
        assert np.sign(evidence(local.render(np.array([share])), local, 0.0))[0] == sign


def test_an_atom_in_noise_outweighs_chance_and_noise_does_not(rng):
    atoms, nothing = np.array([[2.0, 2.0, 3.0]]), np.array([[7.0, 7.0, 8.0]])
    density = noisy(atoms, rng)
    local = stencils(LATTICE, np.concatenate([atoms, nothing]))
    found = evidence(density, local, NOISE) - least_evidence(LATTICE, 1, NOISE)
    assert found[0] > 0 > found[1]
    assert least_evidence(LATTICE, 1, 0.05) > least_evidence(LATTICE, 1, 0.1)  # sharper places


def test_twins_are_told_from_neighbours(rng):
    """One Gaussian that two atoms share, beside two that lie as close and are both needed."""
    lone, pair = [2.5, 2.5, 3.0], [[7.0, 7.0, 8.0], [7.7, 7.0, 8.6]]
    density = noisy(np.array([lone, *pair]), rng)
    start = np.array([[2.3, 2.4, 2.9], [2.8, 2.6, 3.1], *pair])
    start, _, _ = refine(density, LATTICE, start, np.ones(4), noise=NOISE)
    found = drop_twins(density, LATTICE, start, NOISE)
    assert len(found) == 3
    assert LATTICE.distances(np.array([lone, *pair]), found).min(axis=1).max() < 0.4


def test_the_mean_place_is_nearer_than_the_likeliest_where_voxels_are_long(rng):
    """Atoms on voxels of 0.8 Å along z, where either side looks the same: a third off is gained."""
    lattice = VoxelGrid(np.array([12.0, 12.0, 25.6]), (24, 24, 32), 5.0)
    grid = np.stack(np.meshgrid([2, 6, 10], [2, 6, 10], np.arange(7) * 3.2 + 1.6), axis=-1)
    true = grid.reshape(-1, 3) + rng.normal(size=(63, 3)) * [0.2, 0.2, 0.05]
    errors = {"likeliest": [], "mean": []}
    for _ in range(4):
        density = noisy(true, rng, 0.05, lattice)
        places, _, _ = refine(density, lattice, true, np.ones(63), noise=0.05)
        errors["likeliest"].append(places - true)
        errors["mean"].append(mean_positions(density, lattice, places, 0.05) - true)
    found = {name: np.sqrt(np.mean(np.square(values))) for name, values in errors.items()}
    assert found["mean"] < 0.95 * found["likeliest"]


@pytest.mark.parametrize("noise", [0.02, 0.1])
def test_the_mean_place_in_an_empty_channel_is_none(noise):
    assert mean_positions(np.zeros(SHAPE), LATTICE, np.empty((0, 3)), noise).shape == (0, 3)
