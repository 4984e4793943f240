"""How many atoms a density speaks for: the likelihood with an atom over that without it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keras_ruo2.density.fit import ROUGH, refine
from keras_ruo2.density.gaussians import Stencils, VoxelGrid, stencils
from keras_ruo2.density.noise import NOISELESS, log_likelihood
from keras_ruo2.density.voxelise import Floats

CLOSE = 5.0  # widths of a Gaussian; noise does not tear one apart by more
MOST_ROUNDS = 4
FADED = 0.02  # of the noise; what a voxel holds less of an atom does not speak for it


def evidence(density: Floats, local: Stencils, noise: float) -> Floats:
    """Return the logarithm of how much likelier the grid is with each atom than without it."""
    values = local.values
    near = values > FADED * max(noise, NOISELESS)
    own, voxels = values[near], local.voxels[near]
    seen = np.take(density, voxels)
    around = np.take(local.render(np.ones(len(values))), voxels)
    gain = log_likelihood(seen, around, noise) - log_likelihood(seen, around - own, noise)
    return np.asarray(np.bincount(np.nonzero(near)[0], gain, len(values)), dtype=np.float64)


def least_evidence(lattice: VoxelGrid, count: int, noise: float) -> float:
    """Return the `evidence` from which an atom is likelier than chance.

    Noise has as many places to look like an atom as its position has digits: the volume that each
    atom has for itself over the one that noise leaves its position (the evidence ratio of Bayesian
    model selection, with the likelihood near its maximum taken for normal).
    """
    ndim = len(lattice.shape)
    variance = max(noise, NOISELESS) ** 2 / (lattice.alpha * lattice.energy)
    volume = (2 * np.pi * variance) ** (ndim / 2)
    return max(0.0, np.log(lattice.lengths.prod() / (max(count, 1) * volume)))


def drop_twins(density: Floats, lattice: VoxelGrid, positions: Floats, noise: float) -> Floats:
    """Return `positions` without those atoms whose neighbour explains the grid as well alone.

    Noise can tear one Gaussian into two. Each of two atoms there is missed where it is taken away,
    because the other one stands beside the place of both. So one is taken away and the rest fitted
    again before they are compared.

    Args:
        density: Grid of one species, of shape `lattice.shape`.
        lattice: `VoxelGrid`.
        positions: Fitted, shape `(n, ndim)`, Å.
        noise: Standard deviation of the noise before it was clipped to [0, 1].

    Returns:
        Positions, roughly fitted, shape `(m, ndim)`, Å.
    """
    tried = np.empty((0, positions.shape[1]))
    least = least_evidence(lattice, len(positions), noise)
    for _ in range(MOST_ROUNDS):
        strength = evidence(density, stencils(lattice, positions), noise)
        weak = weaker(lattice, positions, strength, tried)
        if not len(weak):
            break
        tried = np.concatenate([tried, positions[weak]])
        others = np.delete(positions, weak, axis=0)
        refitted, _, _ = refine(
            density, lattice, others, np.ones(len(others)), noise=noise, tolerance=ROUGH
        )
        losses = gains(density, lattice, positions, weak, refitted, noise)
        needed = positions[weak][losses > least]
        if len(needed) == len(weak):
            continue
        positions, _, _ = refine(
            density,
            lattice,
            np.concatenate([others, needed]),
            np.ones(len(others) + len(needed)),
            noise=noise,
            tolerance=ROUGH,
        )
    return positions


def weaker(
    lattice: VoxelGrid, positions: Floats, strength: Floats, tried: Floats
) -> NDArray[np.intp]:
    """Return the index of the weaker atom of each close pair, one a neighbourhood."""
    reach = CLOSE * lattice.width
    weak, taken = [], np.zeros(len(positions), dtype=bool)
    pairs = lattice.pairs(positions, reach)
    old = np.zeros(len(positions), dtype=bool)
    if len(tried):
        old = lattice.distances(positions, tried).min(axis=1) < lattice.width
    for pair in pairs[np.argsort(strength[pairs].min(axis=1))]:
        pair = pair[~old[pair]]
        if len(pair) and not taken[pair].any():
            weak.append(pair[np.argmin(strength[pair])])
            taken |= lattice.distances(positions, positions[weak[-1:]])[:, 0] < 2 * reach
    return np.array(weak, dtype=int)


def gains(
    density: Floats,
    lattice: VoxelGrid,
    positions: Floats,
    weak: NDArray[np.intp],
    refitted: Floats,
    noise: float,
) -> Floats:
    """Return how much likelier the voxels about each weak atom are with it than without it."""
    local = stencils(lattice, positions)
    before = local.render(np.ones(len(positions)))
    after = stencils(lattice, refitted).render(np.ones(len(refitted)))
    change = log_likelihood(density, before, noise) - log_likelihood(density, after, noise)
    near = lattice.distances(positions[weak], positions) < CLOSE * lattice.width
    return np.array([np.take(change, np.unique(local.voxels[row])).sum() for row in near])
