"""The Gaussians of atoms on a periodic grid of any rank, each in the voxels around its atom.

A Gaussian on a grid is a product of one-dimensional ones. Where it has faded to `TAIL` its voxels
are left out, so that rendering n atoms, or projecting a residual on them, costs some hundred voxels
an atom instead of the whole grid. An axis shorter than that is taken whole, with all images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from keras_ruo2.density.voxelise import NEGLIGIBLE, Floats, periodic_gaussians

COARSE = 3.0  # widths of a Gaussian; an atom amid longer voxels is faint in all of them
TAIL = 1e-6  # of a Gaussian's height; float32 densities resolve 6e-8, those of 8 bits 4e-3


@dataclass(frozen=True)
class VoxelGrid:
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
    def width(self) -> float:
        """Standard deviation of a Gaussian, Å."""
        return (2 * self.alpha) ** -0.5

    @property
    def energy(self) -> float:
        """Sum of the squares of a Gaussian over the grid, on average over its places."""
        return self.integral / 2 ** (len(self.shape) / 2)

    @property
    def integral(self) -> float:
        """Sum of a Gaussian over the grid, on average over its places."""
        return (np.pi / self.alpha) ** (len(self.shape) / 2) / np.prod(self.spacing)

    @property
    def spacing(self) -> Floats:
        """Edges of a voxel, shape `(ndim,)`, Å."""
        return np.divide(self.lengths, self.shape)

    @property
    def coarse(self) -> NDArray[np.intp]:
        """The axes whose voxels are longer than `COARSE` widths."""
        return np.flatnonzero(self.spacing > COARSE * self.width)

    def factors(self, positions: Floats) -> list[Floats]:
        """Return the one-dimensional Gaussians of `positions`, an array `(n, points)` an axis."""
        return [
            periodic_gaussians(positions[:, axis], self.lengths[axis], count, self.alpha)
            for axis, count in enumerate(self.shape)
        ]

    def slopes(self, positions: Floats) -> list[Floats]:
        """Return the derivatives of `factors` with respect to the positions, Å^-1."""
        return [
            gaussian_slopes(positions[:, axis], self.lengths[axis], count, self.alpha)
            for axis, count in enumerate(self.shape)
        ]

    def distances(self, first: Floats, second: Floats) -> Floats:
        """Return the distances of all pairs by the nearest image, shape `(n, m)`, Å."""
        apart = first[:, None] - second[None]
        apart -= self.lengths * np.round(apart / self.lengths)
        return np.linalg.norm(apart, axis=-1)

    def pairs(self, positions: Floats, reach: float) -> NDArray[np.intp]:
        """Return the pairs of `positions` in [0, length) closer than `reach`, shape `(m, 2)`."""
        if reach >= self.lengths.min() / 2:  # a tree knows no second image
            near = np.triu(self.distances(positions, positions) < reach, 1)
            return np.argwhere(near)
        tree = cKDTree(np.where(positions < self.lengths, positions, 0), boxsize=self.lengths)
        return tree.query_pairs(reach, output_type="ndarray")

    def clusters(self, positions: Floats, reach: float) -> list[NDArray[np.intp]]:
        """Return the groups of atoms that a chain of `pairs` connects, those of a size together.

        A list of arrays of indices of shape `(groups, size)`, without lone atoms.
        """
        pairs = self.pairs(positions, reach)
        if not len(pairs):
            return []
        count = len(positions)
        graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(count, count))
        _, labels = connected_components(graph, directed=False)
        sizes = np.bincount(labels)[labels]
        order = np.lexsort((labels, sizes))
        return [
            order[sizes[order] == size].reshape(-1, size) for size in np.unique(sizes) if size > 1
        ]

    def products(self, positions: Floats, count: int) -> Floats:
        """Return the sums over the grid of the products of the first `count` columns of atoms.

        The columns are the derivatives of a Gaussian with respect to each coordinate, then the
        Gaussian itself.

        Args:
            positions: Groups of atoms, shape `(groups, size, ndim)`.
            count: `ndim` or one more.

        Returns:
            Array of shape `(groups, size, count, size, count)`.
        """
        flat = positions.reshape(-1, positions.shape[-1])
        both = [
            np.stack(pair, axis=1).reshape(len(positions), -1, pair[0].shape[-1])
            for pair in zip(self.factors(flat), self.slopes(flat), strict=True)
        ]
        return column_products(both, count)


@dataclass(frozen=True)
class Stencils:
    """The Gaussians of n atoms in the voxels around them.

    Args:
        shape: Of the grid.
        voxels: Index of each voxel in the flat grid, shape `(n, *window)`.
        factors: One-dimensional Gaussians, an array `(n, window[axis])` an axis.
        slopes: Their derivatives with respect to the positions, Å^-1.
    """

    shape: tuple[int, ...]
    voxels: np.ndarray
    factors: list[Floats]
    slopes: list[Floats]

    @property
    def values(self) -> Floats:
        """Each Gaussian in its voxels, shape `(n, *window)`."""
        return reduce(outer, self.factors)

    @property
    def norms(self) -> Floats:
        """Sum of the squares of each Gaussian, shape `(n,)`."""
        return reduce(np.multiply, [(factor**2).sum(axis=1) for factor in self.factors])

    def render(self, heights: Floats) -> Floats:
        """Return the sum of the Gaussians times their `heights`, not clipped yet."""
        values = self.values * heights.reshape(-1, *[1] * len(self.shape))
        size = int(np.prod(self.shape))
        summed = np.bincount(self.voxels.ravel(), values.ravel(), size)
        return np.asarray(summed, dtype=np.float64).reshape(self.shape)

    def gather(self, grid: Floats) -> Floats:
        """Return the values of a grid in the voxels of each atom, shape `(n, *window)`."""
        return np.take(grid, self.voxels)

    def project(self, grid: Floats) -> Floats:
        """Return the sum over the grid of its values times each Gaussian, shape `(n,)`."""
        return contract(self.gather(grid), self.factors)

    def products(self, count: int) -> Floats:
        """Return `Lattice.products` of each atom by itself, shape `(n, 1, count, 1, count)`."""
        both = [np.stack(pair, axis=1) for pair in zip(self.factors, self.slopes, strict=True)]
        return column_products(both, count)

    def columns(self) -> list[list[Floats]]:
        """Return the factors of the derivatives with respect to each coordinate."""
        return derivatives(self.factors, self.slopes)


def stencils(lattice: VoxelGrid, positions: Floats) -> Stencils:
    """Return the `Stencils` of atoms at `positions`, shape `(n, ndim)`, Å."""
    indices, factors, slopes = zip(
        *(
            window(positions[:, axis], length, count, lattice.alpha)
            for axis, (length, count) in enumerate(zip(lattice.lengths, lattice.shape, strict=True))
        ),
        strict=True,
    )
    voxels = indices[0]
    for index, count in zip(indices[1:], lattice.shape[1:], strict=True):
        voxels = voxels[..., None] * count + index.reshape(
            len(index), *[1] * (voxels.ndim - 1), index.shape[1]
        )
    return Stencils(tuple(lattice.shape), voxels, list(factors), list(slopes))


def window(
    positions: Floats, length: float, count: int, alpha: float
) -> tuple[NDArray[np.intp], Floats, Floats]:
    """Return `(indices, values, slopes)` of one-dimensional Gaussians, each `(n, window)`."""
    spacing = length / count
    # An atom lies up to half a voxel from the middle one of its window.
    reach = int(np.ceil(np.sqrt(-np.log(TAIL) / alpha) / spacing - 0.5))
    if 2 * reach + 1 >= count:
        indices = np.tile(np.arange(count), (len(positions), 1))
        values = periodic_gaussians(positions, length, count, alpha)
        return indices, values, gaussian_slopes(positions, length, count, alpha)
    indices = np.round(positions / spacing).astype(int)[:, None] + np.arange(-reach, reach + 1)
    distance = indices * spacing - positions[:, None]
    values = np.exp(-alpha * distance**2)
    return indices % count, values, 2 * alpha * distance * values


def gaussian_slopes(positions: Floats, length: float, count: int, alpha: float) -> Floats:
    """Return the derivatives of `voxels.periodic_gaussians` with respect to `positions`."""
    distance = np.arange(count) * (length / count) - np.asarray(positions)[:, None]
    distance -= length * np.round(distance / length)
    reach = int(np.ceil(np.sqrt(-np.log(NEGLIGIBLE) / alpha) / length))
    apart = distance[..., None] + length * np.arange(-reach, reach + 1)
    return (2 * alpha * apart * np.exp(-alpha * apart**2)).sum(axis=-1)


def outer(first: Floats, second: Floats) -> Floats:
    """Return the outer product of the axes behind the first, which counts atoms."""
    shape = (*first.shape, second.shape[1])
    return first[..., None] * second.reshape(len(second), *[1] * (len(shape) - 2), shape[-1])


def contract(values: Floats, factors: Sequence[Floats]) -> Floats:
    """Return the sum of `values`, shape `(n, *window)`, times the product of `factors`."""
    for factor in reversed(factors):
        values = np.einsum("n...k,nk->n...", values, factor)
    return values


def derivatives(factors: Sequence[Floats], slopes: Sequence[Floats]) -> list[list[Floats]]:
    """Return for each coordinate the factors of the Gaussians' derivative."""
    return [
        [slopes[axis] if axis == own else factor for axis, factor in enumerate(factors)]
        for own in range(len(factors))
    ]


def column_products(both: Sequence[Floats], count: int) -> Floats:
    """Return the sums of products of columns from their factors.

    Args:
        both: For each axis the factors and slopes of groups of atoms, one after the other, shape
            `(groups, 2 size, points)`.
        count: Columns of an atom: a derivative an axis, and perhaps the Gaussian itself.

    Returns:
        Array of shape `(groups, size, count, size, count)`.
    """
    groups, size = len(both[0]), both[0].shape[1] // 2
    result = np.ones((groups, size, count, size, count))
    for axis, rows in enumerate(both):
        sums = (rows @ rows.transpose(0, 2, 1)).reshape(groups, size, 2, size, 2)
        kind = (np.arange(count) == axis).astype(int)  # the derivative has this axis's slope
        result *= sums[:, :, kind][..., kind]
    return result
