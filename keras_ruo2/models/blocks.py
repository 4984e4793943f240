"""What generator and critic are made of, as an architecture describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from keras_ruo2.errors import check_choice
from keras_ruo2.models.architectures import ARCHITECTURES, Architecture, Block
from keras_ruo2.models.layers import (
    POOLING,
    TRANSPOSED,
    UPSAMPLING,
    LateralWaves,
    LeakyReLU,
    NoiseChoice,
    periodic_convolution,
)
from keras_ruo2.models.periodic import CONVOLUTION
from keras_ruo2.models.tensors import Tensor

READER_SLOPE = 0.2


@dataclass(frozen=True)
class Build:
    """What a network is built with.

    Args:
        row: The architecture.
        width: Filters of a block of width 1.
        num_voxels: Voxels along each direction of the grid.
        ndim: Dimensions of the grid.
        synchronized: Whether batch statistics are those of all replicas (TensorFlow).
    """

    row: Architecture
    width: int
    num_voxels: int
    ndim: int
    synchronized: bool = False

    @classmethod
    def of(cls, arch: str, width: int | None, num_voxels: int, ndim: int, **options: Any) -> Build:
        """Return what a name in `ARCHITECTURES` and an optional width mean."""
        check_choice("arch", arch, ARCHITECTURES)
        row = ARCHITECTURES[arch]
        return cls(row, width or row.width_in(ndim), num_voxels, ndim, **options)

    def batch_norm(self) -> layers.Layer:
        """Return a layer that normalises over the batch."""
        return layers.BatchNormalization(synchronized=self.synchronized)

    def convolve(self, inputs: Tensor, block: Block, filters: int) -> Tensor:
        """Return a critic's periodic convolution of `inputs`."""
        layer = CONVOLUTION[self.ndim]
        return periodic_convolution(inputs, filters, block.kernel, block.stride, layer=layer)


def draw_voxels(
    noise: Tensor,
    condition: Sequence[Tensor],
    build: Build,
    channels: int,
    repeats: Mapping[int, int],
) -> tuple[Tensor, Tensor]:
    """Return a grid before its sigmoid, enlarged step by step, and the first feature map."""
    features = first_features(concatenated([noise, *condition]), build, build.ndim)
    grid = enlarge_all(features, build)
    dark = keras.initializers.Constant(build.row.output_bias)
    last = enlarge(grid, build.row.generator[-1], build, channels, bias_initializer=dark)
    return last, features


def draw_waves(
    noise: Tensor,
    condition: Sequence[Tensor],
    build: Build,
    channels: int,
    repeats: Mapping[int, int],
) -> tuple[Tensor, Tensor]:
    """Return a grid before its sigmoid as lateral waves over z, and the first feature map.

    After those that shift it, the next numbers of the noise choose the lateral repeats.
    """
    ndim, num_lateral = build.ndim, build.ndim - 1
    choices = [
        NoiseChoice(repeats.values(), dtype="float32")(noise[:, ndim + k : ndim + k + 1])
        for k in range(num_lateral)
    ]
    features = first_features(concatenated([noise, *choices, *condition]), build, 1)
    grid = enlarge_all(features, build)
    filters = channels * build.num_voxels**num_lateral
    grid = enlarge(grid, build.row.generator[-1], build, filters)
    waves = LateralWaves(build.num_voxels, num_lateral, tuple(repeats))
    return waves(grid, choices=choices) + build.row.output_bias, features


def concatenated(parts: Sequence[Tensor]) -> Tensor:
    """Return vectors `(batch, n)` as one."""
    return layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def summarise(grid: Tensor, build: Build) -> Tensor:
    """Return the mean features of every block of a convolutional network of its own.

    Lengths are a property of the whole picture: the apparent width of the Gaussians, anywhere.
    In the critic's own features they drown, because the Wasserstein loss moves those much more;
    and a generator that reads its own picture cannot give lengths that do not belong to it.
    """
    features, means = grid, []
    for block in build.row.reader_in(build.ndim):
        filters = block.width * build.width
        features = periodic_convolution(features, filters, block.kernel, block.stride)
        features = activation(READER_SLOPE)(features)
        means.append(POOLING[build.ndim]()(features))
    return concatenated(means)


def final_size(row: Architecture) -> int:
    """Return the voxels along a side that padded blocks make of the architecture's start."""
    size = row.start
    for block in row.generator:
        size *= block.stride
    return size


def first_features(known: Tensor, build: Build, ndim: int) -> Tensor:
    """Return the generator's first feature map: a dense layer, or the bare input as one voxel."""
    row = build.row
    if not row.first:
        return layers.Reshape((*(row.start,) * ndim, known.shape[-1]))(known)
    start = row.start * build.num_voxels // final_size(row)
    filters = row.first * build.width
    features = layers.Dense(start**ndim * filters, use_bias=False)(known)
    features = layers.Reshape((*(start,) * ndim, filters))(features)
    return activation(row.generator_slope)(build.batch_norm()(features))


def enlarge_all(grid: Tensor, build: Build) -> Tensor:
    """Apply every block of the generator but the last."""
    for block in build.row.generator[:-1]:
        grid = enlarge(grid, block, build, block.width * build.width, use_bias=False)
        grid = activation(build.row.generator_slope)(build.batch_norm()(grid))
    return grid


def enlarge(inputs: Tensor, block: Block, build: Build, filters: int, **options: Any) -> Tensor:
    """Enlarge a grid as the architecture does it."""
    ndim = len(inputs.shape) - 2
    if build.row.upsampling == "transpose":
        layer = TRANSPOSED[ndim](
            filters, block.kernel, strides=block.stride, padding=build.row.padding, **options
        )
        return layer(inputs)
    if block.stride > 1:
        inputs = UPSAMPLING[ndim](block.stride)(inputs)
    return periodic_convolution(inputs, filters, block.kernel, **options)


def activation(slope: float) -> layers.Layer:
    """Return a LeakyReLU layer, or ReLU for a slope of 0."""
    return LeakyReLU(negative_slope=slope) if slope else layers.ReLU()
