"""Which slabs are the same one again, and which are like none that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from keras_ruo2.screening.matching import Fingerprint, same_slab
from keras_ruo2.screening.soap import worst_matches


@dataclass(frozen=True)
class Match:
    """What came out of comparing a slab with others.

    Args:
        index: Of the slab that it equals, else of the one with the highest kernel.
        same: Whether it equals that one.
        displacement: Largest distance between their atoms, Å; infinite where it was not found.
        kernel: Of the two.
    """

    index: int
    same: bool
    displacement: float
    kernel: float


def find_match(fingerprint: Fingerprint, others: Sequence[Fingerprint]) -> Match:
    """Look for a slab among others, those with the highest kernel first.

    Args:
        fingerprint: `matching.Fingerprint`.
        others: List of `Fingerprint`, at least one.

    Returns:
        `Match`.
    """
    kernels = worst_matches(fingerprint.environments, [other.environments for other in others])
    matches = []
    for index in np.argsort(-kernels, kind="stable").tolist():
        kernel = float(kernels[index])
        matches.append(Match(index, *same_slab(fingerprint, others[index], kernel), kernel))
        if matches[-1].same:
            return matches[-1]
    return matches[0]


def first_of_kinds(fingerprints: Sequence[Fingerprint], energies: ArrayLike) -> list[int]:
    """Find for each slab the first of those that it equals, the one of the lowest energy.

    Args:
        fingerprints: List of n `Fingerprint`.
        energies: Per atom, eV, shape `(n,)`; NaN where there is none, these come last.

    Returns:
        List of n indices, the slab's own one where it is the first of its group.
    """
    order = np.argsort(np.nan_to_num(np.asarray(energies, float), nan=inf), kind="stable").tolist()
    first = [0] * len(fingerprints)
    leaders: list[int] = []
    for index in order:
        first[index] = index
        if leaders:
            match = find_match(fingerprints[index], [fingerprints[k] for k in leaders])
            if match.same:
                first[index] = leaders[match.index]
        if first[index] == index:
            leaders.append(index)
    return first
