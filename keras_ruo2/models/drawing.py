"""Layers that draw atoms as Gaussians, exactly and differentiably."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ruo2.models.tensors import Shape, Tensor

SMALLEST_SCALED = 1e-4  # between which and 1 less that scaled lengths have a logit


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Draw(keras.layers.Layer):
    """Draw atoms as periodic Gaussians, as `voxelise` does: the same numbers, with gradients.

    Gaussians of repeated atoms add up along each axis by itself, so that only the atoms of one
    cell are looked at. A slice is the cut at y = 0: its atoms are as faint as they are far off.

    Args:
        num_voxels: Voxels along each direction.
        ndim: 3 for whole grids, 2 for their slices.
        alpha: Inverse square width of the Gaussians, Å^-2.

    Input shape: as the output of `Arrange`.

    Output shape: grids `(batch, *grid, 2)` in [0, 1], channels metal and anion, and the lengths
        that belong to them, `(batch, ndim)`, Å.
    """

    def __init__(self, num_voxels: int, ndim: int, alpha: float, **options: Any) -> None:
        super().__init__(**{"dtype": "float32"} | options)
        self.num_voxels, self.ndim, self.alpha = num_voxels, ndim, alpha

    def call(
        self, places: Tensor, weights: Tensor, lengths: Tensor, repeats: Tensor
    ) -> tuple[Tensor, Tensor]:
        whole = lengths * ops.concatenate([repeats, ops.ones_like(repeats[:, :1])], axis=1)
        x, y, z = (self.gaussians(places, lengths, whole, axis) for axis in range(3))
        size, channels = self.num_voxels, []
        for channel in range(2):
            there = weights[..., channel : channel + 1]
            if self.ndim == 2:
                plane = there * y[..., :1] * x
            else:
                plane = there[..., None] * x[..., :, None] * y[..., None, :]
                plane = ops.reshape(plane, (-1, plane.shape[1], size * size))
            drawn = ops.matmul(ops.transpose(plane, (0, 2, 1)), z)
            channels.append(ops.reshape(drawn, (-1, *(size,) * self.ndim)))
        grid = ops.minimum(ops.stack(channels, axis=-1), 1.0)
        return grid, whole if self.ndim == 3 else ops.stack([whole[:, 0], whole[:, 2]], axis=1)

    def gaussians(self, places: Tensor, lengths: Tensor, whole: Tensor, axis: int) -> Tensor:
        """Return Gaussians along an axis, their repeats added up, `(batch, atoms, voxels)`."""
        period = lengths[:, axis][:, None, None]
        points = ops.convert_to_tensor(np.arange(self.num_voxels, dtype="float32"))
        points = points / self.num_voxels * whole[:, axis][:, None, None]
        apart = points - places[..., axis][..., None]
        apart = apart - period * ops.round(apart / period)
        total = ops.exp(-self.alpha * ops.square(apart))
        for image in (-1, 1):  # the next ones are farther than 1.5 periods
            total = total + ops.exp(-self.alpha * ops.square(apart + image * period))
        return total

    def compute_output_shape(
        self, places_shape: Shape, weights_shape: Shape, lengths_shape: Shape, repeats_shape: Shape
    ) -> tuple[Shape, Shape]:
        batch = places_shape[0]
        return (batch, *(self.num_voxels,) * self.ndim, 2), (batch, self.ndim)

    def get_config(self) -> dict[str, Any]:
        known = {"num_voxels": self.num_voxels, "ndim": self.ndim, "alpha": self.alpha}
        return {**super().get_config(), **known}


@keras.saving.register_keras_serializable(package="keras_ruo2")
class LengthLogits(keras.layers.Layer):
    """Return lengths as the logits of what `scale_lengths` makes of them.

    Args:
        minimum: Least length of the training records in each direction, Å.
        maximum: Largest length, Å.

    Input shape: lengths `(batch, n)`, Å.

    Output shape: the same.
    """

    def __init__(self, minimum: Sequence[float], maximum: Sequence[float], **options: Any) -> None:
        super().__init__(**{"dtype": "float32"} | options)
        self.minimum, self.maximum = tuple(minimum), tuple(maximum)

    def call(self, lengths: Tensor) -> Tensor:
        low, high = (np.array(bound, "float32") for bound in (self.minimum, self.maximum))
        width = ops.convert_to_tensor(1.1 * high - low)
        scaled = (lengths - ops.convert_to_tensor(low)) / width
        scaled = ops.clip(scaled, SMALLEST_SCALED, 1 - SMALLEST_SCALED)
        return ops.log(scaled) - ops.log1p(-scaled)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minimum": self.minimum, "maximum": self.maximum}
