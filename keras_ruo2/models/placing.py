"""The part of a generator that places atoms, for those who need no grids."""

from __future__ import annotations

from collections.abc import Iterable

import keras

PLACED = ("places", "weights")


def placing(generator: keras.Model, names: Iterable[str] = PLACED) -> keras.Model:
    """Return a generator without the layers that draw grids.

    Args:
        generator: What `build_generator` returned for an architecture that places atoms.
        names: Of the outputs that are wanted.

    Returns:
        Keras model of the same inputs; its outputs are a dict of `names`.
    """
    return keras.Model(generator.inputs, {name: generator.output[name] for name in names})
