"""A critic of local environments: it sees the neighbours of single atoms, exactly."""

import keras
import numpy as np
from keras import layers, ops

from keras_ruo2.models.conditioning import embedding

REACH = 4.0  # Å, of an environment: both shells of oxygen around Ru and all Ru-Ru of rutile
RADII = tuple(np.arange(1.2, REACH, 0.2).round(2).tolist())  # Å, of the shells that are told apart
WIDTH = 0.2  # Å, of a shell; 0.1 Å more or less then changes its number by a third
WIDE_RADII, WIDE_WIDTH = (1.8, 2.4, 3.0, 3.6), 0.4  # of shells whose shape is looked at
SMALLEST = 1e-6  # Å^2, keeps the slope of the square root finite
CLASS_SIZE = 16  # numbers that tell the class
UNITS = (128, 128)
SLOPE = 0.2


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Environments(keras.layers.Layer):
    """Describe the neighbours of every atom, up to rotations, as smooth numbers.

    For neighbours of each species: how many there are in thin shells; and, in wide shells, how
    lopsided (the length of their mean direction) and how aligned they are (the norm of the mean
    product of directions with themselves). These are the invariants of order 2 of the atom's
    surroundings, up to angular momentum 2 (Bartok et al., Phys. Rev. B 87, 184115 (2013)).

    Input shape: places `(batch, atoms, 3)` in Å, weights of the metal and the anion
        `(batch, atoms, 2)` and lengths of the orthogonal cell `(batch, 3)`; lateral lengths of
        2.7 Å or more are seen up to `REACH`.

    Output shape: `(batch, atoms, features)`.
    """

    def call(self, places, weights, lengths):
        shifts = np.array([(x, y, 0) for x in (-1, 0, 1) for y in (-1, 0, 1)], "float32")
        cell = lengths[:, None, None]
        apart = places[:, None] - places[:, :, None]  # from each atom to every other one
        apart = apart - cell * ops.round(apart / cell)
        images = shifts[None, None] * lengths[:, None, None]
        apart = apart[:, :, :, None] + images[:, :, None]  # (batch, atoms, atoms, images, 3)
        squares = ops.sum(ops.square(apart), axis=-1)
        size = places.shape[1]
        itself = np.zeros((size, size, len(shifts)), "float32")
        itself[..., len(shifts) // 2] = np.eye(size)
        distance = ops.sqrt(squares + SMALLEST)
        near = 0.5 * (1 + ops.cos(np.pi * ops.minimum(distance / REACH, 1.0))) * (1 - itself)
        directions = apart / distance[..., None]
        products = ops.stack(
            [directions[..., i] * directions[..., k] for i in range(3) for k in range(i, 3)],
            axis=-1,
        )
        found = []
        for radius in RADII:
            shell = near * ops.exp(-0.5 * ops.square((distance - radius) / WIDTH))
            found.append(ops.matmul(ops.sum(shell, axis=3), weights))
        twice = ops.convert_to_tensor(np.array([1, 2, 2, 1, 2, 1], "float32"))
        for radius in WIDE_RADII:
            shell = near * ops.exp(-0.5 * ops.square((distance - radius) / WIDE_WIDTH))
            vector = ops.einsum("bijs,bijsv,bjc->bicv", shell, directions, weights)
            found.append(ops.sqrt(ops.sum(ops.square(vector), axis=-1) + SMALLEST))
            tensor = ops.einsum("bijs,bijsv,bjc->bicv", shell, products, weights)
            found.append(ops.sqrt(ops.sum(twice * ops.square(tensor), axis=-1) + SMALLEST))
        return ops.concatenate(found, axis=-1)

    def compute_output_shape(self, places_shape, weights_shape, lengths_shape):
        return (*places_shape[:2], num_features())


def num_features():
    """Return how many numbers describe an environment."""
    return 2 * (len(RADII) + 2 * len(WIDE_RADII))


def build_environment_critic(num_classes=0):
    """Build the critic of environments.

    Args:
        num_classes: Classes that it is told; 0 for none.

    Returns:
        Keras model from `features` `(batch, atoms, num_features())`, `kinds` `(batch, atoms, 2)`,
        1 for the atom's own species, and, where told, `label` `(batch,)`, to a dict of a `score`
        and an `energy` of each atom, `(batch, atoms)`. The energies do not know the class.
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

    def call(self, vector, atoms):
        return vector[:, None] + 0 * atoms[..., :1]

    def compute_output_shape(self, vector_shape, atoms_shape):
        return (*atoms_shape[:2], vector_shape[-1])


def per_atom(parts, name):
    """Return a number of each atom, `(batch, atoms)`, from its own vectors alone."""
    hidden = layers.Concatenate()(parts)
    for units in UNITS:
        hidden = layers.LeakyReLU(negative_slope=SLOPE)(layers.Dense(units)(hidden))
    return layers.Dense(1, dtype="float32", name=name)(hidden)[..., 0]


def mean_over_atoms(values, weights):
    """Return the mean of numbers of atoms, `(batch,)`; `weights` are those of their species."""
    there = ops.sum(weights, axis=-1)
    return ops.sum(values * there, axis=-1) / ops.maximum(ops.sum(there, axis=-1), 1.0)
