"""Three opinions on a picture's lattice lengths, and how their ratios are distributed."""

import itertools

import numpy as np

from keras_ruo2.metrics.distributions import sliced_wasserstein
from keras_ruo2.metrics.floors import NUM_REPLICATES, score
from keras_ruo2.metrics.marginals import AXES
from keras_ruo2.metrics.widths import implied_lengths


def lattice_opinions(grids, own, read, alpha):
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


def opinion_scores(opinions):
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


def by_axis(names, columns):
    """Return the mean of each column by name, NaN for an empty one."""
    return {
        name: float(values.mean()) if len(values) else np.nan
        for name, values in zip(names, columns, strict=True)
    }


def ratios(lengths):
    """Return the lengths over the last one, z, shape `(n, ndim - 1)`."""
    lengths = np.asarray(lengths, dtype=float)
    return lengths[:, :-1] / lengths[:, -1:]


def ratio_names(ndim):
    """Return the names of what `ratios` returns."""
    return [f"{axis}_over_z" for axis in AXES[ndim][:-1]]


def lattice_scores(generated, real, *, seed=0, replicates=NUM_REPLICATES):
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
