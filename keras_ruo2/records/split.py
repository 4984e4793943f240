"""Which structures are held out: never one slice of a structure alone, whole chains of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.data.description import FEWEST_HELD_OUT, HELD_OUT, TRAINING
from keras_ruo2.io import messages


def split_structures(
    families: Sequence[str], holdout: float, seed: int
) -> dict[str, NDArray[np.intp]]:
    """Split structures, never slices, into training and held-out; both in random order.

    Snapshots of a search resemble those of the same chain: of these whole chains are held out,
    unless they are too few for that.

    Args:
        families: Whom each structure belongs to, see `Survey`.
        holdout: Share to hold out, of single structures and of those with a family.
        seed: Of the order.

    Returns:
        Dict of index arrays, keyed `TRAINING` and `HELD_OUT`.
    """
    order, sizes = np.random.default_rng(seed).permutation(len(families)), Counter(families)
    held = chosen_chains(families, holdout, seed)
    is_held = np.array([family in held for family in families], dtype=bool)
    for groups in (False, True):
        members = [index for index in order if (sizes[families[index]] > 1) == groups]
        if not (groups and held):
            is_held[members[: round(holdout * len(members))]] = True
    return {TRAINING: order[~is_held[order]], HELD_OUT: order[is_held[order]]}


def chosen_chains(families: Sequence[str], holdout: float, seed: int) -> set[str]:
    """Return which families of several structures are held out, an empty set if too few would be.

    They hold half of the wanted share at least, half as much again at most.
    """
    sizes = {family: size for family, size in Counter(families).items() if size > 1}
    wanted = holdout * sum(sizes.values())
    held: set[str] = set()
    count = 0
    for family in np.random.default_rng([seed, 1]).permutation(sorted(sizes)).tolist():
        if count < wanted and count + sizes[family] <= 1.5 * wanted:
            held.add(family)
            count += sizes[family]
    return held if count >= wanted / 2 else set()


def warn_of_few_chains(families: Sequence[str], config: RecordsConfig) -> None:
    """Say so where held-out structures will resemble those of training."""
    num = sum(size > 1 for size in Counter(families).values())
    if num and config.holdout and not chosen_chains(families, config.holdout, config.seed):
        messages.warning(
            f"Warning: of {num} chains none is held out whole at --holdout={config.holdout}, but "
            "single snapshots, much like those of training: scores on them flatter.",
        )


def count_families(families: Sequence[str], splits: Mapping[str, NDArray[np.intp]]) -> int:
    """Return how many independent structures are held out, a chain of a search counted once."""
    return len({families[index] for index in splits[HELD_OUT]})


def warn_of_few_held_out(number: int, config: RecordsConfig) -> None:
    """Say so where held-out structures are no yardstick."""
    if config.holdout and number < FEWEST_HELD_OUT:
        messages.warning(
            f"Warning: {number} structures (or chains of a search) are held out, which are no "
            "yardstick: distances to them are those to single slabs, and no ratio to them will be "
            f"reported. Hold out {FEWEST_HELD_OUT} or more (--holdout up to 0.5), or give more "
            "structures.",
        )
