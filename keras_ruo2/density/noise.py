"""What a grid says of its rendering: normal noise that was clipped to [0, 1]."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr

from keras_ruo2.density.voxelise import Floats

NOISELESS = 0.003  # noise below this is quantisation, of which nothing is clipped
LARGEST_NOISE = 0.3  # of full scale


def likely_residual(density: Floats, rendering: Floats, noise: float) -> Floats:
    """Return by how much each voxel wants a rendering changed.

    That is their difference, except where noise of full scale 0 to 1 was clipped off: a voxel at
    0 only says that density and noise together were not above 0. Its part is the derivative of
    the logarithm of the likelihood of a censored normal variable (J. Tobin, Econometrica 26, 24
    (1958)), times the noise's variance.

    Args:
        density: Grid of one species.
        rendering: The sum of its Gaussians, of the same shape.
        noise: Standard deviation of the noise before it was clipped.

    Returns:
        Array of the same shape.
    """
    clipped = np.minimum(rendering, 1)
    residual = density - clipped
    if noise < NOISELESS:
        return residual
    for beyond, sign in ((density <= 0, -1), (density >= 1, 1)):
        off = sign * (clipped[beyond] - (sign + 1) / 2) / noise
        bell = np.exp(-(off**2) / 2 - log_ndtr(off)) / np.sqrt(2 * np.pi)
        residual[beyond] = sign * noise * bell
    return residual


def log_likelihood(density: Floats, rendering: Floats, noise: float) -> Floats:
    """Return the logarithm of the likelihood of each voxel, up to a constant of its density.

    Args:
        density: Grid of one species, or some of its voxels.
        rendering: The sum of its Gaussians, of a shape that `density` broadcasts to.
        noise: Standard deviation of the noise before it was clipped; below `NOISELESS` nothing
            was clipped, and it counts as that.
    """
    clipped = np.minimum(rendering, 1)
    likelihood = -((density - clipped) ** 2) / (2 * max(noise, NOISELESS) ** 2)
    if noise < NOISELESS:
        return likelihood
    for beyond, sign in ((density <= 0, -1), (density >= 1, 1)):
        beyond = np.broadcast_to(beyond, clipped.shape)
        likelihood[beyond] = log_ndtr(sign * (clipped[beyond] - (sign + 1) / 2) / noise)
    return likelihood


def background(noise: float) -> float:
    """Return the mean density of empty space under noise that is clipped to [0, 1]."""
    return 0.0 if noise < NOISELESS else noise / np.sqrt(2 * np.pi)


def noise_level(mean: float) -> float:
    """Return the standard deviation of noise whose negative half was clipped off.

    Args:
        mean: Mean density of empty space, s / sqrt(2 pi) for normal noise s.
    """
    return float(np.clip(mean * np.sqrt(2 * np.pi), 0, LARGEST_NOISE))


def clipped_moments(rendering: Floats, noise: float) -> tuple[Floats, Floats]:
    """Return mean and variance of each voxel: a normal variable that was clipped to [0, 1].

    Args:
        rendering: What the voxels held before the noise, in [0, 1].
        noise: Standard deviation of the noise; below `NOISELESS` nothing was clipped.
    """
    if noise < NOISELESS:
        return rendering, np.zeros_like(rendering)
    low, high = -rendering / noise, (1 - rendering) / noise
    bells = [np.exp(-(bound**2) / 2) / np.sqrt(2 * np.pi) for bound in (low, high)]
    inside, above = ndtr(high) - ndtr(low), ndtr(-high)
    mean = rendering * inside + noise * (bells[0] - bells[1]) + above
    square = (rendering**2 + noise**2) * inside + 2 * rendering * noise * (bells[0] - bells[1])
    square += noise**2 * (low * bells[0] - high * bells[1]) + above
    return mean, np.maximum(square - mean**2, 0)
