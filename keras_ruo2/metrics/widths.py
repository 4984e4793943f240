"""Lattice lengths from the picture itself: how wide its Gaussians look in voxels.

Every atom is a Gaussian exp(-alpha r^2) with a fixed alpha, so that the logarithm of the density
bends by -2 alpha h^2 from voxel to voxel, where h is the length of a voxel: the picture tells the
cell it was drawn in. A slice beside an atom only lowers the logarithm. Neighbours that overlap
flatten the bend on one side, which is why the median over peaks is taken.
"""

import numpy as np

from keras_ruo2.metrics.marginals import find_peaks

FAINT = 0.02  # density beside a peak below which its logarithm says nothing
CLIPPED = 0.98  # density of a peak above which clipping may have flattened it
FEWEST_PEAKS = 3  # of a grid for which a length is given


def implied_lengths(grids, alpha):
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


def peak_lengths(density, places, alpha):
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
