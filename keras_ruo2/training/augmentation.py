"""What the critic is shown: moved and mirrored copies of a structure, real or generated.

A slab means the same wherever it lies in its cell, and its mirror images have its energy. A
critic that sees every grid in a random place cannot learn the places by heart, and needs fewer
samples. Lattice lengths and labels stay as they are.

Source:
    The translations are those of the thesis, made anew for every update. Showing real and
    generated samples alike is after Zhao et al., arXiv:2006.10738; mirrors are ours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from types import MappingProxyType

import keras
from keras import ops

from keras_ruo2.errors import check_choice
from keras_ruo2.models.periodic import rearrange, shifted
from keras_ruo2.models.tensors import Tensor


def shift(grid: Tensor, seed: keras.random.SeedGenerator, axes: Collection[int]) -> Tensor:
    """Move each grid periodically by whole voxels, drawn uniformly along each of `axes`.

    Args:
        grid: Tensor of shape `(batch, *grid, channels)`.
        seed: `keras.random.SeedGenerator`.
        axes: Axes of the grid, the first being 0.

    Returns:
        Tensor of the same shape.
    """
    return shifted(grid, uniform_numbers(grid, seed), axes)


def mirror(grid: Tensor, seed: keras.random.SeedGenerator, axes: Collection[int]) -> Tensor:
    """Reflect each grid along every direction with an even chance each.

    Args:
        grid: Tensor of shape `(batch, *grid, channels)`.
        seed: `keras.random.SeedGenerator`.
        axes: Is not used: a slab that stays in the middle of its cell does so in a mirror.

    Returns:
        Tensor of the same shape; the first voxel of a reflected direction stays in its place.
    """
    draws = uniform_numbers(grid, seed)
    sources = []
    for axis, size in enumerate(grid.shape[1:-1]):
        places = ops.arange(size, dtype="int32")
        sources.append(ops.where(draws[:, axis, None] < 0.5, ops.mod(-places, size), places))
    return rearrange(grid, sources)


AUGMENTATIONS = MappingProxyType({"shift": shift, "mirror": mirror})


def augment(
    grid: Tensor,
    names: Iterable[str],
    seed: keras.random.SeedGenerator,
    axes: Collection[int] | None = None,
) -> Tensor:
    """Apply augmentations one after the other.

    Args:
        grid: Tensor of shape `(batch, *grid, channels)`.
        names: Names in `AUGMENTATIONS`; none leaves the grid as it is.
        seed: `keras.random.SeedGenerator`; every augmentation draws anew.
        axes: Axes along which structures may lie anywhere, the first being 0; by default all.

    Returns:
        Tensor of the same shape, a linear function of `grid`.

    Raises:
        ConfigError: If a name is unknown.
    """
    axes = range(len(grid.shape) - 2) if axes is None else axes
    for name in names:
        check_choice("augmentation", name, AUGMENTATIONS)
        grid = AUGMENTATIONS[name](grid, seed, axes)
    return grid


def uniform_numbers(grid: Tensor, seed: keras.random.SeedGenerator) -> Tensor:
    """Return a number in [0, 1) for each sample and direction, shape `(batch, ndim)`."""
    return keras.random.uniform((ops.shape(grid)[0], len(grid.shape) - 2), seed=seed)
