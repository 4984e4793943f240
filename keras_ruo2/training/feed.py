"""Batches as each backend takes them."""

import keras
import numpy as np

from keras_ruo2 import runs
from keras_ruo2.data.labels import class_numbers
from keras_ruo2.data.pipeline import batch_at
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.structure.cells import scale_lengths

NAMES = (
    "grid",
    "lattice",
    "label",
    "dmu_o",
    "energy",
    "motif",
)  # of the record's fields, what training reads
READ_AHEAD = 4


def feed(config, description, records, order, placement, steps, slabs=None):
    """Return what `fit` takes: the batch of each step.

    Args:
        config: `TrainConfig`.
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

    def batch_of(step):
        batch = batch_at(records, order, step, **options)
        inputs = model_inputs(batch, description, config)
        if slabs:
            inputs |= slabs.arrays_of(batch, step)
        return inputs

    return FEEDS[config.backend](batch_of, steps, placement)


def model_inputs(batch, description, config):
    """Return what the networks take of a batch of records: lengths scaled, classes numbered."""
    variant = VARIANTS[config.variant]
    inputs = {"grid": batch["grid"]}
    if variant.lattice:
        bounds = (np.float32(description.lattice_minimum), np.float32(description.lattice_maximum))
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

    def __init__(self, batch_of, steps):
        super().__init__(workers=1, max_queue_size=READ_AHEAD)
        self.batch_of, self.steps = batch_of, steps

    def __len__(self):
        return len(self.steps)

    def __getitem__(self, number):
        return (self.batch_of(self.steps[number]),)


def as_py_dataset(batch_of, steps, placement):
    """Return batches as Keras reads them where TensorFlow is not needed."""
    return StepBatches(batch_of, steps)


def as_tf_dataset(batch_of, steps, placement):
    """Return batches as a `tf.data.Dataset`, each replica's share apart under a strategy."""
    from keras_ruo2.data.tf_dataset import as_dataset

    if placement.strategy is None:
        return as_dataset(lambda: map(batch_of, steps))

    def make_shares():
        for step in steps:
            yield from placement.split(batch_of(step))

    return placement.strategy.distribute_datasets_from_function(
        lambda context: as_dataset(make_shares, prefetch=2 * placement.local)
    )


FEEDS = {"tensorflow": as_tf_dataset, "jax": as_py_dataset, "torch": as_py_dataset}
