"""Descriptions of density grids that no translation changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import fft


def spectra(grids: np.ndarray) -> np.ndarray:
    """Return the amplitudes of the Fourier components of Ru, O, and both together.

    A periodic translation changes phases only, so these do not see it. By the theorems of Parseval
    and the triangle, two descriptions are at most as far apart as the grids themselves in any
    relative position: the distance is a lower bound of that of the best aligned grids, in the unit
    of a density. The sum of both species ties the place of the O atoms to that of the Ru atoms,
    which the amplitudes of each alone do not know. Mirror images are not told apart.

    Args:
        grids: Array of shape `(n, *grid, 2)`.

    Returns:
        Array of shape `(n, d)`, float32. Its Euclidean norm is at most
        `sqrt(2)` times the root of the sum of squares of Ru, O and half of their sum.
    """
    grids = np.asarray(grids, dtype=np.float32)
    both = grids.sum(axis=-1, keepdims=True) / np.float32(np.sqrt(2))
    axes = tuple(range(1, grids.ndim - 1))
    shape = grids.shape[1:-1]
    amplitudes = np.abs(fft.rfftn(np.concatenate([grids, both], axis=-1), axes=axes))
    amplitudes *= half_space_weights(shape)[..., None]
    return amplitudes.reshape(len(grids), -1).astype(np.float32)


def half_space_weights(shape: Sequence[int]) -> np.ndarray:
    """Return factors that give a half spectrum the norm of the whole grid, by Parseval."""
    twice = np.full(shape[-1] // 2 + 1, 2.0)
    twice[0] = 1
    if shape[-1] % 2 == 0:
        twice[-1] = 1
    weights = np.sqrt(twice / np.prod(shape)).astype(np.float32)
    return np.broadcast_to(weights, (*shape[:-1], len(weights)))


def profile_spectra(grids: np.ndarray) -> np.ndarray:
    """Return the amplitudes of the profiles along z, the last axis of the grid.

    Args:
        grids: Array of shape `(n, *grid, channels)`.

    Returns:
        Array of shape `(n, channels * (nz // 2 + 1))`, float32, in the unit of a density.
    """
    profiles = np.asarray(grids, dtype=np.float32).mean(axis=tuple(range(1, grids.ndim - 2)))
    amplitudes = np.abs(fft.rfft(profiles, axis=1)) / profiles.shape[1]
    return amplitudes.reshape(len(grids), -1).astype(np.float32)


def pair_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances of all pairs of vectors, shape `(n, m)`."""
    squares = np.einsum("nd,nd->n", first, first)[:, None] + np.einsum("md,md->m", second, second)
    return np.sqrt(np.maximum(squares - 2 * first @ second.T, 0))
