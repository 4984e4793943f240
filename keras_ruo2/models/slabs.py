"""A generator's slab: cell, occupied sites, places of atoms, and the grid that shows them."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from keras_ruo2.errors import ConfigError
from keras_ruo2.models.atoms import Arrange, ChooseCell, Displace, Enclose, Occupy
from keras_ruo2.models.blocks import Build
from keras_ruo2.models.drawing import Draw, LengthLogits
from keras_ruo2.models.settle import Settle
from keras_ruo2.models.tensors import Tensor
from keras_ruo2.structure.anchors import Anchors

NUM_MOVES = 4  # noise numbers that turn and shift a slab
CELL = slice(NUM_MOVES, NUM_MOVES + 1)  # the one that chooses its cell
FIRST_SITE = NUM_MOVES + 1  # those of the sites begin here
FACES = slice(-1, None)  # the last says whether both faces are equal
ALWAYS_EQUAL, NEVER_EQUAL = -8.0, 8.0  # numbers for it, of frames whose slabs sometimes are
CALM = 0.02  # standard deviation of last kernels: training begins close to the data's own sites


def check_latent_size(latent_size: int, anchors: Anchors) -> None:
    """Raise `ConfigError` unless a noise vector has a number for every site and some more."""
    least = FIRST_SITE + anchors.num_sites + 1
    if latent_size < least:
        raise ConfigError(
            f"--latent_size={latent_size} is too small for slabs with {anchors.num_sites} sites. "
            f"Give at least {least}."
        )


def draw_slabs(
    noise: Tensor,
    label: Tensor | None,
    condition: Sequence[Tensor],
    build: Build,
    anchors: Anchors,
    bounds: tuple[Sequence[float], Sequence[float]] | None,
) -> dict[str, Tensor]:
    """Return what a generator of atoms makes, a dict of Keras tensors.

    Args:
        noise: Standard normal numbers `(batch, latent_size)`: the first four turn and shift the
            slab, the next chooses its cell, then one of each site decides about its atom, the last
            about equal faces; networks see all of them.
        label: Class numbers `(batch,)`, or `None`.
        condition: List of vectors that tell the class, `(batch, n)` each.
        build: `Build`.
        anchors: `Anchors`.
        bounds: Least and largest lengths of the training records, Å; `None` without lengths.

    Returns:
        Dict: `grid`; `lattice`, logits of the scaled lengths, where there are `bounds`; and the
        atoms themselves: `places` `(batch, atoms, 3)` and `cell` `(batch, 3)` in Å, `weights`
        `(batch, atoms, 2)`, 1 where there is a metal atom or an anion, `repeats` `(batch, 2)`, and
        the `choice` of a cell `(batch, cells)`.
    """
    size = anchors.num_sites
    check_latent_size(noise.shape[-1], anchors)
    known = [noise[:, CELL]] if label is None else [noise[:, CELL], label]
    choice = ChooseCell(anchors, name="choose_cell")(*known)
    hidden = dense([noise, choice, *condition], build, depth=2)
    change = last(size, name="occupancy_logits")(hidden)
    occupancy = Occupy(anchors, name="occupy")(
        choice, change, noise[:, FIRST_SITE : FIRST_SITE + size], noise[:, FACES]
    )
    places, cell = Displace(anchors, name="displace")(choice)
    places = Settle(anchors, name="settle")(choice, places, cell, occupancy)
    places, cell = Enclose(anchors, name="enclose")(choice, places, cell, occupancy)
    arranged = Arrange(anchors, name="arrange")(
        choice, places, cell, occupancy, noise[:, :NUM_MOVES]
    )
    grid, lengths = Draw(build.num_voxels, build.ndim, anchors.alpha, name="draw")(*arranged)
    made = dict(zip(("places", "weights", "cell", "repeats"), arranged, strict=True))
    made["choice"] = choice
    if bounds is not None:
        made["lattice"] = LengthLogits(*bounds, name="lattice")(lengths)
    return {"grid": grid, **made}


def dense(parts: Sequence[Tensor], build: Build, depth: int) -> Tensor:
    """Return features of vectors, joined, after `depth` dense layers."""
    features = layers.Concatenate()(
        [layers.Activation("linear", dtype="float32")(p) for p in parts]
    )
    for _ in range(depth):
        features = layers.Dense(build.row.first * build.width, use_bias=False)(features)
        features = layers.ReLU()(build.batch_norm()(features))
    return features


def last(units: int, name: str) -> layers.Dense:
    """Return a dense layer that begins near zero."""
    calm = keras.initializers.RandomNormal(stddev=CALM)
    return layers.Dense(units, kernel_initializer=calm, dtype="float32", name=name)
