"""Paths through the latent space of a generator."""

from __future__ import annotations

import numpy as np

from keras_ruo2.errors import ConfigError, check_range

SMALLEST_SINE = 1e-6  # below it, two directions do not span a plane to turn in


def spherical_path(first: np.ndarray, last: np.ndarray, count: int) -> np.ndarray:
    """Interpolate between two latent vectors by turning one into the other.

    Normal noise in many dimensions lies close to a sphere. A straight line between two such
    vectors cuts through the inside, where the generator was never trained; this path does not.
    Directions turn by equal angles in the plane of the two vectors, and norms change evenly.

    Where the vectors span no plane (they are parallel, opposite, or one is zero, to within
    a sine of `SMALLEST_SINE` of the angle between them), the path is the straight line with
    equal steps. Between opposite vectors that line runs through zero: no turn is better than
    any other.

    Args:
        first: Where the path starts, shape `(latent_size,)`.
        last: Where it ends, same shape.
        count: Number of points, both ends included.

    Returns:
        Array of shape `(count, latent_size)`; its first and last rows equal `first` and `last`.
        float32 for float32 vectors.

    Raises:
        ConfigError: If `count` is below 2.
        ConfigError: If the vectors are not one-dimensional and equally long.

    Source:
        Shoemake, "Animating rotation with quaternion curves" (1985); Kim et al.,
        Sci. Adv. 6, eaax9324 (2020). How norms change is ours.
    """
    check_range("count", count, 2)
    first, last = np.asarray(first), np.asarray(last)
    if first.ndim != 1 or first.shape != last.shape:
        raise ConfigError(
            f"Latent vectors have shapes {first.shape} and {last.shape}. Expected two "
            "one-dimensional ones of equal length."
        )
    dtype = np.result_type(first, last, np.float32)
    share = np.linspace(0, 1, count)[:, None]
    path = spherical_interpolation(first.astype(float), last.astype(float), share).astype(dtype)
    path[0], path[-1] = first, last
    return path


def spherical_interpolation(first: np.ndarray, last: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return points at the given shares, shape `(count, 1)`, of the way; float64."""
    norms = np.linalg.norm(first), np.linalg.norm(last)
    straight = (1 - share) * first + share * last
    if not min(norms):
        return straight
    start, end = first / norms[0], last / norms[1]
    # Half the sum and half the difference are the cosine and sine of half the angle: accurate
    # for small angles too, where the scalar product is 1 whatever they are.
    angle = 2 * np.arctan2(np.linalg.norm(end - start), np.linalg.norm(end + start))
    if np.sin(angle) < SMALLEST_SINE:
        return straight
    direction = np.sin((1 - share) * angle) * start + np.sin(share * angle) * end
    return ((1 - share) * norms[0] + share * norms[1]) * direction / np.sin(angle)
