"""Precision, recall, density and coverage: which samples lie among the others.

Source:
    Kynkaanniemi et al., "Improved precision and recall metric for assessing generative models",
    arXiv:1904.06991 (2019); Naeem et al., "Reliable fidelity and diversity metrics for generative
    models", arXiv:2002.09797 (2020).
"""

from __future__ import annotations

import numpy as np

from keras_ruo2.metrics.descriptors import pair_distances, spectra
from keras_ruo2.metrics.floors import NUM_REPLICATES, Score, common_size, over_floor
from keras_ruo2.metrics.ssim import slices_of

NUM_NEIGHBOURS = 5
BLOCK_VALUES = 30_000_000  # Fourier amplitudes of a block of records in memory
LARGEST = 2000  # samples of a set: 32 MB for the distances of two such
NAMES = ("precision", "recall", "density", "coverage")


def neighbour_scores(
    generated: np.ndarray, real: np.ndarray, *, seed: int = 0, neighbours: int = NUM_NEIGHBOURS
) -> dict[str, Score]:
    """Compare two sets of vectors, and two halves of the real one as the floor.

    Each score is a mean over samples, so its interval is the bootstrap of that mean, with the
    neighbourhoods as they are: repeated samples would shrink them.

    Args:
        generated: Descriptions, shape `(n, d)`.
        real: Descriptions, shape `(m, d)`.
        seed: Seed of the halves and of the bootstrap.
        neighbours: Number of neighbours that span a sample's ball.

    Returns:
        Dict of `Score` by the names in `NAMES`: precision, the share of generated samples within
        the ball of a real one; recall, the share of real samples within the ball of a generated
        one; density, the number of real balls around a generated sample over `neighbours`;
        coverage, the share of real samples whose ball holds a generated one. A sample's ball
        reaches to its nearest neighbours of its own set. Ratios of 1 are as good as real data.

    Raises:
        TooFewSamples: If there are too few samples.
    """
    size = min(LARGEST, common_size(generated, real))
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(real))
    other, half = real[order[:size]], real[order[size : 2 * size]]
    made = generated[rng.permutation(len(generated))[:size]]
    added = memberships(made, other, neighbours)
    floors = memberships(half, other, neighbours)
    again = rng.integers(size, size=(NUM_REPLICATES, size))
    return {
        name: over_floor(
            added[name].mean(),
            floors[name].mean(),
            added[name][again].mean(axis=1) - added[name].mean(),
        )
        for name in NAMES
    }


def memberships(generated: np.ndarray, real: np.ndarray, neighbours: int) -> dict[str, np.ndarray]:
    """Return for each sample what it adds to each score, a dict of arrays."""
    apart = pair_distances(generated, real)
    radius_real, radius_made = (radii(values, neighbours) for values in (real, generated))
    in_real_ball = apart < radius_real
    return {
        "precision": in_real_ball.any(axis=1),
        "recall": (apart < radius_made[:, None]).any(axis=0),
        "density": in_real_ball.sum(axis=1) / neighbours,
        "coverage": apart.min(axis=0) < radius_real,
    }


def radii(vectors: np.ndarray, neighbours: int) -> np.ndarray:
    """Return the distance of each vector to its nearest but `neighbours`-th other one."""
    apart = pair_distances(vectors, vectors)
    np.fill_diagonal(apart, np.inf)
    return np.partition(apart, neighbours - 1, axis=1)[:, neighbours - 1]


def nearest_records(grids: np.ndarray, records: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest record in Fourier amplitudes, which no translation changes.

    Args:
        grids: Array of shape `(n, *grid, 2)`.
        records: Array of shape `(m, *grid, 2)`, m at least 1.

    Returns:
        Their numbers, `(n,)`, and distances, `(n,)`, in the unit of a density: a lower bound of
        the distance of the best aligned grids.
    """
    wanted = spectra(grids)
    index, best = np.zeros(len(grids), dtype=int), np.full(len(grids), np.inf)
    for block in slices_of(len(records), max(1, BLOCK_VALUES // wanted.shape[1])):
        apart = pair_distances(wanted, spectra(records[block]))
        place = apart.argmin(axis=1)
        distances = apart[np.arange(len(grids)), place]
        closer = distances < best
        index[closer], best[closer] = place[closer] + block.start, distances[closer]
    return index, best
