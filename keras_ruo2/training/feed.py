"""Batches as each backend takes them."""

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.data.labels import class_of
from keras_ruo2.data.pipeline import training_batches
from keras_ruo2.structure.cells import scale_lengths
from keras_ruo2.variants import VARIANTS


def feed(config, description, records, order, placement, first_step):
    """Return what `fit` takes: endless batches from a step on.

    Args:
        config: `TrainConfig`.
        description: `Description` of the records.
        records: `Records` of the training split.
        order: `Order` over them.
        placement: `Placement`.
        first_step: Step of the first batch.
    """
    critic_steps = runs.resolve(config)["critic_steps"]
    # On JAX one array spans all devices, so that batches lie as for a single one.
    replicas = placement.replicas if placement.strategy else 1

    def make_batches():
        for batch in training_batches(
            records, order, first_step=first_step, critic_steps=critic_steps, replicas=replicas
        ):
            yield model_inputs(batch, description, config)

    return FEEDS[config.backend](make_batches, placement)


def model_inputs(batch, description, config):
    """Return what the networks take of a batch of records: lengths scaled, classes numbered."""
    variant = VARIANTS[config.variant]
    inputs = {"grid": batch["grid"]}
    if variant.lattice:
        bounds = (np.float32(description.lattice_minimum), np.float32(description.lattice_maximum))
        inputs["lattice"] = scale_lengths(batch["lattice"], *bounds)
    if variant.label:
        inputs["label"] = class_of(batch, description, config.label_by)
    return inputs


def as_tuples(make_batches, placement):
    """Yield batches as Keras takes them from a generator."""
    return ((batch,) for batch in make_batches())


def as_tf_dataset(make_batches, placement):
    """Return batches as a `tf.data.Dataset`, each replica's share apart under a strategy."""
    from keras_ruo2.data.tf_dataset import as_dataset

    if placement.strategy is None:
        return as_dataset(make_batches)

    def make_shares():
        for batch in make_batches():
            yield from placement.split(batch)

    return placement.strategy.distribute_datasets_from_function(
        lambda context: as_dataset(make_shares, prefetch=2 * placement.local)
    )


FEEDS = {"tensorflow": as_tf_dataset, "jax": as_tuples, "torch": as_tuples}
