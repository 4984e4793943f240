"""A critic of local environments: it sees the neighbours of single atoms, exactly."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops

from keras_ruo2.models.conditioning import embedding
from keras_ruo2.models.tensors import Shape, Tensor

REACH = 4.0  # Å, of an environment: both shells of oxygen around Ru and all Ru-Ru of rutile
RADII = tuple(np.arange(1.2, REACH, 0.2).round(2).tolist())  # Å, of the shells that are told apart
WIDTH = 0.2  # Å, of a shell; 0.1 Å more or less then changes its number by a third
WIDE_RADII, WIDE_WIDTH = (1.8, 2.4, 3.0, 3.6), 0.4  # of shells whose shape is looked at
STEPS = (-1, 0, 1)  # cells, by which lateral images are away
IMAGES = np.array([(x, y, 0) for x in STEPS for y in STEPS], "float32")
NEAREST = 32  # neighbours that are looked at: Ru in rutile has 30 within `REACH`
FAR = 1e6  # Å^2
SUMS = np.array(  # which of the squares along x, y and z, and of `FAR` for itself, an image has
    [[x == step for x, _, _ in IMAGES] for step in STEPS]
    + [[y == step for _, y, _ in IMAGES] for step in STEPS]
    + [np.ones(len(IMAGES)), FAR * ~IMAGES.any(axis=1)],
    "float32",
)
# Of x, y, z, xx, xy, xz, yy, yz, zz, see `angular`: how often each stands in its tensor, and of
# which order that is.
ANGULAR = np.array([1, 1, 1, 1, 2, 2, 1, 2, 1])
ORDERS = np.array([1, 1, 1, 2, 2, 2, 2, 2, 2])
SMALLEST = 1e-6  # Å^2, keeps the slope of the square root finite
CLASS_SIZE = 16  # numbers that tell the class
UNITS = (128, 128)
SLOPE = 0.2


def find_neighbours(
    places: Tensor, weights: Tensor, lengths: Tensor, centres: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return the vectors to the nearest atoms that are there, and what they are.

    Args:
        places: `(batch, atoms, 3)`, Å.
        weights: 1 where there is a metal atom or an anion, `(batch, atoms, 2)`.
        lengths: Of the orthogonal cell, `(batch, 3)`, Å; with lateral lengths of 2.7 Å or more
            all neighbours up to `REACH` are found.
        centres: Atoms that are looked at, the first ones of a slab; `None` for all.

    Returns:
        Vectors `(batch, centres, NEAREST, 3)` in Å and weights `(batch, centres, NEAREST, 2)`, 0
        where there are fewer atoms.
    """
    centres = centres or places.shape[1]
    far, chosen = nearest_images(places, weights, lengths, centres)
    nearest = chosen.shape[-1]
    atom = ops.reshape(chosen // len(IMAGES), (-1, centres * nearest, 1))
    shift = ops.take(ops.convert_to_tensor(IMAGES), ops.mod(chosen, len(IMAGES)), axis=0)
    others = ops.take_along_axis(places, atom, axis=1)
    apart = ops.reshape(others, (-1, centres, nearest, 3)) - places[:, :centres, None]
    cell = lengths[:, None, None]
    apart = apart - cell * ops.round(apart / cell) + shift * cell
    weights = ops.reshape(ops.take_along_axis(weights, atom, axis=1), (-1, centres, nearest, 2))
    return apart, weights * ops.cast(far < 0.5 * FAR, "float32")[..., None]


def nearest_images(
    places: Tensor, weights: Tensor, lengths: Tensor, centres: int
) -> tuple[Tensor, Tensor]:
    """Return how far away, Å^2, the nearest images are and which, `(batch, centres, nearest)`.

    The number of an image is `len(IMAGES)` times that of its atom and its place in `IMAGES` around
    the nearest one. Absent atoms, and each atom to itself, are farther than `0.5 * FAR`. A matrix
    product adds up the squares along the axes, which is faster than sums that are broadcast.
    """
    places, lengths = ops.stop_gradient(places), ops.stop_gradient(lengths)
    size, terms = places.shape[1], []
    for axis in range(3):
        length = lengths[:, axis, None, None]
        apart = places[:, None, :, axis] - places[:, :centres, None, axis]
        apart = apart - length * ops.round(apart / length)
        if axis < 2:
            terms += [ops.square(apart + step * length) for step in STEPS]
    absent = ops.cast(ops.sum(ops.stop_gradient(weights), axis=-1) < 0.5, "float32")
    own = ops.broadcast_to(ops.eye(centres, size), ops.shape(apart))
    terms += [ops.square(apart) + FAR * absent[:, None], own]
    squares = ops.matmul(ops.stack(terms, axis=-1), ops.convert_to_tensor(SUMS))
    squares = ops.reshape(squares, (-1, centres, size * len(IMAGES)))
    nearest, chosen = ops.top_k(-squares, min(NEAREST, size * len(IMAGES)))
    return -nearest, chosen


def describe_environments(apart: Tensor, weights: Tensor) -> Tensor:
    """Describe the neighbours of atoms, up to rotations, as smooth numbers.

    For neighbours of each species: how many there are in thin shells; and, in wide shells, how
    lopsided (the length of their mean direction) and how aligned they are (the norm of the mean
    product of directions with themselves). These are invariants of order 2 of the atom's
    surroundings, up to angular momentum 2 (Bartok et al., Phys. Rev. B 87, 184115 (2013)).

    Args:
        apart: As `find_neighbours` returns them.
        weights: The same.

    Returns:
        Tensor of shape `(batch, centres, num_features())`.
    """
    distance = lengths_of(apart)
    near = 0.5 * (1 + ops.cos(np.pi * ops.minimum(distance / REACH, 1.0)))
    weights = weights * near[..., None]
    parts = [ops.einsum("bijr,bijc->bicr", shells(distance, RADII, WIDTH), weights)]
    wide = shells(distance, WIDE_RADII, WIDE_WIDTH)
    wide = [wide * weights[..., channel : channel + 1] for channel in range(2)]
    wide = ops.swapaxes(ops.concatenate(wide, axis=-1), -1, -2)
    seen = ops.square(ops.matmul(wide, angular(apart / distance[..., None])))
    seen = ops.reshape(seen, (-1, seen.shape[1], 2, len(WIDE_RADII), len(ANGULAR)))
    for order in (1, 2):
        weight = ops.convert_to_tensor(np.where(ORDERS == order, ANGULAR, 0).astype("float32"))
        parts.append(ops.sqrt(ops.sum(weight * seen, axis=-1) + SMALLEST))
    joined = ops.concatenate(parts, axis=-1)
    return ops.reshape(joined, (-1, joined.shape[1], num_features()))


def angular(directions: Tensor) -> Tensor:
    """Return unit vectors and the six products of their parts, `(..., len(ANGULAR))`."""
    x, y, z = directions[..., :1], directions[..., 1:2], directions[..., 2:]
    return ops.concatenate([directions, x * directions, y * directions[..., 1:], z * z], axis=-1)


def lengths_of(vectors: Tensor) -> Tensor:
    """Return the lengths of vectors `(..., 3)`, with a slope everywhere."""
    return ops.sqrt(ops.sum(ops.square(vectors), axis=-1) + SMALLEST)


def distance_misfits(
    apart: Tensor,
    weights: Tensor,
    kinds: Tensor,
    shortest: Sequence[float] | np.ndarray,
    farthest: float,
) -> Tensor:
    """Return how far atoms are from any known distance, Å^2, summed over a slab, `(batch,)`.

    Atoms closer than ever seen are moved by this, but not taken away: only an anion that is too
    far from the next metal may also vanish.

    Args:
        apart: As `find_neighbours` returns them.
        weights: The same.
        kinds: 1 for the species of each centre, `(batch, centres, 2)`.
        shortest: Shortest distances of metal and metal, metal and anion, anion and anion, Å.
        farthest: Longest distance of an anion from the nearest metal, Å.
    """
    distance = lengths_of(apart)
    limits = ops.convert_to_tensor(np.array([shortest[:2], shortest[1:]], "float32"))
    pairs = ops.stop_gradient(kinds[:, :, None, :, None] * weights[..., None, :])
    limit = ops.sum(pairs * limits, axis=(-2, -1))
    close = ops.sum(ops.square(ops.relu(limit - distance)), axis=(1, 2))
    to_metal = ops.min(ops.where(weights[..., 0] > 0.5, distance, REACH), axis=2)
    loose = ops.square(ops.relu(to_metal - farthest))
    return close + ops.sum(kinds[..., 1] * loose, axis=1)


def shells(distance: Tensor, radii: Sequence[float], width: float) -> Tensor:
    """Return how far in each shell distances are, Gaussians of `(..., len(radii))`."""
    radii = ops.convert_to_tensor(np.array(radii, "float32"))
    return ops.exp(-0.5 * ops.square((distance[..., None] - radii) / width))


def num_features() -> int:
    """Return how many numbers describe an environment."""
    return 2 * (len(RADII) + 2 * len(WIDE_RADII))


def build_environment_critic(num_classes: int = 0) -> keras.Model:
    """Build the critic of environments.

    Args:
        num_classes: Classes that it is told; 0 for none.

    Returns:
        Keras model from `features` as `describe_environments` returns them, `kinds`, 1 for the
        atom's own species, `(batch, atoms, 2)`, and, where told, `label` `(batch,)`, to a dict of
        a `score` and an `energy` of each atom, `(batch, atoms)`. The energies do not know the
        class.
    """
    features = keras.Input((None, num_features()), name="features")
    kinds = keras.Input((None, 2), name="kinds")
    inputs, seen = [features, kinds], [features, kinds]
    if num_classes:
        label = keras.Input((), dtype="int32", name="label")
        inputs = [*inputs, label]
        vector = embedding(num_classes, CLASS_SIZE)(label)
        seen = [*seen, Spread()(vector, kinds)]
    score = per_atom(seen, "score")
    energy = per_atom([features, kinds], "energy")
    return keras.Model(inputs, {"score": score, "energy": energy}, name="environment_critic")


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Spread(keras.layers.Layer):
    """Give every atom of a sample the sample's vector.

    Input shape: vectors `(batch, n)` and anything `(batch, atoms, m)`.

    Output shape: `(batch, atoms, n)`.
    """

    def call(self, vector: Tensor, atoms: Tensor) -> Tensor:
        return vector[:, None] + 0 * atoms[..., :1]

    def compute_output_shape(self, vector_shape: Shape, atoms_shape: Shape) -> Shape:
        return (*atoms_shape[:2], vector_shape[-1])


def per_atom(parts: Sequence[Tensor], name: str) -> Tensor:
    """Return a number of each atom, `(batch, atoms)`, from its own vectors alone."""
    hidden = layers.Concatenate()(parts)
    for units in UNITS:
        hidden = layers.LeakyReLU(negative_slope=SLOPE)(layers.Dense(units)(hidden))
    return layers.Dense(1, dtype="float32", name=name)(hidden)[..., 0]


def mean_over_atoms(values: Tensor, weights: Tensor) -> Tensor:
    """Return the mean of numbers of atoms, `(batch,)`; `weights` are those of their species."""
    there = ops.sum(weights, axis=-1)
    return ops.sum(values * there, axis=-1) / ops.maximum(ops.sum(there, axis=-1), 1.0)
