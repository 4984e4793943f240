"""Quantities of single grids that have a physical meaning, and how far their distributions are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.stats import wasserstein_distance

from keras_ruo2.metrics.floors import NUM_REPLICATES, Score, score

EMPTY_LAYER = 0.15  # a layer along z whose densities all stay below this is vacuum
PEAK = 0.3  # the least density of an atom's maximum: an atom 0.5 A beside a slice at alpha 5
# Of a species, by dimensions; a noisy image has hundreds, a slab of 13 x 13 x 20 A holds 170 O.
MOST_PEAKS = {2: 64, 3: 512}
PAIRS = {"ru_o": (0, 1), "o_o": (1, 1), "ru_ru": (0, 0)}
AXES = {2: ("lateral", "z"), 3: ("x", "y", "z")}


class Marginal(NamedTuple):
    """One quantity.

    Args:
        title: What it is, in words.
        unit: Its unit where lengths are known.
        values: Array of shape `(n, ...)`, NaN where a sample has fewer values.
    """

    title: str
    unit: str
    values: np.ndarray


def marginals(grids: np.ndarray, lengths: np.ndarray | None = None) -> dict[str, Marginal]:
    """Return the quantities of each grid.

    Args:
        grids: Array of shape `(n, *grid, 2)`, channels Ru and O, z the last axis of the grid.
        lengths: Lattice lengths, shape `(n, ndim)`, A. Without them, lengths are in voxels.

    Returns:
        Dict of `Marginal` by name.
    """
    grids = np.asarray(grids, dtype=np.float32)
    ndim = grids.ndim - 2
    known = lengths is not None
    sizes = (
        np.asarray(lengths, dtype=float) if known else np.tile(grids.shape[1:-1], (len(grids), 1))
    )
    unit = "Å" if known else "voxels"
    sums = grids.sum(axis=tuple(range(1, 1 + ndim)), dtype=np.float64)
    total = sums.sum(axis=1)
    share = np.divide(sums[:, 0], total, out=np.full(len(grids), np.nan), where=total > 0)
    vacuum = vacuum_fraction(grids)
    quantities = {
        "density_ru": Marginal("Sum of Ru densities", "voxels", sums[:, 0]),
        "density_o": Marginal("Sum of O densities", "voxels", sums[:, 1]),
        "ru_share": Marginal("Ru : (Ru + O), of the densities", "", share),
        "vacuum_fraction": Marginal("Vacuum fraction along z", "", vacuum),
        "slab_thickness": Marginal("Slab thickness", unit, (1 - vacuum) * sizes[:, -1]),
    }
    nearest = nearest_distances(grids, sizes)
    titles = {"ru_o": "Ru to nearest O", "o_o": "O to nearest O", "ru_ru": "Ru to nearest Ru"}
    for name, title in titles.items():
        quantities[f"nearest_{name}"] = Marginal(title, unit, nearest[name])
    if known:
        for axis, name in enumerate(AXES[ndim]):
            quantities[f"length_{name}"] = Marginal(f"Lattice length, {name}", "Å", sizes[:, axis])
    return quantities


def marginal_scores(
    generated: Mapping[str, Marginal],
    real: Mapping[str, Marginal],
    *,
    seed: int = 0,
    replicates: int = NUM_REPLICATES,
) -> dict[str, Score]:
    """Compare the quantities of generated and of real grids.

    Args:
        generated: What `marginals` returned.
        real: The same of real grids.
        seed: Seed of `score`.
        replicates: Number of its bootstrap replicates.

    Returns:
        Dict of `Score` by name: Wasserstein-1 distances in the unit of each quantity.
    """
    return {
        name: score(
            pooled_distance,
            generated[name].values,
            real[name].values,
            seed=seed,
            replicates=replicates,
        )
        for name in generated
        if name in real and generated[name].unit == real[name].unit
    }


def pooled_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Wasserstein-1 distance of all finite values, NaN if a set has none."""
    first, second = (values[np.isfinite(values)] for values in (first, second))
    if not len(first) or not len(second):
        return np.nan
    if len(first) == len(second):
        return float(np.abs(np.sort(first) - np.sort(second)).mean())
    return wasserstein_distance(first, second)


def vacuum_fraction(grids: np.ndarray) -> np.ndarray:
    """Return the share of the cell along z that the longest run of empty layers takes, `(n,)`."""
    densest = grids.max(axis=(*range(1, grids.ndim - 2), grids.ndim - 1))
    return np.array([longest_run(layers < EMPTY_LAYER) for layers in densest]) / densest.shape[1]


def longest_run(claims: np.ndarray) -> int:
    """Return the length of the longest run of true values on a ring."""
    filled = np.flatnonzero(~np.asarray(claims))
    if not len(filled):
        return len(claims)
    return int(np.diff(np.append(filled, filled[0] + len(claims))).max()) - 1


def nearest_distances(grids: np.ndarray, sizes: np.ndarray) -> dict[str, np.ndarray]:
    """Return each peak's distance to the nearest peak of a species, across boundaries.

    Args:
        grids: Array of shape `(n, *grid, 2)`.
        sizes: Lengths of each grid, `(n, ndim)`.

    Returns:
        Dict of arrays `(n, k)` by the names of `PAIRS`, k of `MOST_PEAKS`, in the unit of `sizes`,
        NaN where a grid has fewer peaks.
    """
    peaks = [peaks_of(grids[..., channel]) for channel in range(2)]
    most = MOST_PEAKS[grids.ndim - 2]
    distances = {name: np.full((len(grids), most), np.nan) for name in PAIRS}
    for number, size in enumerate(sizes):
        for name, (first, second) in PAIRS.items():
            here, there = peaks[first][number], peaks[second][number]
            if not len(here) or len(there) < 1 + (first == second):
                continue
            apart = here[:, None] - there
            apart = np.linalg.norm((apart - np.round(apart)) * size, axis=-1)
            if first == second:
                np.fill_diagonal(apart, np.inf)
            distances[name][number, : len(here)] = apart.min(axis=1)
    return distances


def peaks_of(density: np.ndarray) -> list[np.ndarray]:
    """Find the maxima of one channel to a fraction of a voxel.

    A maximum is moved to that of the parabolas through the logarithms of its neighbours along each
    axis, which is exact for a lone Gaussian.

    Args:
        density: Array of shape `(n, *grid)`.

    Returns:
        List of n arrays of fractional coordinates, each `(k, ndim)` with the highest peaks, at
        most as many as `MOST_PEAKS` says.
    """
    axes = range(1, density.ndim)
    places = find_peaks(density)
    logarithm = np.log(np.maximum(density, 1e-6))
    centre = logarithm[places]
    position = np.empty((len(centre), len(axes)))
    for axis in axes:
        left, right = (np.roll(logarithm, step, axis=axis)[places] for step in (1, -1))
        bend = np.minimum(left + right - 2 * centre, -1e-6)
        offset = np.clip(0.5 * (left - right) / bend, -0.5, 0.5)
        position[:, axis - 1] = (places[axis] + offset) / density.shape[axis]
    order = np.lexsort((-density[places], places[0]))
    position, owner = position[order], places[0][order]
    splits = np.split(position, np.searchsorted(owner, np.arange(1, len(density))))
    return [part[: MOST_PEAKS[len(axes)]] for part in splits]


def find_peaks(density: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the indices of the maxima of one channel, `(n, *grid)`, that are at least `PEAK`."""
    around = ndimage.maximum_filter(
        # equal neighbours, as clipping makes them, must not hide a peak or double it
        ranked := density + 1e-6 * np.linspace(0, 1, density[0].size).reshape(density.shape[1:]),
        size=(1, *(3,) * (density.ndim - 1)),
        mode="wrap",
    )
    return np.nonzero((ranked == around) & (density >= PEAK))
