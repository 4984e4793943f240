"""Before the first step: atoms on the sites of known slabs are moved to where these rest.

Which sites are occupied and where atoms on them rest are two questions. The training slabs answer
the second themselves: a regression learns it in a minute or two, without any critic.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_ruo2.io import messages
from keras_ruo2.models.atoms import Displace
from keras_ruo2.models.settle import Settle
from keras_ruo2.models.tensors import Tensor
from keras_ruo2.training.losses import distance_from_rest

if TYPE_CHECKING:
    from keras_ruo2.config import CompleteTrainConfig
    from keras_ruo2.structure.anchors import Anchors
    from keras_ruo2.training.slabs import AtRest, SlabBatches


MOST_STEPS = 1500
BATCH = 32
RATE = 2e-3  # falls to zero along a cosine
SHARE = 0.1  # of a run's minutes that this may take beside them


def move_to_rest(
    model: keras.Model, slabs: SlabBatches, config: CompleteTrainConfig, steps: int
) -> None:
    """Fit how a generator moves the atoms that it places to where those of known slabs rest.

    Args:
        model: `WassersteinGAN` before its first step, whose generator places atoms.
        slabs: `SlabBatches`.
        config: `CompleteTrainConfig`; of its `minutes` this takes `SHARE` more at most.
        steps: Of the run; as many are made here, `MOST_STEPS` at most.
    """
    if not len(slabs.at_rest):
        return
    batches = RestingSlabs(slabs.at_rest, slabs.anchors, min(steps, MOST_STEPS), config.seed)
    with on_one_device():
        placing = Placing(slabs.anchors, model.generator)
        before = placing.median_distance(batches)
        placing.fit(batches, None if config.minutes is None else 60 * SHARE * config.minutes)
        after = placing.median_distance(batches)
    for network in (model.generator, model.averaged):
        placing.copy_to(network)
    messages.info(
        f"Atoms are {after:.3f} Å from where they rest, {before:.3f} Å before (medians of "
        f"{len(slabs.at_rest)} slabs)."
    )


@contextmanager
def on_one_device() -> Iterator[None]:
    """Do without the devices that a strategy of JAX shares batches out to."""
    strategy = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(strategy)


class RestingSlabs(keras.utils.PyDataset):
    """Batches of the sites of known slabs, and of where their atoms rest.

    Args:
        slabs: `AtRest`.
        anchors: `Anchors`.
        steps: Number of batches.
        seed: Of the order.
    """

    def __init__(self, slabs: AtRest, anchors: Anchors, steps: int, seed: int) -> None:
        super().__init__()
        sites = anchors.positions[anchors.cells[slabs.cells.argmax(axis=1), 0]]
        there = slabs.occupancy[..., None]
        self.inputs = slabs.cells, slabs.occupancy
        self.wanted = np.concatenate([sites + slabs.offsets, there], axis=-1, dtype="float32")
        rng, rounds = np.random.default_rng(seed), -(-steps * BATCH // len(slabs))
        order = np.concatenate([rng.permutation(len(slabs)) for _ in range(rounds)])
        self.rows = order[: steps * BATCH].reshape(steps, BATCH)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        rows = self.rows[number]
        return tuple(values[rows] for values in self.inputs), self.wanted[rows]


class Placing:
    """The two layers of a generator that say where atoms are, in a network of their own.

    Args:
        anchors: `Anchors`.
        generator: Whose weights they start with.
    """

    NAMES = ("displace", "settle")

    def __init__(self, anchors: Anchors, generator: keras.Model) -> None:
        displace = Displace(anchors, name="displace")
        settle = Settle(anchors, rounds=generator.get_layer("settle").rounds, name="settle")
        choice = keras.Input((len(anchors.cells),), name="choice")
        occupancy = keras.Input((anchors.num_sites,), name="occupancy")
        places, lengths = displace(choice)
        places = settle(choice, places, lengths, occupancy)
        self.network = keras.Model([choice, occupancy], places)
        for name in self.NAMES:
            values = generator.get_layer(name).get_weights()
            self.network.get_layer(name).set_weights(values)

    def fit(self, batches: RestingSlabs, seconds: float | None) -> None:
        """Fit it to `RestingSlabs`, for so many seconds at most; `None` for no limit."""
        rate = keras.optimizers.schedules.CosineDecay(RATE, len(batches))
        self.network.compile(keras.optimizers.Adam(rate), loss=loss, jit_compile=False)
        callbacks = [] if seconds is None else [Deadline(seconds)]
        self.network.fit(batches, shuffle=False, verbose=0, callbacks=callbacks)

    def median_distance(self, batches: RestingSlabs) -> float:
        """Return the median over known slabs of how far atoms are from where they rest, Å."""
        places = self.network.predict(batches.inputs, batch_size=BATCH, verbose=0)
        tensors = (keras.ops.convert_to_tensor(values) for values in (batches.wanted, places))
        return float(np.median(keras.ops.convert_to_numpy(loss(*tensors))))

    def copy_to(self, generator: keras.Model) -> None:
        """Give a generator these weights."""
        for name in self.NAMES:
            generator.get_layer(name).set_weights(self.network.get_layer(name).get_weights())


def loss(wanted: Tensor, places: Tensor) -> Tensor:
    """Return how far atoms are from where they rest, Å, `(batch,)`.

    Args:
        wanted: Places at rest and the occupancy, `(batch, sites, 4)`.
        places: `(batch, sites, 3)`, Å.
    """
    return distance_from_rest(places - wanted[..., :3], wanted[..., 3])


class Deadline(keras.callbacks.Callback):
    """Ends a fit after some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.end = time.monotonic() + seconds

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if time.monotonic() > self.end:
            self.model.stop_training = True
