import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.density.balance import ALIKE, flaws, white_noise
from keras_ruo2.density.gaussians import VoxelGrid
from keras_ruo2.density.voxelise import voxelise

SHAPE = (24, 24, 24)
ALPHA = 5.0
CELL = np.array([12.0, 12.0, 12.0])
LATTICE = VoxelGrid(CELL, SHAPE, ALPHA)


@pytest.fixture
def density(rng):
    """Twenty O atoms on the corners of boxes of 3 Å, somewhat off them."""
    corners = np.array(np.meshgrid(*[[0, 3, 6, 9]] * 3)).reshape(3, -1).T[:20]
    atoms = Atoms("O20", corners + rng.uniform(0, 0.4, (20, 3)), cell=CELL, pbc=True)
    return voxelise(atoms, SHAPE, alpha=ALPHA)[..., 1].astype(float)


def noisy(density, noise, rng):
    return np.clip(density + noise * rng.normal(size=SHAPE), 0, 1)


def test_a_grid_of_its_atoms_has_no_flaw(density, rng):
    # Sums over voxels of 0.5 Å differ from integrals by 7e-4 an axis at most.
    assert density.sum() / LATTICE.integral == pytest.approx(20, rel=2e-3)
    quantised = np.round(255 * density) / 255
    for grid in (density, quantised, noisy(density, 0.05, rng), noisy(density, 0.1, rng)):
        assert flaws(grid, density, LATTICE) == set()


@pytest.mark.parametrize(("share", "flaw"), [(1.2, "missing_density"), (0.8, "surplus_density")])
def test_the_integral_tells_what_no_place_shows(density, share, flaw):
    """Each Gaussian a fifth higher or lower: nowhere half an atom, in all four of them."""
    assert flaws(share * density, density, LATTICE) == {flaw}


def test_a_haze_counts_and_noise_of_the_same_mean_does_not(density, rng):
    haze = noisy(np.zeros(SHAPE), 0.05, rng).mean()
    assert flaws(density + haze * (density < 0.5), density, LATTICE) == {"missing_density"}
    assert flaws(noisy(density, 0.05, rng), density, LATTICE) == set()


def test_an_empty_channel_is_whole_and_a_haze_in_it_is_not():
    nothing = np.zeros(SHAPE)
    assert flaws(nothing, nothing, LATTICE) == set()
    assert flaws(nothing + 0.01, nothing, LATTICE) == {"missing_density"}


def test_density_beside_the_atoms_is_a_poor_fit(density):
    assert "poor_fit" in flaws(np.roll(density, 2, axis=0), density, LATTICE)


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1])
def test_white_noise_is_measured(density, rng, noise):
    found = white_noise(noisy(density, noise, rng), density)
    assert found == pytest.approx(noise, rel=0.05)  # of 10,000 empty voxels


def test_rare_high_voxels_are_no_noise(density, rng):
    specks = np.where(rng.uniform(size=SHAPE) < 0.01, 0.3, density)
    assert white_noise(specks, density) == 0
    assert ALIKE > 1
