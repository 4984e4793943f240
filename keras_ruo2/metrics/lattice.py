"""Three opinions on a picture's lattice lengths, and how their ratios are distributed.

One is of the picture itself. Every atom is a Gaussian exp(-alpha r^2) with a fixed alpha, so that
the logarithm of the density bends by -2 alpha h^2 from voxel to voxel, where h is the length of a
voxel: the picture tells the cell it was drawn in. A slice beside an atom only lowers the logarithm.
Neighbours that overlap flatten the bend on one side, which is why the median over peaks is taken.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_ruo2.metrics.distributions import sliced_wasserstein
from keras_ruo2.metrics.floors import NUM_REPLICATES, Score, score
from keras_ruo2.metrics.marginals import AXES, find_peaks

FAINT = 0.02  # density beside a peak below which its logarithm says nothing
CLIPPED = 0.98  # density of a peak above which clipping may have flattened it
FEWEST_PEAKS = 3  # of a grid for which a length is given


def lattice_opinions(
    grids: np.ndarray, own: np.ndarray | None, read: np.ndarray | None, alpha: float
) -> dict[str, np.ndarray]:
    """Return the lengths of grids by different sources.

    Args:
        grids: Array of shape `(n, *grid, 2)`.
        own: Lengths that come with them: the generator's, or the true ones, `(n, ndim)`, Å.
        read: The critic's, or `None`.
        alpha: Inverse square width of the Gaussians, Å^-2.

    Returns:
        Dict of arrays `(n, ndim)`: `own`, `critic` where known, and `picture`, what the apparent
        widths of the Gaussians imply.
    """
    opinions = {"own": np.asarray(own, dtype=float)}
    if read is not None:
        opinions["critic"] = np.asarray(read, dtype=float)
    return opinions | {"picture": implied_lengths(grids, alpha)}


def opinion_scores(opinions: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Return how far each pair of opinions is apart.

    Args:
        opinions: What `lattice_opinions` returned.

    Returns:
        Dict by pairs, e.g. `own_critic`, of dicts: `mean_absolute` and `bias` (the mean of the
        second minus the first), Å, by axis, and `known`, the share of values that both have.
    """
    scores = {}
    for first, second in itertools.combinations(opinions, 2):
        apart = opinions[second] - opinions[first]
        known = np.isfinite(apart)
        names = AXES[apart.shape[1]]
        columns = [apart[known[:, axis], axis] for axis in range(apart.shape[1])]
        scores[f"{first}_{second}"] = {
            "mean_absolute": by_axis(names, [np.abs(values) for values in columns]),
            "bias": by_axis(names, columns),
            "known": float(known.mean()),
        }
    return scores


def by_axis(names: Sequence[str], columns: Sequence[np.ndarray]) -> dict[str, float]:
    """Return the mean of each column by name, NaN for an empty one."""
    return {
        name: float(values.mean()) if len(values) else np.nan
        for name, values in zip(names, columns, strict=True)
    }


def ratios(lengths: np.ndarray) -> np.ndarray:
    """Return the lengths over the last one, z, shape `(n, ndim - 1)`."""
    lengths = np.asarray(lengths, dtype=float)
    return lengths[:, :-1] / lengths[:, -1:]


def ratio_names(ndim: int) -> list[str]:
    """Return the names of what `ratios` returns."""
    return [f"{axis}_over_z" for axis in AXES[ndim][:-1]]


def lattice_scores(
    generated: np.ndarray, real: np.ndarray, *, seed: int = 0, replicates: int = NUM_REPLICATES
) -> dict[str, Score]:
    """Compare the joint distributions of lengths and of their ratios.

    Args:
        generated: Lengths, shape `(n, ndim)`, Å.
        real: Lengths of real records.
        seed: Seed of `score`.
        replicates: Number of its bootstrap replicates.

    Returns:
        Dict of `Score`: `joint_lengths`, sliced Wasserstein distance, Å; `joint_ratios`, the same
        of the ratios to z. A shuffled pairing of lengths changes these, not the marginals.
    """
    sets = {"joint_lengths": (generated, real), "joint_ratios": (ratios(generated), ratios(real))}
    return {
        name: score(sliced_wasserstein, *values, seed=seed, replicates=replicates)
        for name, values in sets.items()
    }


def implied_lengths(grids: np.ndarray, alpha: float) -> np.ndarray:
    """Return the lengths that the apparent widths of a grid's Gaussians imply.

    Args:
        grids: Array of shape `(n, *grid, 2)`.
        alpha: Inverse square width of the Gaussians, Å^-2.

    Returns:
        Array of shape `(n, ndim)`, Å: the median over the peaks of both species; NaN where a grid
        has fewer than `FEWEST_PEAKS` that can be measured.
    """
    grids = np.asarray(grids, dtype=np.float32)
    shape = grids.shape[1:-1]
    owners, lengths = [], []
    for channel in range(grids.shape[-1]):
        density = grids[..., channel]
        places = find_peaks(density)
        owners.append(places[0])
        lengths.append(peak_lengths(density, places, alpha))
    owner, implied = np.concatenate(owners), np.concatenate(lengths)
    result = np.full((len(grids), len(shape)), np.nan)
    order = np.argsort(owner, kind="stable")
    splits = np.split(implied[order], np.searchsorted(owner[order], np.arange(1, len(grids))))
    for number, part in enumerate(splits):
        enough = np.isfinite(part).sum(axis=0) >= FEWEST_PEAKS
        result[number, enough] = np.nanmedian(part[:, enough], axis=0)
    return result


def peak_lengths(density: np.ndarray, places: tuple[np.ndarray, ...], alpha: float) -> np.ndarray:
    """Return what each peak implies along each axis, Å, shape `(k, ndim)`, NaN where it cannot.

    Args:
        density: One channel, shape `(n, *grid)`.
        places: Indices of the peaks, as from `find_peaks`.
        alpha: Inverse square width, Å^-2.
    """
    shape = density.shape[1:]
    centre = density[places]
    implied = np.full((len(centre), len(shape)), np.nan)
    for axis, size in enumerate(shape):
        sides = []
        for step in (-1, 1):
            moved = list(places)
            moved[axis + 1] = (places[axis + 1] + step) % size
            sides.append(density[tuple(moved)])
        usable = (np.minimum(*sides) > FAINT) & (centre < CLIPPED)
        left, right, top = (np.log(values[usable]) for values in (*sides, centre))
        bend = 2 * top - left - right
        implied[usable, axis] = size * np.sqrt(np.maximum(bend, 0) / (2 * alpha))
    return implied
