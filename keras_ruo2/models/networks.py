"""Generator and critic of a variant, as functional models."""

import keras
from keras import layers

from keras_ruo2.architectures import ARCHITECTURES, DEFAULT
from keras_ruo2.errors import ConfigError, check_choice
from keras_ruo2.models.layers import (
    POOLING,
    TRANSPOSED,
    UPSAMPLING,
    LateralWaves,
    NoiseChoice,
    NoiseShift,
    periodic_convolution,
)
from keras_ruo2.variants import get_variant

LATENT_SIZE = 512
NUM_CHANNELS = 2
HEAD_WIDTH = 512
CRITIC_SLOPE = 0.2


def build_generator(
    variant, *, arch=DEFAULT, latent_size=LATENT_SIZE, width=None, num_voxels=32, repeats=None
):
    """Build the generator of a variant.

    Args:
        variant: A name in `VARIANTS` or a `Variant`.
        arch: A name in `ARCHITECTURES`.
        latent_size: Numbers in a noise vector.
        width: Filters of a block of width 1; by default the architecture's.
        num_voxels: Voxels along each direction of the grid.
        repeats: How often cells were repeated along a lateral direction, with the number of
            times that happened in the data, e.g. `{3: 95, 4: 106}`. Architectures that write
            lateral waves draw slabs with these repeats, equally often.

    Returns:
        Keras model from noise `(batch, latent_size)` to a dict: `grid` of shape
        `(batch, *grid, 2)` in [0, 1] and, where lengths are predicted, their logits
        `lattice` of shape `(batch, num_lengths)`.

    Raises:
        ConfigError: If the architecture cannot make such a grid.
    """
    variant, row, width = resolve(variant, arch, width)
    noise = keras.Input((latent_size,), name="noise")
    draw = draw_waves if row.upsampling == "waves" else draw_voxels
    grid, features = draw(noise, row, width, num_voxels, variant.ndim, repeats or {1: 1})
    if row.output_norm:
        grid = layers.BatchNormalization()(grid)
    grid = layers.Activation("sigmoid", dtype="float32")(grid)
    if row.shift:
        grid = NoiseShift()(grid, noise[:, : variant.ndim])
    if set(grid.shape[1:-1]) != {num_voxels}:
        raise ConfigError(
            f"--arch={arch} makes grids of {grid.shape[1]} voxels, not {num_voxels}. "
            "Use another architecture or records of that size."
        )
    outputs = {"grid": grid}
    if variant.lattice:
        read = summarise(grid, row.reader, width) if row.reader else layers.Flatten()(features)
        outputs["lattice"] = lattice_head(read, row, variant.num_lengths)
    return keras.Model(noise, outputs, name="generator")


def draw_voxels(noise, row, width, num_voxels, ndim, repeats):
    """Return a grid before its sigmoid, enlarged step by step, and the first feature map."""
    features = first_features(noise, row, width, num_voxels, ndim)
    grid = enlarge_all(features, row, width)
    dark = keras.initializers.Constant(row.output_bias)
    return enlarge(grid, row.generator[-1], row, NUM_CHANNELS, bias_initializer=dark), features


def draw_waves(noise, row, width, num_voxels, ndim, repeats):
    """Return a grid before its sigmoid as lateral waves over z, and the first feature map.

    After those that shift it, the next numbers of the noise choose the lateral repeats.
    """
    num_lateral = ndim - 1
    choices = [
        NoiseChoice(repeats.values())(noise[:, ndim + k : ndim + k + 1]) for k in range(num_lateral)
    ]
    known = layers.Concatenate()([noise, *choices])
    features = first_features(known, row, width, num_voxels, 1)
    grid = enlarge_all(features, row, width)
    grid = enlarge(grid, row.generator[-1], row, NUM_CHANNELS * num_voxels**num_lateral)
    waves = LateralWaves(num_voxels, num_lateral, tuple(repeats))
    return waves(grid, choices=choices) + row.output_bias, features


def build_critic(variant, *, arch=DEFAULT, width=None, num_voxels=32):
    """Build the critic of a variant.

    Args:
        variant: A name in `VARIANTS` or a `Variant`.
        arch: A name in `ARCHITECTURES`.
        width: Filters of a block of width 1; by default the architecture's.
        num_voxels: Voxels along each direction of the grid.

    Returns:
        Keras model from grids `(batch, *grid, 2)` to a dict: `score` of shape `(batch, 1)` and,
        where lengths are predicted, their logits `lattice` of shape `(batch, num_lengths)`.
    """
    variant, row, width = resolve(variant, arch, width)
    grid = keras.Input((*(num_voxels,) * variant.ndim, NUM_CHANNELS), name="grid")
    features = layers.Dropout(row.input_dropout)(grid) if row.input_dropout else grid
    for number, block in enumerate(row.critic):
        features = periodic_convolution(features, block.width * width, block.kernel, block.stride)
        if 0 <= row.critic_norm <= number:
            axes = list(range(1, variant.ndim + 2))
            features = layers.LayerNormalization(axis=axes)(features)
        features = activation(CRITIC_SLOPE)(features)
        if number == 0 and row.hidden_dropout:
            features = layers.Dropout(row.hidden_dropout)(features)
    features = layers.Flatten()(features)
    outputs = {"score": layers.Dense(1, name="score", dtype="float32")(features)}
    if variant.lattice:
        read = summarise(grid, row.reader, width) if row.reader else features
        outputs["lattice"] = lattice_head(read, row, variant.num_lengths)
    return keras.Model(grid, outputs, name="critic")


def summarise(grid, blocks, width):
    """Return the mean features of every block of a convolutional network of its own.

    Lengths are a property of the whole picture: the apparent width of the Gaussians, anywhere.
    In the critic's own features they drown, because the Wasserstein loss moves those much more;
    and a generator that reads its own picture cannot give lengths that do not belong to it.
    """
    features, means = grid, []
    for block in blocks:
        features = periodic_convolution(features, block.width * width, block.kernel, block.stride)
        features = activation(CRITIC_SLOPE)(features)
        means.append(POOLING[len(grid.shape) - 2]()(features))
    return layers.Concatenate()(means)


def resolve(variant, arch, width):
    """Return the `Variant`, the `Architecture` and the width that are meant."""
    check_choice("arch", arch, ARCHITECTURES)
    row = ARCHITECTURES[arch]
    return get_variant(variant), row, width or row.width


def final_size(row):
    """Return the voxels along a side that padded blocks make of the architecture's start."""
    size = row.start
    for block in row.generator:
        size *= block.stride
    return size


def first_features(noise, row, width, num_voxels, ndim):
    """Return the generator's first feature map: a dense layer, or the bare noise as one voxel."""
    if not row.first:
        return layers.Reshape((*(row.start,) * ndim, noise.shape[-1]))(noise)
    start = row.start * num_voxels // final_size(row)
    features = layers.Dense(start**ndim * row.first * width)(noise)
    features = layers.Reshape((*(start,) * ndim, row.first * width))(features)
    return activation(row.generator_slope)(layers.BatchNormalization()(features))


def enlarge_all(grid, row, width):
    """Apply every block of the generator but the last."""
    for block in row.generator[:-1]:
        grid = enlarge(grid, block, row, block.width * width)
        grid = layers.BatchNormalization()(grid)
        grid = activation(row.generator_slope)(grid)
    return grid


def enlarge(inputs, block, row, filters, **options):
    """Enlarge a grid as the architecture does it."""
    ndim = len(inputs.shape) - 2
    if row.upsampling == "transpose":
        layer = TRANSPOSED[ndim](
            filters, block.kernel, strides=block.stride, padding=row.padding, **options
        )
        return layer(inputs)
    if block.stride > 1:
        inputs = UPSAMPLING[ndim](block.stride)(inputs)
    return periodic_convolution(inputs, filters, block.kernel, **options)


def lattice_head(features, row, num_lengths):
    """Return the logits of scaled lattice lengths, read from `features` of shape `(batch, n)`."""
    hidden = layers.Dense(HEAD_WIDTH)(features)
    if row.head_norm:
        hidden = layers.BatchNormalization()(hidden)
    hidden = layers.ReLU()(hidden)
    return layers.Dense(num_lengths, name="lattice", dtype="float32")(hidden)


def activation(slope):
    """Return a LeakyReLU layer, or ReLU for a slope of 0."""
    return layers.LeakyReLU(negative_slope=slope) if slope else layers.ReLU()
