"""Distances between sets of density grids."""

from __future__ import annotations

import numpy as np

NUM_PROJECTIONS = 128


def sliced_wasserstein(
    first: np.ndarray, second: np.ndarray, *, num_projections: int = NUM_PROJECTIONS, seed: int = 0
) -> float:
    """Return the sliced Wasserstein-1 distance of two equally large sets.

    Both sets are projected on random unit vectors; in one dimension the distance is the mean
    difference of the sorted values; the mean over the projections is returned.

    Args:
        first: Array of shape `(n, ...)`.
        second: Array of the same shape.
        num_projections: Number of random directions.
        seed: Seed of the directions: compare only distances of the same seed.

    Returns:
        Distance in the unit of the values, 0 for equal sets.

    Raises:
        ValueError: If the shapes differ.

    Source:
        Rabin et al., "Wasserstein barycenter and its application to texture mixing" (2011).
    """
    if first.shape != second.shape:
        raise ValueError(f"sets of one shape are compared, got {first.shape} and {second.shape}")
    return mean_sorted_difference(
        *(project(values, num_projections=num_projections, seed=seed) for values in (first, second))
    )


def project(
    values: np.ndarray, *, num_projections: int = NUM_PROJECTIONS, seed: int = 0
) -> np.ndarray:
    """Project samples on random unit vectors.

    Args:
        values: Array of shape `(n, ...)`.
        num_projections: Number of random directions.
        seed: Seed of the directions.

    Returns:
        Array of shape `(n, num_projections)`, float32.
    """
    flat = np.asarray(values, dtype=np.float32).reshape(len(values), -1)
    directions = np.random.default_rng(seed).normal(size=(flat.shape[1], num_projections))
    return flat @ (directions / np.linalg.norm(directions, axis=0)).astype(np.float32)


def mean_sorted_difference(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean Wasserstein-1 distance of the columns of two arrays of shape `(n, k)`."""
    ordered = [np.sort(np.ascontiguousarray(values.T), axis=1) for values in (first, second)]
    return float(np.abs(ordered[0] - ordered[1]).mean())
