"""Generator and critic of a variant, as functional models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
from keras import layers

from keras_ruo2.errors import ConfigError
from keras_ruo2.models.architectures import WITHOUT_SITES
from keras_ruo2.models.blocks import Build, activation, draw_voxels, draw_waves, summarise
from keras_ruo2.models.conditioning import label_channel, label_vector
from keras_ruo2.models.layers import LayerNorm, NoiseShift
from keras_ruo2.models.minibatch import MinibatchDiscrimination
from keras_ruo2.models.slabs import draw_slabs
from keras_ruo2.models.tensors import Tensor
from keras_ruo2.models.variants import LABEL_SIZES, Variant, get_variant
from keras_ruo2.structure.anchors import Anchors

LATENT_SIZE = 512
NUM_CHANNELS = 2
NUM_CLASSES = 10
HEAD_WIDTH = 512
CRITIC_SLOPE = 0.2
DRAW = {"waves": draw_waves, "resize": draw_voxels, "transpose": draw_voxels}


def build_generator(
    variant: str | Variant,
    *,
    arch: str = WITHOUT_SITES,
    latent_size: int = LATENT_SIZE,
    width: int | None = None,
    num_voxels: int = 32,
    repeats: Mapping[int, int] | None = None,
    translated: str = "xyz",
    anchors: Anchors | None = None,
    bounds: tuple[Sequence[float], Sequence[float]] | None = None,
    label_size: int | None = None,
    num_classes: int = NUM_CLASSES,
    synchronized: bool = False,
) -> keras.Model:
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
        translated: Axes along which the data were moved at random. Architectures that shift their
            grids do so along these.
        anchors: `Anchors` of the training slabs, for architectures that place atoms.
        bounds: Least and largest lengths of the training records, Å, for these architectures.
        label_size: Numbers that tell the class (C or E of the source); by default `LABEL_SIZES`.
        num_classes: Number of classes.
        synchronized: Whether batch statistics are those of all replicas (TensorFlow).

    Returns:
        Keras model from noise `(batch, latent_size)`, or from a list of noise and class numbers
        `(batch,)` where the variant is labelled, to a dict: `grid` of shape `(batch, *grid, 2)` in
        [0, 1] and, where lengths are predicted, their logits `lattice` of shape
        `(batch, num_lengths)`; with atoms also these, see `models.slabs.draw_slabs`.

    Raises:
        ConfigError: If the architecture cannot make such a grid, or `anchors` are missing.
    """
    variant = get_variant(variant)
    build = Build.of(arch, width, num_voxels, variant.ndim, synchronized=synchronized)
    noise = keras.Input((latent_size,), name="noise")
    inputs, label, condition = noise, None, []
    if variant.label:
        label = keras.Input((), dtype="int32", name="label")
        size = label_size or LABEL_SIZES[variant.label]
        inputs, condition = [noise, label], [label_vector(label, variant.label, size, num_classes)]
    if build.row.places_atoms:
        sites = known_anchors(anchors, arch)
        made = draw_slabs(
            noise, label, condition, build, sites, bounds if variant.lattice else None
        )
        return keras.Model(inputs, made, name="generator")
    draw = DRAW[build.row.upsampling]
    grid, features = draw(noise, condition, build, NUM_CHANNELS, repeats or {1: 1})
    if build.row.output_norm:
        grid = build.batch_norm()(grid)
    grid = layers.Activation("sigmoid", dtype="float32")(grid)
    if build.row.shift:
        axes = translated_axes(translated, variant.ndim)
        grid = NoiseShift(axes, dtype="float32")(grid, noise[:, : variant.ndim])
    check_size(grid, arch, num_voxels)
    outputs = {"grid": grid}
    if variant.lattice:
        read = summarise(grid, build) if build.row.reader else layers.Flatten()(features)
        outputs["lattice"] = lattice_head(read, build, variant.num_lengths)
    return keras.Model(inputs, outputs, name="generator")


def known_anchors(anchors: Anchors | None, arch: str) -> Anchors:
    """Return anchors; raise `ConfigError` if there are none."""
    if anchors is None:
        raise ConfigError(
            f"--arch={arch} places atoms on the sites of training slabs: give `anchors`, from "
            "`keras_ruo2.structure.anchors.find_anchors`."
        )
    return anchors


def translated_axes(translated: str, ndim: int) -> tuple[int, ...]:
    """Return the axes of a grid for `xyz` or `xy`; the last axis of a slice is z, too."""
    return tuple(range(ndim)) if "z" in translated else tuple(range(ndim - 1))


def check_size(grid: Tensor, arch: str, num_voxels: int) -> None:
    """Raise `ConfigError` unless the architecture has made a grid of `num_voxels`."""
    if set(grid.shape[1:-1]) != {num_voxels}:
        raise ConfigError(
            f"--arch={arch} makes grids of {grid.shape[1]} voxels, not {num_voxels}. "
            "Use another architecture or records of that size."
        )


def build_critic(
    variant: str | Variant,
    *,
    arch: str = WITHOUT_SITES,
    width: int | None = None,
    num_voxels: int = 32,
    label_size: int | None = None,
    num_classes: int = NUM_CLASSES,
    synchronized: bool = False,
    minibatch_kernels: int = 0,
) -> keras.Model:
    """Build the critic of a variant.

    Args:
        variant: A name in `VARIANTS` or a `Variant`.
        arch: A name in `ARCHITECTURES`.
        width: Filters of a block of width 1; by default the architecture's.
        num_voxels: Voxels along each direction of the grid.
        label_size: Numbers of an embedded class; by default `LABEL_SIZES`.
        num_classes: Number of classes.
        synchronized: Whether batch statistics are those of all replicas (TensorFlow).
        minibatch_kernels: Kernels of minibatch discrimination; 0 for none.

    Returns:
        Keras model from grids `(batch, *grid, 2)`, or from a list of grids and class numbers
        `(batch,)` where the variant is labelled, to a dict: `score` of shape `(batch, 1)`, the
        `features` before it, `(batch, n)`, and, where lengths are predicted, their logits
        `lattice` of shape `(batch, num_lengths)`.
    """
    variant = get_variant(variant)
    build = Build.of(arch, width, num_voxels, variant.ndim, synchronized=synchronized)
    shape = (num_voxels,) * variant.ndim
    grid = keras.Input((*shape, NUM_CHANNELS), name="grid")
    inputs, seen = grid, grid
    if variant.label:
        label = keras.Input((), dtype="int32", name="label")
        size = label_size or LABEL_SIZES[variant.label]
        channel = label_channel(label, variant.label, size, num_classes, shape)
        inputs, seen = [grid, label], layers.Concatenate()([grid, channel])
    features = layers.Flatten()(critic_features(seen, build))
    scored = features
    if minibatch_kernels:
        scored = MinibatchDiscrimination(minibatch_kernels)(features)
    score = layers.Dense(1, name="score", dtype="float32")(scored)
    features = layers.Activation("linear", dtype="float32", name="features")(features)
    outputs = {"score": score, "features": features}
    if variant.lattice:
        read = summarise(grid, build) if build.row.reader else features
        outputs["lattice"] = lattice_head(read, build, variant.num_lengths)
    return keras.Model(inputs, outputs, name="critic")


def critic_features(grid: Tensor, build: Build) -> Tensor:
    """Return the critic's last feature map."""
    row = build.row
    features = layers.Dropout(row.input_dropout)(grid) if row.input_dropout else grid
    for number, block in enumerate(row.critic_in(build.ndim)):
        features = build.convolve(features, block, block.width * build.width)
        if 0 <= row.critic_norm <= number:
            features = LayerNorm()(features)
        features = activation(CRITIC_SLOPE)(features)
        if number == 0 and row.hidden_dropout:
            features = layers.Dropout(row.hidden_dropout)(features)
    return features


def lattice_head(features: Tensor, build: Build, num_lengths: int) -> Tensor:
    """Return the logits of scaled lattice lengths, read from `features` of shape `(batch, n)`."""
    hidden = layers.Dense(HEAD_WIDTH, use_bias=not build.row.head_norm)(features)
    if build.row.head_norm:
        hidden = build.batch_norm()(hidden)
    hidden = layers.ReLU()(hidden)
    return layers.Dense(num_lengths, name="lattice", dtype="float32")(hidden)
