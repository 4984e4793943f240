"""From records to batches of NumPy arrays, alike on every backend."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from keras_ruo2.data.description import Description
from keras_ruo2.data.order import Order, deal_to_replicas
from keras_ruo2.data.reader import Records
from keras_ruo2.data.schema import FIELDS
from keras_ruo2.io.paths import RemoteFolder


def batch_at(
    records: Records,
    order: Order,
    step: int,
    *,
    critic_steps: int = 1,
    replicas: int = 1,
    names: Iterable[str] = tuple(FIELDS),
) -> dict[str, np.ndarray]:
    """Return the batch of a step.

    Args:
        records: `Records` of the training split.
        order: `Order` over them.
        step: Number of the step.
        critic_steps: Critic updates that share the batch.
        replicas: Devices that share the batch.
        names: Fields that are wanted.

    Returns:
        Dict of arrays keyed by `names`, as `Schema.decode` gives them, `order.samples(step)` of
        each, arranged for `critic_steps` and `replicas`.
    """
    return records.read(deal_to_replicas(order.indices(step), critic_steps, replicas), names)


def read_sample(
    folder: str | Path | RemoteFolder,
    description: Description,
    split: str,
    count: int,
    *,
    seed: int,
) -> dict[str, np.ndarray]:
    """Read records of a split at random, into memory.

    Args:
        folder: Folder with shards.
        description: Its `Description`.
        split: `TRAINING` or `HELD_OUT`.
        count: Records wanted; fewer come if the split holds fewer.
        seed: Seed of the choice.

    Returns:
        Dict of arrays keyed by field name, at most `count` of each, in the order of the files.
    """
    records = Records(folder, description, split)
    return records.read(np.sort(np.random.default_rng(seed).permutation(len(records))[:count]))
