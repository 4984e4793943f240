"""Batches as each backend takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_ruo2 import runs
from keras_ruo2.data.labels import class_numbers
from keras_ruo2.data.pipeline import batch_at
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.structure.cells import scale_lengths

if TYPE_CHECKING:
    from keras_ruo2.config import CompleteTrainConfig
    from keras_ruo2.data.description import Description
    from keras_ruo2.data.order import Order
    from keras_ruo2.data.reader import Records
    from keras_ruo2.training.devices import Placement
    from keras_ruo2.training.slabs import SlabBatches


NAMES = (
    "grid",
    "lattice",
    "label",
    "dmu_o",
    "energy",
    "motif",
)  # of the record's fields, what training reads
Batch = dict[str, np.ndarray]  # what the networks take, the samples along the first axis
READ_AHEAD = 4


def feed(
    config: CompleteTrainConfig,
    description: Description,
    records: Records,
    order: Order,
    placement: Placement,
    steps: Sequence[int],
    slabs: SlabBatches | None = None,
) -> Any:
    """Return what `fit` takes: the batch of each step.

    Args:
        config: `CompleteTrainConfig`.
        description: `Description` of the records.
        records: `Records` of the training split.
        order: `Order` over them.
        placement: `Placement`.
        steps: Range of the steps to be made.
        slabs: `SlabBatches`, where the generator places atoms.
    """
    options = {
        "critic_steps": runs.resolve(config)["critic_steps"],
        # On JAX one array spans all devices, so that batches lie as for a single one.
        "replicas": placement.replicas if placement.strategy else 1,
        "names": NAMES,
    }

    def batch_of(step: int) -> Batch:
        batch = batch_at(records, order, step, **options)
        inputs = model_inputs(batch, description, config)
        if slabs:
            inputs |= slabs.arrays_of(batch, step)
        return inputs

    return FEEDS[config.backend](batch_of, steps, placement)


def model_inputs(
    batch: Mapping[str, np.ndarray], description: Description, config: CompleteTrainConfig
) -> Batch:
    """Return what the networks take of a batch of records: lengths scaled, classes numbered."""
    variant = VARIANTS[config.variant]
    inputs = {"grid": batch["grid"]}
    if variant.lattice:
        bounds = (
            np.array(edge, "float32")
            for edge in (description.lattice_minimum, description.lattice_maximum)
        )
        inputs["lattice"] = scale_lengths(batch["lattice"], *bounds)
    if variant.label:
        inputs["label"] = class_numbers(batch, description, config.label_by)
    return inputs


class StepBatches(keras.utils.PyDataset):
    """The batches of a run for JAX and PyTorch, read ahead by a thread.

    Args:
        batch_of: Function from a step's number to its batch.
        steps: Range of the steps.
    """

    def __init__(self, batch_of: Callable[[int], Batch], steps: Sequence[int]) -> None:
        super().__init__(workers=1, max_queue_size=READ_AHEAD)
        self.batch_of, self.steps = batch_of, steps

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, number: int) -> tuple[Batch]:
        return (self.batch_of(self.steps[number]),)


def as_py_dataset(
    batch_of: Callable[[int], Batch], steps: Sequence[int], placement: Placement
) -> StepBatches:
    """Return batches as Keras reads them where TensorFlow is not needed."""
    return StepBatches(batch_of, steps)


def as_tf_dataset(
    batch_of: Callable[[int], Batch], steps: Sequence[int], placement: Placement
) -> Any:
    """Return batches as a `tf.data.Dataset`, each replica's share apart under a strategy."""
    from keras_ruo2.data.tf_dataset import as_dataset

    if placement.strategy is None:
        return as_dataset(lambda: map(batch_of, steps))

    def make_shares() -> Iterator[Batch]:
        for step in steps:
            yield from placement.split(batch_of(step))

    return placement.strategy.distribute_datasets_from_function(
        lambda context: as_dataset(make_shares, prefetch=2 * placement.local)
    )


FEEDS = {"tensorflow": as_tf_dataset, "jax": as_py_dataset, "torch": as_py_dataset}
