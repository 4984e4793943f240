"""Where atoms are on average, given a noisy grid: what the maximum of the likelihood does not say.

Along an axis whose voxels are longer than a Gaussian is wide, an atom on a voxel looks the same a
little way to either side. Noise then moves the maximum of the likelihood to one of the two, half of
the time to the wrong one. The mean over all places, weighted by their likelihood, has the least
mean square error of all estimates where every place is as likely as any other beforehand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from keras_ruo2.density.evidence import FADED
from keras_ruo2.density.gaussians import VoxelGrid, stencils
from keras_ruo2.density.noise import log_likelihood
from keras_ruo2.density.voxelise import Floats

NUM_PLACES = 128  # places that are weighed for each atom
WIDER = 1.5  # standard deviations of a likelihood that those places spread by
LEAST_SPREAD = 0.2  # of a voxel, so that both sides of one are among the places
LARGEST_SPREAD = 0.3
ANYWHERE = 1.0  # of a cell's length: what is known of an atom's place before the grid is seen
WIDEST = 6.0  # standard deviations; further off a place has no likelihood
SHARP = 0.06  # of a Gaussian's width; an atom known so well has its mean at the maximum
SHARPEST = 0.2  # least width of what is found, in that of the places looked at
AT_ONCE = 64  # atoms


def mean_positions(density: Floats, lattice: VoxelGrid, positions: Floats, noise: float) -> Floats:
    """Return each atom's mean position, the others staying at their places.

    Args:
        density: Grid of one species, of shape `lattice.shape`.
        lattice: `VoxelGrid`.
        positions: Those of greatest likelihood, shape `(n, ndim)`, Å.
        noise: Standard deviation of the noise before it was clipped to [0, 1].

    Returns:
        Positions in `[0, length)`, shape `(n, ndim)`, Å.
    """
    local = stencils(lattice, positions)
    rendering = local.render(np.ones(len(positions)))
    ndim = positions.shape[1]
    information = local.products(ndim).reshape(-1, ndim, ndim) / noise**2
    # An atom on a voxel that is far from all others leaves no trace of its place.
    information += np.diag((ANYWHERE * lattice.lengths) ** -2)
    deviation = np.sqrt(np.einsum("nii->ni", np.linalg.inv(information)))
    vague = np.flatnonzero(deviation.max(axis=1, initial=0) > SHARP * lattice.width)
    spacing = lattice.lengths / lattice.shape
    spread = np.maximum(WIDER * deviation, np.minimum(LEAST_SPREAD * spacing, WIDEST * deviation))
    spread = np.minimum(spread, LARGEST_SPREAD * spacing)
    moved = positions.copy()
    for first in range(0, len(vague), AT_ONCE):
        some = vague[first : first + AT_ONCE]
        voxels = prominent(local.values[some], local.voxels[some], FADED * noise)
        seen = LocalPosterior(density, lattice, rendering, positions[some], voxels, noise)
        middle, width = seen.mean(np.zeros((len(voxels), ndim)), spread[some])
        moved[some] += seen.mean(middle, WIDER * width)[0]
    return moved % lattice.lengths


def prominent(values: Floats, voxels: NDArray[np.intp], least: float) -> NDArray[np.intp]:
    """Return the voxels of largest `values` for each atom, as many as exceed `least` at most."""
    values, voxels = values.reshape(len(values), -1), voxels.reshape(len(voxels), -1)
    count = (values > least).sum(axis=1).max()
    order = np.argsort(-values, axis=1)[:, :count]
    return np.take_along_axis(voxels, order, axis=1)


class LocalPosterior:
    """What the voxels around atoms say of their places, the other atoms staying at theirs.

    Args:
        density, lattice, rendering, noise: As in `mean_positions`.
        positions: Of n atoms, Å.
        voxels: Those that an atom is seen in, shape `(n, voxels)`.
    """

    def __init__(
        self,
        density: Floats,
        lattice: VoxelGrid,
        rendering: Floats,
        positions: Floats,
        voxels: NDArray[np.intp],
        noise: float,
    ) -> None:
        indices = np.stack(np.unravel_index(voxels, lattice.shape), axis=-1)
        apart = indices * (lattice.lengths / lattice.shape) - positions[:, None]
        self.apart = apart - lattice.lengths * np.round(apart / lattice.lengths)
        self.squares = (self.apart**2).sum(axis=-1)
        self.others = np.take(rendering, voxels) - np.exp(-lattice.alpha * self.squares)
        self.density, self.alpha, self.noise = np.take(density, voxels), lattice.alpha, noise

    def mean(self, middle: Floats, spread: Floats) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of the atoms' offsets, shape `(n, ndim)`, Å.

        They are weighed sums over places spread normally about `middle` (importance sampling).
        """
        steps = normal_places(middle.shape[1])
        offsets = middle[:, None] + steps * spread[:, None]
        squares = self.squares[:, None] + (offsets**2).sum(axis=-1)[:, :, None]
        squares = squares - 2 * offsets @ self.apart.transpose(0, 2, 1)
        trial = self.others[:, None] + np.exp(-self.alpha * squares)
        likelihood = log_likelihood(self.density[:, None], trial, self.noise).sum(axis=-1)
        weights = likelihood + (steps**2).sum(axis=-1) / 2
        weights = np.exp(weights - weights.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        mean = np.einsum("ns,nsk->nk", weights, offsets)
        variance = np.einsum("ns,nsk->nk", weights, (offsets - mean[:, None]) ** 2)
        return mean, np.sqrt(np.maximum(variance, (SHARPEST * spread) ** 2))


def normal_places(ndim: int) -> Floats:
    """Return `NUM_PLACES` evenly spread points of a standard normal distribution."""
    points = qmc.Halton(ndim, scramble=False).random(NUM_PLACES + 1)[1:]
    return ndtri(points)
