"""Grids without edges: their shifts, and convolutions, a strided one a single matrix product.

TensorFlow without oneDNN differentiates a strided Conv3D 100 times slower than it need be, and with
oneDNN a gradient by few channels still costs five products. A stride that divides the grid makes
blocks of voxels, which are the channels of a coarser grid (space to depth); on that, the kernel
is a matrix. See `experiments/benchmarks/critic_update.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import keras
from keras import ops

from keras_ruo2.models.tensors import Shape, Tensor


def wrap(inputs: Tensor, before: int, after: int) -> Tensor:
    """Continue a grid periodically beyond its edges.

    Args:
        inputs: Tensor of shape `(batch, *grid, channels)`.
        before: Voxels to add before the first one, along every direction.
        after: Voxels to add after the last one.

    Returns:
        Tensor of shape `(batch, *grid + before + after, channels)`.
    """
    outputs = inputs
    for axis in range(1, len(inputs.shape) - 1):
        every = [slice(None)] * axis
        parts = [outputs]
        if before:
            parts.insert(0, outputs[(*every, slice(-before, None))])
        if after:
            parts.append(outputs[(*every, slice(0, after))])
        outputs = ops.concatenate(parts, axis=axis)
    return outputs


def convolve(inputs: Tensor, kernel: Tensor, stride: int = 1) -> Tensor:
    """Convolve a periodic grid with a kernel.

    Args:
        inputs: Tensor of shape `(batch, *grid, channels)`.
        kernel: Tensor of shape `(*size, channels, filters)`, of one size along every direction.
        stride: Stride, at most the kernel's size; it must divide the grid.

    Returns:
        Tensor of shape `(batch, *grid / stride, filters)`: what a convolution without padding
        makes of a grid continued by `size - stride` voxels, half of them before the first.
    """
    size = kernel.shape[0]
    total, ndim = size - stride, len(inputs.shape) - 2
    # Zeros that fill a kernel up to whole blocks cost 13 % of a 2D critic update with oneDNN; in
    # 3D they are nothing beside a gradient without oneDNN.
    if stride == 1 or (size % stride and ndim < 3):
        return ops.conv(wrap(inputs, total // 2, total - total // 2), kernel, strides=stride)
    axes = tuple(range(1, ndim + 1))
    blocks = space_to_depth(ops.roll(inputs, (total // 2,) * ndim, axes), stride)
    return multiply_blocks(blocks, kernel, stride)


def space_to_depth(inputs: Tensor, stride: int) -> Tensor:
    """Return `(batch, *grid / stride, stride**ndim * channels)`: blocks of voxels as channels."""
    ndim = len(inputs.shape) - 2
    coarse = [size // stride for size in inputs.shape[1:-1]]
    split = [number for size in coarse for number in (size, stride)]
    outer, inner = range(1, 2 * ndim, 2), range(2, 2 * ndim + 1, 2)
    values = ops.reshape(inputs, (-1, *split, inputs.shape[-1]))
    values = ops.transpose(values, (0, *outer, *inner, 2 * ndim + 1))
    return ops.reshape(values, (-1, *coarse, stride**ndim * inputs.shape[-1]))


def multiply_blocks(blocks: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Apply a kernel to blocks of voxels and their next neighbours.

    Neighbours along the last direction stand beside a block as further channels; those along the
    others are shifted copies of the product, added up. All of the one or the other would need up
    to three times the memory, and moving memory is what costs beside the product.

    Args:
        blocks: Tensor of shape `(batch, *coarse, stride**ndim * channels)`.
        kernel: Tensor of shape `(*size, channels, filters)`.
        stride: Voxels along a block.

    Returns:
        Tensor of shape `(batch, *coarse, filters)`.
    """
    ndim, filters = len(blocks.shape) - 2, kernel.shape[-1]
    reach = -(-kernel.shape[0] // stride)
    near = [ops.roll(blocks, -step, ndim) if step else blocks for step in range(reach)]
    columns = ops.reshape(ops.concatenate(near, axis=-1), (-1, reach * blocks.shape[-1]))
    products = ops.matmul(columns, kernel_matrix(kernel, stride))
    products = ops.reshape(products, (-1, *blocks.shape[1:-1], reach ** (ndim - 1) * filters))
    for axis in range(1, ndim):
        first, *others = ops.split(products, reach, axis=-1)
        products = first
        for step, other in enumerate(others, start=1):
            products = products + ops.roll(other, -step, axis)
    return products


def kernel_matrix(kernel: Tensor, stride: int) -> Tensor:
    """Return the matrix of `multiply_blocks`.

    Rows are blocks along the last direction, voxels of a block, channels; columns are blocks along
    the other directions, filters. A size that is no multiple of the stride is filled with zeros.
    """
    ndim, size = len(kernel.shape) - 2, kernel.shape[0]
    reach = -(-size // stride)
    if missing := reach * stride - size:
        kernel = ops.pad(kernel, [(0, missing)] * ndim + [(0, 0)] * 2)
    channels, filters = kernel.shape[-2:]
    values = ops.reshape(kernel, (*(reach, stride) * ndim, channels, filters))
    *outer, last = range(0, 2 * ndim, 2)
    inner = range(1, 2 * ndim, 2)
    values = ops.transpose(values, (last, *inner, 2 * ndim, *outer, 2 * ndim + 1))
    return ops.reshape(values, (reach * stride**ndim * channels, reach ** (ndim - 1) * filters))


class Periodic:
    """Mix-in for Keras convolutions, whose weights it leaves as they are.

    Files of weights name a layer by its class: the names below must be those of Keras.

    Input shape: `(batch, *grid, channels)`.

    Output shape: `(batch, *grid / stride, filters)`.
    """

    def call(self: Any, inputs: Tensor) -> Tensor:
        outputs = convolve(inputs, self.kernel, self.strides[0])
        if self.use_bias:
            outputs = outputs + self.bias
        return outputs if self.activation is None else self.activation(outputs)

    def compute_output_shape(self: Any, input_shape: Shape) -> Shape:
        coarse = (size // self.strides[0] for size in input_shape[1:-1])
        return (input_shape[0], *coarse, self.filters)


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Conv1D(Periodic, keras.layers.Conv1D):
    """`keras.layers.Conv1D` of a periodic line."""


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Conv2D(Periodic, keras.layers.Conv2D):
    """`keras.layers.Conv2D` of a periodic grid."""


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Conv3D(Periodic, keras.layers.Conv3D):
    """`keras.layers.Conv3D` of a periodic grid."""


CONVOLUTION: dict[int, type[keras.layers.Layer]] = {1: Conv1D, 2: Conv2D, 3: Conv3D}


def shifted(grid: Tensor, shares: Tensor, axes: Collection[int]) -> Tensor:
    """Return grids moved periodically by whole voxels: by `shares`, `(batch, ndim)`, of `axes`."""
    sources = []
    for axis, size in enumerate(grid.shape[1:-1]):
        by = ops.minimum(ops.cast(shares[:, axis] * size, "int32"), size - 1) * (axis in axes)
        sources.append(ops.mod(ops.arange(size, dtype="int32") - by[:, None], size))
    return rearrange(grid, sources)


def rearrange(grid: Tensor, sources: Sequence[Tensor]) -> Tensor:
    """Fetch every voxel from another place, all directions in one go.

    A gather is exact. Products with permutation matrices round on GPUs that multiply in TF32.

    Args:
        grid: Tensor of shape `(batch, *grid, channels)`.
        sources: For each direction, whence its voxels come, integers of shape `(batch, size)`.

    Returns:
        Tensor of the same shape.
    """
    ndim = len(sources)
    place = ops.reshape(ops.arange(ops.shape(grid)[0], dtype="int32"), (-1,) + (1,) * ndim)
    for axis, source in enumerate(sources):
        size = grid.shape[axis + 1]
        shape = [-1] + [1] * ndim
        shape[axis + 1] = size
        place = place * size + ops.reshape(source, shape)
    voxels = ops.reshape(grid, (-1, grid.shape[-1]))
    moved = ops.take(voxels, ops.reshape(place, (-1,)), axis=0)
    return ops.reshape(moved, (-1, *grid.shape[1:]))
