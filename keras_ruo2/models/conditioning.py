"""How a class label enters: a vector beside the noise, a channel beside the grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_ruo2.models.tensors import Shape, Tensor


@keras.saving.register_keras_serializable(package="keras_ruo2")
class RepeatLabel(layers.Layer):
    """Repeat the number of a class.

    Args:
        size: How often.

    Input shape: class numbers `(batch,)`.

    Output shape: `(batch, size)`.
    """

    def __init__(self, size: int, **options: Any) -> None:
        super().__init__(**options)
        self.size = size

    def call(self, label: Tensor) -> Tensor:
        return ops.repeat(ops.cast(label, self.compute_dtype)[:, None], self.size, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="keras_ruo2")
class BlockOneHot(layers.Layer):
    """Write a class as a block of ones among zeros: each class has its share of the positions.

    Args:
        size: Positions in all.
        num_classes: Classes; each has `size / num_classes` positions, or one more where that is
            no whole number.

    Input shape: class numbers `(batch,)`.

    Output shape: `(batch, size)`.
    """

    def __init__(self, size: int, num_classes: int, **options: Any) -> None:
        super().__init__(**options)
        self.size, self.num_classes = size, num_classes

    def call(self, label: Tensor) -> Tensor:
        owner = ops.arange(self.size, dtype="int32") * self.num_classes // self.size
        return ops.cast(ops.cast(label, "int32")[:, None] == owner, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.size)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "num_classes": self.num_classes}


def embedding(num_classes: int, size: int) -> layers.Embedding:
    """Return a layer of learned vectors, one for each class.

    They start as large as noise: with Keras's small numbers (within 0.05) the generator hardly
    heard the class, and a sample changed with it 14 times less than with its noise.
    """
    start = keras.initializers.RandomNormal(stddev=1.0)
    return layers.Embedding(num_classes, size, embeddings_initializer=start)


# For each entry of a label: the vector of a given size.
ENTRIES = {
    "integer": lambda size, num_classes: RepeatLabel(size),
    "onehot": lambda size, num_classes: BlockOneHot(size, num_classes),
    "embedding": lambda size, num_classes: embedding(num_classes, size),
}


def label_vector(label: Tensor, entry: str, size: int, num_classes: int) -> Tensor:
    """Return what the generator is told of a class, shape `(batch, size)`.

    Args:
        label: Class numbers, Keras tensor of shape `(batch,)`.
        entry: A key of `ENTRIES`.
        size: Numbers in the vector: C of integers and one-hot blocks, E of embeddings.
        num_classes: Number of classes.
    """
    return ENTRIES[entry](size, num_classes)(label)


def label_channel(
    label: Tensor, entry: str, size: int, num_classes: int, grid_shape: Sequence[int]
) -> Tensor:
    """Return what the critic is told of a class, one channel of shape `(batch, *grid_shape, 1)`.

    Integers and one-hot blocks fill the channel; an embedding of `size` numbers is stretched to it
    by a dense layer.

    Source:
        Section 3.3.2 of the thesis.
    """
    num_voxels = math.prod(grid_shape)
    if entry == "embedding":
        channel = layers.Dense(num_voxels)(embedding(num_classes, size)(label))
    else:
        channel = ENTRIES[entry](num_voxels, num_classes)(label)
    return layers.Reshape((*grid_shape, 1))(channel)
