"""Layers for any number of dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ruo2.models.periodic import CONVOLUTION, shifted
from keras_ruo2.models.tensors import Shape, Tensor

HALVES = ("float16", "bfloat16")
TRANSPOSED = {2: keras.layers.Conv2DTranspose, 3: keras.layers.Conv3DTranspose}
POOLING = {2: keras.layers.GlobalAveragePooling2D, 3: keras.layers.GlobalAveragePooling3D}
UPSAMPLING = {
    1: keras.layers.UpSampling1D,
    2: keras.layers.UpSampling2D,
    3: keras.layers.UpSampling3D,
}


@keras.saving.register_keras_serializable(package="keras_ruo2")
class LayerNorm(keras.layers.LayerNormalization):
    """Layer normalisation over every axis but the batch, with true second derivatives.

    Keras's own takes its variance from TensorFlow's `moments`, which holds the mean constant
    when it differentiates. First derivatives are right all the same, because the variance is
    stationary in the mean; a second one, as in a gradient penalty, lacks a term. Measured with
    Keras 3.15 on TensorFlow 2.21: gradients of the critic of Kim et al. were off by up to 9 % of
    the largest element, on JAX and PyTorch they were not.

    Args:
        options: Of `keras.layers.LayerNormalization`.

    Input shape: `(batch, ...)`, every other axis of a known size.

    Output shape: as the input.
    """

    def build(self, input_shape: Shape) -> None:
        self.axis = list(range(1, len(input_shape)))
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        values = ops.cast(inputs, "float32") if self.compute_dtype in HALVES else inputs
        centred = values - ops.mean(values, axis=self.axis, keepdims=True)
        variance = ops.mean(ops.square(centred), axis=self.axis, keepdims=True)
        normal = centred * ops.rsqrt(variance + self.epsilon)
        gamma, beta = (ops.cast(weight, normal.dtype) for weight in (self.gamma, self.beta))
        return ops.cast(gamma * normal + beta, self.compute_dtype)


@keras.saving.register_keras_serializable(package="keras_ruo2")
class LeakyReLU(keras.layers.LeakyReLU):
    """`keras.layers.LeakyReLU` as a product with a mask that has no derivative.

    The second derivative of TensorFlow's and PyTorch's own is a tensor of zeros, which a gradient
    penalty then carries back through every layer before it: a third of its products.
    """

    def call(self, inputs: Tensor) -> Tensor:
        positive = ops.cast(inputs > 0, inputs.dtype)
        return inputs * (self.negative_slope + (1 - self.negative_slope) * positive)


@keras.saving.register_keras_serializable(package="keras_ruo2")
class NoiseShift(keras.layers.Layer):
    """Shift each grid periodically by whole voxels, as far as its noise says.

    Slabs lie anywhere in their cells, equally likely. A generator that ends in this layer has
    that symmetry by construction and need not learn it. A standard normal number becomes a
    uniform shift through its distribution function.

    Args:
        axes: Axes of the grid to shift along, the first being 0; by default all.

    Input shape: grids `(batch, *grid, channels)` and noise `(batch, ndim)`.

    Output shape: as the grids.
    """

    def __init__(self, axes: Iterable[int] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.axes = None if axes is None else tuple(axes)

    def call(self, grid: Tensor, noise: Tensor) -> Tensor:
        axes = range(len(grid.shape) - 2) if self.axes is None else self.axes
        return shifted(grid, uniform(noise), axes)

    def compute_output_shape(self, grid_shape: Shape, noise_shape: Shape) -> Shape:
        return grid_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes}


@keras.saving.register_keras_serializable(package="keras_ruo2")
class NoiseChoice(keras.layers.Layer):
    """Choose between classes with given chances, as a noise number says.

    Args:
        chances: Weight of each class.

    Input shape: standard normal numbers `(batch, 1)`.

    Output shape: one-hot choices `(batch, len(chances))`.
    """

    def __init__(self, chances: Iterable[float], **options: Any) -> None:
        super().__init__(**options)
        self.chances = tuple(float(chance) for chance in chances)

    def call(self, noise: Tensor) -> Tensor:
        upper = np.cumsum(self.chances)[:-1] / np.sum(self.chances)
        upper = ops.convert_to_tensor(upper.astype("float32"))
        chosen = ops.sum(ops.cast(uniform(noise) > upper, "int32"), axis=-1)
        return ops.one_hot(chosen, len(self.chances))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], len(self.chances))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "chances": self.chances}


@keras.saving.register_keras_serializable(package="keras_ruo2")
class LateralWaves(keras.layers.Layer):
    """Add up lateral Fourier series whose coefficients vary along z.

    A slab is periodic in x and y with a period that divides its cell, and layered along z. In
    this form its rows are a few coefficients instead of many pixels that must agree.

    Args:
        num_voxels: Voxels along x (and y).
        num_lateral: Lateral directions: 1 for slices, 2 for whole grids.
        repeats: Numbers of periods in a cell that a sample may choose between; only waves with
            that many periods, or a multiple, then take part. Without any, all waves do.

    Input shape: coefficients `(batch, z, channels * num_voxels**num_lateral)` and, for each lateral
        direction, a choice `(batch, len(repeats))` if there are `repeats`.

    Output shape: `(batch, *(num_voxels,) * num_lateral, z, channels)`.
    """

    def __init__(
        self, num_voxels: int, num_lateral: int, repeats: Sequence[int] = (), **options: Any
    ) -> None:
        super().__init__(**options)
        self.num_voxels, self.num_lateral = num_voxels, num_lateral
        self.repeats = tuple(repeats)
        self.basis = fourier_basis(num_voxels)
        periods = (np.arange(num_voxels) + 1) // 2
        allowed = np.array([periods % count == 0 for count in self.repeats], "float32")
        self.allowed = allowed.reshape(-1, num_voxels) * calming(allowed, num_voxels)

    def call(self, coefficients: Tensor, choices: Sequence[Tensor] = ()) -> Tensor:
        terms = (self.num_voxels,) * self.num_lateral
        grid = ops.reshape(
            coefficients, (-1, coefficients.shape[1], *terms, self.channels(coefficients.shape))
        )
        allowed = ops.convert_to_tensor(self.allowed, dtype=grid.dtype)
        for axis, choice in enumerate(choices, start=2):
            choice = ops.cast(choice, grid.dtype)
            shape = [-1, 1, 1, 1, 1][: len(grid.shape)]
            shape[axis] = self.num_voxels
            grid = grid * ops.reshape(ops.matmul(choice, allowed), shape)
        basis = ops.convert_to_tensor(self.basis, dtype=grid.dtype)
        for _ in range(self.num_lateral):  # contract the first term, append its voxels
            grid = ops.tensordot(grid, basis, axes=((2,), (0,)))
        # now (batch, z, channels, x, y)
        last = len(grid.shape)
        return ops.transpose(grid, (0, *range(3, last), 1, 2))

    def channels(self, shape: Shape) -> int:
        """Return how many channels an input of this shape gives."""
        return shape[-1] // self.num_voxels**self.num_lateral

    def compute_output_shape(
        self, coefficients_shape: Shape, choices_shape: Sequence[Shape] | None = None
    ) -> Shape:
        lateral = (self.num_voxels,) * self.num_lateral
        batch, depth, _ = coefficients_shape
        return (batch, *lateral, depth, self.channels(coefficients_shape))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_voxels": self.num_voxels,
            "num_lateral": self.num_lateral,
            "repeats": self.repeats,
        }


def uniform(noise: Tensor) -> Tensor:
    """Return standard normal numbers as numbers uniform in (0, 1)."""
    return 0.5 * (1 + ops.erf(noise / 2**0.5))


def calming(allowed: np.ndarray, size: int) -> np.ndarray:
    """Return factors `(repeats, 1)` for the waves of cells that repeat nothing, 1 for all others.

    All waves together are so strong that an untrained generator of whole grids draws a quarter of
    them full, where its sigmoid has no slope left: it stayed there. They are given the strength of
    those that repeat three times.
    """
    count = allowed.reshape(-1, size).sum(axis=1, keepdims=True)
    factors = np.sqrt(size // 3 / np.maximum(count, 1))
    return np.where(count > size // 2 + 1, factors, 1.0).astype("float32")


def fourier_basis(size: int) -> np.ndarray:
    """Return the real Fourier basis of `size` points, a wave a row, each of mean square 1."""
    points = np.arange(size) / size
    waves = [np.ones(size)]
    for periods in range(1, size // 2 + 1):
        waves.append(np.sqrt(2) * np.cos(2 * np.pi * periods * points))
        waves.append(np.sqrt(2) * np.sin(2 * np.pi * periods * points))
    basis = np.array(waves[:size])
    return (basis / np.sqrt((basis**2).mean(axis=1, keepdims=True))).astype("float32")


def periodic_convolution(
    inputs: Tensor,
    filters: int,
    kernel: int,
    stride: int = 1,
    layer: type[keras.layers.Layer] | None = None,
    **options: Any,
) -> Tensor:
    """Apply a convolution that knows no edge; a stride divides the grid evenly.

    Args:
        inputs: Tensor of shape `(batch, *grid, channels)`.
        filters: Channels of the result.
        kernel: Kernel size.
        stride: Stride; it must divide the grid.
        layer: Class of the periodic layer; by default the plain one of the grid's dimensions.
        options: Of the convolution layer.

    Returns:
        Tensor of shape `(batch, *grid / stride, filters)`.
    """
    layer = layer or CONVOLUTION[len(inputs.shape) - 2]
    return layer(filters, kernel, strides=stride, **options)(inputs)
