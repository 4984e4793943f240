"""Fit Gaussians to a density: the inverse of `voxels`, for one species and any rank.

A Gaussian on a grid is a product of one-dimensional ones, so rendering n atoms, projecting a
residual on them and the overlaps that a Gauss-Newton step needs are matrix products of their
one-dimensional factors, each of shape `(n, points)`. Nothing is truncated or linearised: the
stencil is that of `voxels.voxelise`, with its periodic images and its clip.
"""

import itertools
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.special import log_ndtr

from keras_ruo2.structure.voxels import NEGLIGIBLE, periodic_gaussians

LARGEST_STEP = 0.5  # of a Gaussian's standard deviation, that an atom moves by in one step
DAMPING = 1e-3  # share that is added to the diagonal of the normal equations
CONVERGED = 1e-3  # Å; the fit ends when no atom moves further in a step
MOST_STEPS = 20
TURNED = 0.3  # share of its last step that an atom goes back by when its steps are too long
NOISELESS = 0.003  # noise below this is quantisation, of which nothing is clipped
LARGEST_NOISE = 0.3  # of full scale
MOST_PEAKS = 2000  # a flat grid is a peak everywhere
EMPTY = 0.01  # a rendering below this is empty space
SMALLEST = 1e-12


@dataclass(frozen=True)
class Lattice:
    """A periodic grid in an orthogonal cell, and the Gaussians on it.

    Args:
        lengths: Length of each axis, Å.
        shape: Voxels along each axis; the first one of each lies at 0.
        alpha: Inverse square width of the Gaussians, Å^-2.
    """

    lengths: np.ndarray
    shape: tuple[int, ...]
    alpha: float

    @property
    def width(self):
        """Standard deviation of a Gaussian, Å."""
        return (2 * self.alpha) ** -0.5

    @property
    def energy(self):
        """Sum of the squares of a Gaussian over the grid, on average over its places."""
        return (np.pi / (2 * self.alpha)) ** (len(self.shape) / 2) / np.prod(
            np.divide(self.lengths, self.shape)
        )

    def factors(self, positions):
        """Return the one-dimensional Gaussians of `positions`, an array `(n, points)` an axis."""
        return [
            periodic_gaussians(positions[:, axis], self.lengths[axis], count, self.alpha)
            for axis, count in enumerate(self.shape)
        ]

    def slopes(self, positions):
        """Return the derivatives of `factors` with respect to the positions, Å^-1."""
        return [
            gaussian_slopes(positions[:, axis], self.lengths[axis], count, self.alpha)
            for axis, count in enumerate(self.shape)
        ]

    def distances(self, first, second):
        """Return the distances of all pairs by the nearest image, shape `(n, m)`, Å."""
        apart = first[:, None] - second[None]
        apart -= self.lengths * np.round(apart / self.lengths)
        return np.linalg.norm(apart, axis=-1)


def gaussian_slopes(positions, length, count, alpha):
    """Return the derivatives of `voxels.periodic_gaussians` with respect to `positions`."""
    distance = np.arange(count) * (length / count) - np.asarray(positions)[:, None]
    distance -= length * np.round(distance / length)
    reach = int(np.ceil(np.sqrt(-np.log(NEGLIGIBLE) / alpha) / length))
    apart = distance[..., None] + length * np.arange(-reach, reach + 1)
    return (2 * alpha * apart * np.exp(-alpha * apart**2)).sum(axis=-1)


def leading(factors):
    """Return the outer products of all but the last axis, flattened: shape `(n, points)`."""
    return reduce(
        lambda left, right: (left[:, :, None] * right[:, None, :]).reshape(
            len(left), left.shape[1] * right.shape[1]
        ),
        factors[:-1],
    )


def render(factors, heights):
    """Return the sum of the Gaussians times their `heights`, not clipped yet."""
    shape = [factor.shape[1] for factor in factors]
    return (leading(factors).T @ (heights[:, None] * factors[-1])).reshape(shape)


def project(values, factors):
    """Return the sum over the grid of `values` times each Gaussian, shape `(n,)`."""
    along_last = values.reshape(-1, values.shape[-1]) @ factors[-1].T
    return np.einsum("pn,np->n", along_last, leading(factors), optimize=False)


def overlaps(first, second):
    """Return the sums over the grid of the products of all pairs, shape `(n, m)`."""
    return reduce(np.multiply, [one @ other.T for one, other in zip(first, second, strict=True)])


def likely_residual(density, rendering, noise):
    """Return by how much each voxel wants a rendering changed.

    That is their difference, except where noise of full scale 0 to 1 was clipped off: a voxel at
    0 only says that density and noise together were not above 0. Its part is the derivative of
    the logarithm of the likelihood of a censored normal variable (J. Tobin, Econometrica 26, 24
    (1958)), times the noise's variance.

    Args:
        density: Grid of one species.
        rendering: What `render` returned, of the same shape.
        noise: Standard deviation of the noise before it was clipped.

    Returns:
        Array of the same shape.
    """
    clipped = np.minimum(rendering, 1)
    residual = density - clipped
    if noise < NOISELESS:
        return residual
    for beyond, sign in ((density <= 0, -1), (density >= 1, 1)):
        off = sign * (clipped[beyond] - (sign + 1) / 2) / noise
        bell = np.exp(-(off**2) / 2 - log_ndtr(off)) / np.sqrt(2 * np.pi)
        residual[beyond] = sign * noise * bell
    return residual


def background(noise):
    """Return the mean density of empty space under noise that is clipped to [0, 1]."""
    return 0.0 if noise < NOISELESS else noise / np.sqrt(2 * np.pi)


def noise_level(mean):
    """Return the standard deviation of noise whose negative half was clipped off.

    Args:
        mean: Mean density of empty space, s / sqrt(2 pi) for normal noise s.
    """
    return float(np.clip(mean * np.sqrt(2 * np.pi), 0, LARGEST_NOISE))


def refine(density, lattice, positions, heights, *, noise=0.0, free_heights=False):
    """Fit positions, and heights if they are free, by damped Gauss-Newton steps.

    The residual is that of the clipped rendering. The steps ignore the clip, which keeps atoms
    moving out of each other where the rendering is clipped and the density is not; both
    vanish together, so the solution is the same.

    With noise it is the fit of greatest likelihood under `likely_residual`.

    Args:
        density: Grid of one species, of shape `lattice.shape`.
        lattice: `Lattice`.
        positions: Where to start, shape `(n, ndim)`, Å.
        heights: Height of each Gaussian, shape `(n,)`; 1 for an atom.
        noise: Standard deviation of the noise before it was clipped to [0, 1].
        free_heights: Fit the heights too.

    Returns:
        `(positions, heights, converged)`: positions in `[0, length)`.
    """
    positions, heights = positions.copy(), heights.copy()
    ndim, count = positions.shape[1], len(positions)
    pace, before = np.ones((count, 1)), np.zeros(positions.shape)
    for _ in range(MOST_STEPS if count else 0):
        factors, slopes = lattice.factors(positions), lattice.slopes(positions)
        residual = likely_residual(density, render(factors, heights), noise)
        columns = [factors[:axis] + [slopes[axis]] + factors[axis + 1 :] for axis in range(ndim)]
        scales = [heights] * ndim
        if free_heights:
            columns, scales = [*columns, factors], [*scales, np.ones(count)]
        step = solve(residual, columns, scales)
        move = step[:ndim].T
        # An atom that turns back this far swings about its place: noise narrowed its valley.
        pace[(move * before).sum(axis=1) < -TURNED * (before**2).sum(axis=1)] /= 2
        before = move = move * pace
        length = np.linalg.norm(move, axis=1, keepdims=True)
        move = move * np.minimum(1, LARGEST_STEP * lattice.width / np.maximum(length, SMALLEST))
        positions = (positions + move) % lattice.lengths
        if free_heights:
            heights = np.clip(heights + step[ndim], 0, None)
        if length.max() < CONVERGED:
            return positions, heights, True
    return positions, heights, not count


def solve(residual, columns, scales):
    """Return the damped Gauss-Newton step, shape `(columns, n)`.

    Args:
        residual: Density minus rendering.
        columns: For each kind of parameter the factors of the derivative.
        scales: What each derivative is multiplied by, shape `(n,)` each.
    """
    gradient = [
        scale * project(residual, column) for column, scale in zip(columns, scales, strict=True)
    ]
    matrix = np.block(
        [
            [
                scale[:, None] * overlaps(column, other) * factor
                for other, factor in zip(columns, scales, strict=True)
            ]
            for column, scale in zip(columns, scales, strict=True)
        ]
    )
    diagonal = np.diagonal(matrix)
    matrix = matrix + np.diag(DAMPING * diagonal + SMALLEST)
    return np.linalg.solve(matrix, np.concatenate(gradient)).reshape(len(columns), -1)


def matched(density, lattice):
    """Return how much of an atom lies at each voxel: 1 at that of a lone atom, 0 in a void.

    This is the integral of the density under a Gaussian there, in units of an atom's own.
    """
    result = density
    for axis, (length, count) in enumerate(zip(lattice.lengths, lattice.shape, strict=True)):
        kernel = periodic_gaussians(
            np.arange(count) * (length / count), length, count, lattice.alpha
        )
        kernel /= (kernel[0] ** 2).sum()
        result = np.moveaxis(np.tensordot(kernel, result, (1, axis)), 0, axis)
    return result


def peaks(field, lattice, threshold):
    """Find the local maxima of a smooth field, between the voxels.

    Equal neighbours (a plateau, or an atom halfway between two voxels) count once.

    Args:
        field: What `matched` returned.
        lattice: `Lattice`.
        threshold: Least value of a maximum, between the voxels.

    Returns:
        Positions of shape `(n, ndim)`, Å, the highest first, none closer than a voxel; at most
        `MOST_PEAKS` are looked at.
    """
    voxels = np.argwhere(field > threshold / 2)
    for step in itertools.product((-1, 0, 1), repeat=field.ndim):
        beside = (voxels + step) % field.shape
        voxels = voxels[field[tuple(voxels.T)] >= field[tuple(beside.T)]]
    voxels = voxels[np.argsort(-field[tuple(voxels.T)], kind="stable")][:MOST_PEAKS]
    spacing = lattice.lengths / lattice.shape
    places = np.empty(voxels.shape)
    middle = np.log(field[tuple(voxels.T)])
    height = middle.copy()
    for axis, count in enumerate(lattice.shape):
        before, after = voxels.copy(), voxels.copy()
        before[:, axis] = (voxels[:, axis] - 1) % count
        after[:, axis] = (voxels[:, axis] + 1) % count
        low, high = (np.log(np.maximum(field[tuple(side.T)], SMALLEST)) for side in (before, after))
        curvature = np.maximum(2 * middle - low - high, SMALLEST)
        offset = np.clip((high - low) / (2 * curvature), -0.5, 0.5)
        places[:, axis] = (voxels[:, axis] + offset) * spacing[axis]
        own = lattice.alpha * spacing[axis] ** 2  # of a lone atom; noise must not exceed it
        height += np.minimum(curvature, own) * offset**2 / 2
    places = places[height > np.log(threshold)]
    return apart(places % lattice.lengths, lattice, spacing.max())


def apart(places, lattice, least):
    """Keep those `places`, first come first served, that are `least` Å from all kept ones."""
    near = np.tril(lattice.distances(places, places) < least, -1)
    kept = np.ones(len(places), dtype=bool)
    for index in range(len(places)):
        kept[index] = not (near[index] & kept).any()
    return places[kept]
