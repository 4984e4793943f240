"""Whether the atoms found hold as much density as the grid, and account for its shape.

A grid that is blurred, or holds a haze, has no place where half an atom is left, yet may hold some
dozen atoms more or fewer than were found. Its integral tells.
"""

import numpy as np
from numpy.typing import NDArray

from keras_ruo2.density.gaussians import VoxelGrid
from keras_ruo2.density.noise import NOISELESS, clipped_moments, noise_level
from keras_ruo2.density.voxelise import Floats

LEAST = 0.5  # atoms by which the integrals may differ, whatever their number
SHARE = 0.05  # of the atoms found; 8 bits cut off less than 0.01, the clip of noise adds 0.01
CHANCE = 4.0  # standard deviations of the integral of noise
POOR = 0.5  # share of a species' density, root mean square, that may be left over
EMPTY = 0.01  # a rendering below this is empty space
ALIKE = 1.25  # factor by which two measures of the same noise may differ
FEWEST_PAIRS = 100  # neighbours in empty space from which roughness is measured
HALF_NORMAL = 0.5 - 0.5 / np.pi  # variance of normal noise of which the negative half was clipped


def flaws(density: Floats, rendering: Floats, lattice: VoxelGrid) -> set[str]:
    """Name what the atoms of one species leave unaccounted for in its whole grid.

    Args:
        density: Grid of the species, in [0, 1].
        rendering: The sum of its atoms' Gaussians, of the same shape.
        lattice: `VoxelGrid`.

    Returns:
        Set of `missing_density`, `surplus_density` and `poor_fit`.
    """
    noise = white_noise(density, rendering)
    mean, variance = clipped_moments(np.minimum(rendering, 1), noise)
    residual, unexplained = density - mean, variance.sum()
    atom = lattice.integral
    excess, count = residual.sum() / atom, rendering.sum() / atom
    bound = max(LEAST, SHARE * count) + CHANCE * np.sqrt(unexplained) / atom
    left, whole = (residual**2).sum() - unexplained, (density**2).sum() - unexplained
    found = {"missing_density"} if excess > bound else set()
    found |= {"surplus_density"} if excess < -bound else set()
    poor = left > POOR**2 * whole and count > LEAST
    return found | ({"poor_fit"} if poor else set())


def white_noise(density: Floats, rendering: Floats) -> float:
    """Return the standard deviation of noise, before the clip, that differs from voxel to voxel.

    Noise lifts the mean of empty space and roughens it, by amounts that belong together. A haze is
    smooth, and what a generator scatters is rarer and higher: neither is noise, and its density
    counts.
    """
    empty = rendering < EMPTY
    by_mean = noise_level((density - rendering)[empty].mean()) if empty.any() else 0.0
    if by_mean < NOISELESS:
        return 0.0
    by_roughness = roughness(density, empty)
    return min(by_mean, by_roughness) if by_roughness < ALIKE * by_mean else 0.0


def roughness(density: Floats, empty: NDArray[np.bool_]) -> float:
    """Return the noise that neighbours in empty space differ by, along the smoothest axis."""
    squares = []
    for axis, count in enumerate(density.shape):
        first, second = (
            tuple(part if own == axis else slice(None) for own in range(density.ndim))
            for part in (slice(0, count - 1), slice(1, count))
        )
        both = empty[first] & empty[second]
        if both.sum() >= FEWEST_PAIRS:
            squares.append(((density[first] - density[second])[both] ** 2).mean())
    return float(np.sqrt(min(squares, default=0.0) / (2 * HALF_NORMAL)))
