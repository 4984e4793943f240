"""A layer that moves atoms towards where their neighbours let them rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import initializers, layers, ops

from keras_ruo2.models.atoms import AnchorLayer, Known
from keras_ruo2.models.environments import (
    REACH,
    describe_environments,
    find_neighbours,
    lengths_of,
    num_features,
    shells,
)
from keras_ruo2.models.tensors import Shape, Tensor

RADII = tuple(np.arange(1.4, REACH, 0.2).round(2).tolist())  # Å, of the shells of pair forces
WIDTH = 0.2  # Å, of a shell
ROUNDS = 3
UNITS = 128
SLOPE = 0.2
SCALE = 0.3  # Å; displacements are this much times what the network says
CALM = 0.001  # standard deviation of last kernels: training begins at the data's own sites
FARTHEST = 0.6  # Å, that an atom is moved at most along an axis


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Settle(AnchorLayer):
    """Move each atom along the directions to its neighbours, as its surroundings say.

    The displacement of atom i is the sum over its neighbours j of `f(d_ij; s_j, e_i) r_ij / d_ij`,
    where the coefficients of the pair function f on shells of distance are read off the invariants
    e_i of the atom's surroundings by a network. It turns with the slab, and is the same wherever
    the same surroundings stand: also in a termination that no training slab has.

    Args:
        anchors: As in `AnchorLayer`.
        rounds: How often atoms are moved.

    Input shape: choices `(batch, cells)`, places `(batch, sites, 3)` and lengths `(batch, 3)` in Å
        and occupancy `(batch, sites)`.

    Output shape: places `(batch, sites, 3)` in Å.
    """

    def __init__(self, anchors: Known, rounds: int = ROUNDS, **options: Any) -> None:
        super().__init__(anchors, **options)
        self.rounds = rounds
        self.coefficients = [
            [
                layers.Dense(UNITS, dtype="float32"),
                layers.Dense(UNITS, dtype="float32"),
                layers.Dense(2 * len(RADII), kernel_initializer=calm(), dtype="float32"),
            ]
            for _ in range(rounds)
        ]

    def build(
        self, choice_shape: Shape, places_shape: Shape, lengths_shape: Shape, occupancy_shape: Shape
    ) -> None:
        for first, second, last in self.coefficients:
            first.build((None, None, num_features() + 2))
            second.build((None, None, UNITS))
            last.build((None, None, UNITS))

    def call(self, choice: Tensor, places: Tensor, lengths: Tensor, occupancy: Tensor) -> Tensor:
        for network in self.coefficients:
            places = places + self.moves(network, choice, places, lengths, occupancy)
        return places

    def moves(
        self,
        network: Sequence[layers.Layer],
        choice: Tensor,
        places: Tensor,
        lengths: Tensor,
        occupancy: Tensor,
    ) -> Tensor:
        """Return the displacements of one round, Å."""
        everywhere, weights = self.with_copies(choice, places, lengths, occupancy)
        apart, around = find_neighbours(
            everywhere, ops.stop_gradient(weights), lengths, self.anchors.num_sites
        )
        kinds = self.of_cell(choice, self.kinds())
        features = [describe_environments(apart, around), kinds]
        features = ops.concatenate(features, axis=-1)
        for dense in network[:-1]:
            features = ops.leaky_relu(dense(features), negative_slope=SLOPE)
        strengths = ops.reshape(network[-1](features), (-1, self.anchors.num_sites, 2, len(RADII)))
        distance = lengths_of(apart)
        near = 0.5 * (1 + ops.cos(np.pi * ops.minimum(distance / REACH, 1.0)))
        forces = ops.einsum("bijr,bicr->bijc", shells(distance, RADII, WIDTH), strengths)
        forces = ops.sum(forces * around, axis=-1) * near / distance
        total = ops.einsum("bij,bijv->biv", forces, apart)
        return FARTHEST * ops.tanh(SCALE / FARTHEST * total)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rounds": self.rounds}


def calm() -> initializers.Initializer:
    """Return the start of last kernels: before training hardly anything moves."""
    return initializers.RandomNormal(stddev=CALM)
