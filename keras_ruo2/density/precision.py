"""How far off an atom that was read from a grid is likely to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2

from keras_ruo2.density.gaussians import VoxelGrid
from keras_ruo2.density.noise import NOISELESS
from keras_ruo2.density.voxelise import Floats

# Voxels in widths of a Gaussian up to which the estimate below holds in noise. Beyond, an atom amid
# its neighbours' noise has several places to be, and the lower bound says nothing of them.
COARSE_IN_NOISE = 2.5
NOISY = 0.005  # noise from which that happens; 8 bits have 0.001
# Expected error of the typical atom, in widths of a Gaussian, beyond which atoms are so vague that
# their number is often wrong: 0.12 Å at alpha 5 (experiments/002_backmap, calibration).
VAGUE = 0.38
NEAR = 0.1  # Å; an atom that is further off than this relaxes elsewhere, or moves a bond by 5 %
LEAST = 1e-4  # Å; rounding of grids and fits


def expected_errors(
    residual: Floats,
    lattice: VoxelGrid,
    positions: Floats,
    noise: float,
    heights: float | Floats = 1.0,
) -> Floats:
    """Return the expected distance of each atom from its true place, root mean square, Å.

    The lower bound of Cramer and Rao for a lone Gaussian in white noise, from its slopes at the
    voxels that show it. The noise is that of empty space, or what is left under the Gaussian where
    that is more, as in generated grids, whose dots are no Gaussians.

    Args:
        residual: What the atoms leave of the density of their species.
        lattice: `VoxelGrid`.
        positions: Shape `(n, ndim)`, Å.
        noise: Standard deviation that empty space shows.
        heights: Of the Gaussians, where they are not 1: in a slice, whose plane the distance
            lies in.
    """
    if not len(positions):
        return np.empty(0)
    local = np.sqrt(local_square(residual, lattice.factors(positions)))
    spread = spreads(lattice, positions) / heights
    return np.maximum(LEAST, np.maximum(local, noise if noise > NOISELESS else 0.0) * spread)


def spreads(lattice: VoxelGrid, positions: Floats) -> Floats:
    """Return how far each atom may lie off for a noise of 1, shape `(n,)`, Å."""
    factors, slopes = lattice.factors(positions), lattice.slopes(positions)
    squares = np.array([(factor**2).sum(axis=1) for factor in factors])
    steep = np.array([(slope**2).sum(axis=1) for slope in slopes])
    information = steep * np.prod(squares, axis=0) / np.maximum(squares, 1e-300)
    return np.sqrt((1 / np.maximum(information, 1e-12)).sum(axis=0))


def confidences(errors: Floats, ndim: int) -> Floats:
    """Return how likely each atom is to lie within `NEAR` of its true place.

    Args:
        errors: `expected_errors`, shape `(n,)`, Å, taken for those of a normal distribution.
        ndim: Directions in which they are.
    """
    return chi2.cdf(ndim * (NEAR / errors) ** 2, ndim)


def local_square(residual: Floats, factors: Sequence[Floats]) -> Floats:
    """Return the mean square of what is left under each Gaussian, weighted by it, shape `(n,)`."""
    axes = "xyz"[: len(factors)]
    terms = ",".join(f"n{axis}" for axis in axes)
    left = np.einsum(f"{axes},{terms}->n", residual**2, *factors, optimize=True)
    weight = np.prod([factor.sum(axis=1) for factor in factors], axis=0)
    return np.maximum(left, 0) / np.maximum(weight, 1e-300)


def too_coarse_for(lattice: VoxelGrid, positions: Floats, noise: float) -> bool:
    """Say whether voxels are too long for the estimate, or for atoms to be counted, in this noise.

    That is beyond `COARSE_IN_NOISE`, or where the typical atom is more than `VAGUE`.
    """
    if noise < NOISY or not len(positions):
        return False
    vague = noise * np.median(spreads(lattice, positions)) > VAGUE * lattice.width
    return bool(vague or lattice.spacing.max() > COARSE_IN_NOISE * lattice.width)
