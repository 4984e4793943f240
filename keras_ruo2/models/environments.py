"""A critic of local environments: it sees the neighbours of single atoms, exactly."""

import keras
import numpy as np
from keras import layers, ops

from keras_ruo2.models.conditioning import embedding

REACH = 4.0  # Å, of an environment: both shells of oxygen around Ru and all Ru-Ru of rutile
RADII = tuple(np.arange(1.2, REACH, 0.2).round(2).tolist())  # Å, of the shells that are told apart
WIDTH = 0.2  # Å, of a shell; 0.1 Å more or less then changes its number by a third
WIDE_RADII, WIDE_WIDTH = (1.8, 2.4, 3.0, 3.6), 0.4  # of shells whose shape is looked at
NEAREST = 32  # neighbours that are looked at: Ru in rutile has 30 within `REACH`
FAR = 1e6  # Å^2
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

    Args:
        centres: Atoms that are looked at, the first ones of a slab; `None` for all.

    Input shape: places `(batch, atoms, 3)` in Å, weights of the metal and the anion
        `(batch, atoms, 2)` and lengths of the orthogonal cell `(batch, 3)`; lateral lengths of
        2.7 Å or more are seen up to `REACH`.

    Output shape: `(batch, centres, features)`.
    """

    def __init__(self, centres=None, **options):
        super().__init__(**{"dtype": "float32"} | options)
        self.centres = centres

    def call(self, places, weights, lengths):
        apart, weights = self.neighbours(places, weights, lengths)
        distance = ops.sqrt(ops.sum(ops.square(apart), axis=-1) + SMALLEST)
        near = 0.5 * (1 + ops.cos(np.pi * ops.minimum(distance / REACH, 1.0)))
        weights = weights * near[..., None]  # (batch, centres, neighbours, species)
        directions = apart / distance[..., None]
        products = ops.stack(
            [directions[..., i] * directions[..., k] for i in range(3) for k in range(i, 3)],
            axis=-1,
        )
        twice = ops.convert_to_tensor(np.array([1, 2, 2, 1, 2, 1], "float32"))
        found = [ops.einsum("bijr,bijc->bicr", shells(distance, RADII, WIDTH), weights)]
        wide = ops.einsum("bijr,bijc->bijcr", shells(distance, WIDE_RADII, WIDE_WIDTH), weights)
        vector = ops.einsum("bijcr,bijv->bicrv", wide, directions)
        found.append(ops.sqrt(ops.sum(ops.square(vector), axis=-1) + SMALLEST))
        tensor = ops.einsum("bijcr,bijv->bicrv", wide, products)
        found.append(ops.sqrt(ops.sum(twice * ops.square(tensor), axis=-1) + SMALLEST))
        joined = ops.concatenate(found, axis=-1)
        return ops.reshape(joined, (-1, joined.shape[1], num_features()))

    def neighbours(self, places, weights, lengths):
        """Return vectors to the nearest atoms that are there, and their weights.

        Returns:
            `(batch, centres, NEAREST, 3)` in Å and `(batch, centres, NEAREST, 2)`.
        """
        shifts = np.array([(x, y, 0) for x in (-1, 0, 1) for y in (-1, 0, 1)], "float32")
        cell = lengths[:, None, None]
        size, centres = places.shape[1], self.centres or places.shape[1]
        apart = places[:, None] - places[:, :centres, None]
        apart = apart - cell * ops.round(apart / cell)
        apart = apart[:, :, :, None] + (shifts * cell)[:, :, None]
        apart = ops.reshape(apart, (-1, centres, size * len(shifts), 3))
        there = ops.repeat(ops.sum(weights, axis=-1) > 0.5, len(shifts), axis=1)
        squares = ops.sum(ops.square(apart), axis=-1)
        itself = np.zeros((centres, size, len(shifts)), bool)
        itself[np.arange(centres), np.arange(centres), len(shifts) // 2] = True
        hidden = ops.logical_or(
            ops.logical_not(there)[:, None], itself.reshape(1, centres, size * len(shifts))
        )
        order = ops.where(hidden, -FAR, -squares)
        count = min(NEAREST, size * len(shifts))
        chosen = ops.top_k(ops.stop_gradient(order), count)[1]
        real = ops.take_along_axis(order, chosen, axis=2) > -0.5 * FAR
        apart = ops.take_along_axis(apart, chosen[..., None], axis=2)
        weights = ops.repeat(weights, len(shifts), axis=1)[:, None]
        weights = ops.broadcast_to(weights, (ops.shape(places)[0], centres, *weights.shape[2:]))
        weights = ops.take_along_axis(weights, chosen[..., None], axis=2)
        return apart, weights * ops.cast(real, "float32")[..., None]

    def compute_output_shape(self, places_shape, weights_shape, lengths_shape):
        return (places_shape[0], self.centres or places_shape[1], num_features())

    def get_config(self):
        return {**super().get_config(), "centres": self.centres}


def shells(distance, radii, width):
    """Return how far in each shell distances are, Gaussians of `(..., len(radii))`."""
    radii = ops.convert_to_tensor(np.array(radii, "float32"))
    return ops.exp(-0.5 * ops.square((distance[..., None] - radii) / width))


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
