"""Radial distributions: how many neighbours an atom has at which distance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_ruo2.metrics.marginals import PAIRS, peaks_of

NUM_BINS = 60
LONGEST = {"Å": 6.0, "voxels": 10.0}


def radial_distributions(grids: np.ndarray, lengths: np.ndarray | None = None) -> dict[str, Any]:
    """Count the neighbours of each atom, that is of each peak, by distance.

    In a slice these are the neighbours within the slice. Distances are to the nearest periodic
    image, so they mean something up to half of the shortest length.

    Args:
        grids: Array of shape `(n, *grid, 2)`.
        lengths: Lattice lengths, shape `(n, ndim)`, Å; without them distances are in voxels.

    Returns:
        Dict: `distance`, the middle of each bin; `unit`; and by the names of `PAIRS` the number
        of neighbours of an atom per unit of distance, zero where there are no atoms.
    """
    grids = np.asarray(grids, dtype=np.float32)
    unit = "voxels" if lengths is None else "Å"
    sizes = np.tile(grids.shape[1:-1], (len(grids), 1)) if lengths is None else lengths
    edges = np.linspace(0, LONGEST[unit], NUM_BINS + 1)
    peaks = [peaks_of(grids[..., channel]) for channel in range(2)]
    distributions = {"distance": (edges[:-1] + edges[1:]) / 2, "unit": unit}
    for name, (first, second) in PAIRS.items():
        counts, atoms = np.zeros(NUM_BINS), 0
        for here, there, size in zip(peaks[first], peaks[second], sizes, strict=True):
            apart = here[:, None] - there
            apart = np.linalg.norm((apart - np.round(apart)) * size, axis=-1)
            if first == second:
                np.fill_diagonal(apart, np.inf)
            counts += np.histogram(apart, edges)[0]
            atoms += len(here)
        distributions[name] = counts / max(atoms, 1) / (edges[1] - edges[0])
    return distributions


def radial_difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, float]:
    """Return by pair how unlike two distributions are.

    That is half of the integral of their absolute difference over the larger number of neighbours:
    0 for equal ones, 1 where as many neighbours are at other distances altogether.
    """
    differences = {}
    for name in PAIRS:
        most = max(first[name].sum(), second[name].sum())
        apart = np.abs(first[name] - second[name]).sum()
        differences[name] = float(apart / (2 * most)) if most else np.nan
    return differences
