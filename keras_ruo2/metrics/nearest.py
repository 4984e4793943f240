"""The training record that is nearest to each sample, whatever its translation."""

import numpy as np

from keras_ruo2.metrics.descriptors import pair_distances, spectra
from keras_ruo2.metrics.ssim import slices_of

BLOCK_VALUES = 30_000_000  # Fourier amplitudes of a block of records in memory


def nearest_records(grids, records):
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
