"""Batches as a `tf.data.Dataset`; the only module of this room that needs TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import tensorflow as tf


def as_dataset(
    make_batches: Callable[[], Iterable[Mapping[str, np.ndarray]]],
    names: Iterable[str] | None = None,
    *,
    specs: Mapping[str, tf.TensorSpec] | None = None,
    prefetch: int = 2,
) -> tf.data.Dataset:
    """Wrap batches of arrays into a `tf.data.Dataset` that reads ahead.

    Args:
        make_batches: Function without arguments that returns a fresh iterator of batches, dicts
            of arrays.
        names: Fields to pass on, numbers only; `None` for all numbers.
        specs: Dict of `tf.TensorSpec` for `names`; without it the first batch is made once more
            to look at it.
        prefetch: Batches to make in advance.

    Returns:
        `tf.data.Dataset` of dicts of tensors; every axis but the first has a static size.

    Raises:
        ValueError: If a field of `names` is not in the batches or holds no numbers.
    """
    if specs is None:
        specs = specs_of(next(iter(make_batches())), names)

    def chosen() -> Iterator[dict[str, np.ndarray]]:
        for batch in make_batches():
            yield {name: batch[name] for name in specs}

    return tf.data.Dataset.from_generator(chosen, output_signature=specs).prefetch(prefetch)


def specs_of(
    batch: Mapping[str, np.ndarray], names: Iterable[str] | None = None
) -> dict[str, tf.TensorSpec]:
    """Return the `tf.TensorSpec` of each chosen field of a batch, its first axis open."""
    numbers = {name: value for name, value in batch.items() if value.dtype.kind in "biuf"}
    names = tuple(numbers) if names is None else names
    for name in names:
        if name not in numbers:
            raise ValueError(
                f"{name!r} is no numeric field, expected some of: {', '.join(numbers)}"
            )
    return {
        name: tf.TensorSpec((None, *numbers[name].shape[1:]), numbers[name].dtype) for name in names
    }
