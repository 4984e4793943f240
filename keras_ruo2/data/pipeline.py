"""From shards to batches: shuffle, repeat, decode, prefetch."""

import numpy as np
import tensorflow as tf

from keras_ruo2.data.description import TRAINING
from keras_ruo2.data.schema import Schema
from keras_ruo2.data.shards import read_shards

SHUFFLE_BUFFER = 32_768  # serialised records, 4 kB each in 2D


def training_batches(folder, description, samples_per_step, *, seed, first_step=0):
    """Yield endless batches of fresh samples.

    The order within an epoch follows from `seed` and the epoch's number alone, and the last
    samples of an epoch that do not fill a batch are left out, so that a run which starts at
    `first_step` sees what an uninterrupted one sees.

    Args:
        folder: Folder with shards.
        description: Its `Description`.
        samples_per_step: Records in a batch: critic updates times batch size.
        seed: Seed of the order.
        first_step: Batches to pass over.

    Returns:
        `tf.data.Dataset` of dicts keyed by the names of the schema's fields.
    """
    schema = Schema(description.grid_shape, description.dtype)
    files = description.files(folder, TRAINING)
    steps_per_epoch = description.counts[TRAINING] // samples_per_step
    first_epoch, skipped = divmod(first_step, steps_per_epoch)

    def epoch(number):
        records = read_shards(files).shuffle(SHUFFLE_BUFFER, seed=number + seed)
        batches = records.batch(samples_per_step, drop_remainder=True)
        return batches.skip(tf.where(number == first_epoch, np.int64(skipped), np.int64(0)))

    epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
    decoded = epochs.flat_map(epoch).map(schema.decode, num_parallel_calls=1, deterministic=True)
    return decoded.prefetch(2)


def read_sample(folder, description, split, count, *, seed):
    """Read records of a split at random, into memory.

    Args:
        folder: Folder with shards.
        description: Its `Description`.
        split: `TRAINING` or `HELD_OUT`.
        count: Records wanted; fewer come if the split holds fewer.
        seed: Seed of the choice.

    Returns:
        Dict of arrays keyed by field name, at most `count` of each.
    """
    schema = Schema(description.grid_shape, description.dtype)
    total = description.counts[split]
    chosen = np.sort(np.random.default_rng(seed).permutation(total)[:count])
    marked = np.zeros(total, dtype=bool)
    marked[chosen] = True
    records = tf.data.Dataset.zip(
        tf.data.Dataset.from_tensor_slices(marked), read_shards(description.files(folder, split))
    )
    kept = records.filter(is_marked).map(record_only)
    parts = [
        {name: value.numpy() for name, value in schema.decode(batch).items()}
        for batch in kept.batch(512)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def is_marked(mark, record):
    """Return the mark of a marked record."""
    return mark


def record_only(mark, record):
    """Return a marked record without its mark."""
    return record
