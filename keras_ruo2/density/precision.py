"""How far off an atom that was read from a grid is likely to be."""

import numpy as np

from keras_ruo2.density.noise import NOISELESS

# Voxels in widths of a Gaussian up to which the estimate below holds in noise. Beyond, an atom amid
# its neighbours' noise has several places to be, and the lower bound says nothing of them.
COARSE_IN_NOISE = 2.6
NOISY = 0.005  # noise from which that happens; 8 bits have 0.001
LEAST = 1e-4  # Å; rounding of grids and fits


def expected_errors(residual, lattice, positions, noise):
    """Return the expected distance of each atom from its true place, root mean square, Å.

    The lower bound of Cramer and Rao for a lone Gaussian in white noise, from its slopes at the
    voxels that show it. The noise is that of empty space, or what is left under the Gaussian where
    that is more, as in generated grids, whose dots are no Gaussians.

    Args:
        residual: What the atoms leave of the density of their species.
        lattice: `Lattice`.
        positions: Shape `(n, ndim)`, Å.
        noise: Standard deviation that empty space shows.
    """
    if not len(positions):
        return np.empty(0)
    factors, slopes = lattice.factors(positions), lattice.slopes(positions)
    squares = np.array([(factor**2).sum(axis=1) for factor in factors])
    steep = np.array([(slope**2).sum(axis=1) for slope in slopes])
    information = steep * np.prod(squares, axis=0) / np.maximum(squares, 1e-300)
    spread = np.sqrt((1 / np.maximum(information, 1e-12)).sum(axis=0))
    local = np.sqrt(local_square(residual, factors))
    return np.maximum(LEAST, np.maximum(local, noise if noise > NOISELESS else 0.0) * spread)


def local_square(residual, factors):
    """Return the mean square of what is left under each Gaussian, weighted by it, shape `(n,)`."""
    axes = "xyz"[: len(factors)]
    terms = ",".join(f"n{axis}" for axis in axes)
    left = np.einsum(f"{axes},{terms}->n", residual**2, *factors, optimize=True)
    weight = np.prod([factor.sum(axis=1) for factor in factors], axis=0)
    return np.maximum(left, 0) / np.maximum(weight, 1e-300)


def too_coarse_for(lattice, noise):
    """Say whether voxels are too long for the estimate to hold in this noise."""
    return noise >= NOISY and lattice.spacing.max() > COARSE_IN_NOISE * lattice.width
