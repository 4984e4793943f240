"""Which slabs are the same one again, and which are like none that is known."""

from math import inf
from typing import NamedTuple

import numpy as np

from keras_ruo2.screening.matching import same_slab
from keras_ruo2.screening.soap import worst_matches


class Match(NamedTuple):
    """What came out of comparing a slab with others.

    Args:
        index: Of the slab that it equals, else of the one with the highest kernel.
        same: Whether it equals that one.
        kernel: Of the two.
        displacement: Largest distance between their atoms, Å; infinite where it was not found.
    """

    index: int
    same: bool
    kernel: float
    displacement: float


def find_match(fingerprint, others):
    """Look for a slab among others, those with the highest kernel first.

    Args:
        fingerprint: `matching.Fingerprint`.
        others: List of `Fingerprint`, at least one.

    Returns:
        `Match`.
    """
    kernels = worst_matches(fingerprint.environments, [other.environments for other in others])
    order = np.argsort(-kernels, kind="stable").tolist()
    nearest = None
    for index in order:
        kernel = float(kernels[index])
        same, apart = same_slab(fingerprint, others[index], kernel)
        if same:
            return Match(index, True, kernel, apart)
        nearest = nearest or Match(index, False, kernel, apart)
    return nearest


def first_of_kinds(fingerprints, energies):
    """Find for each slab the first of those that it equals, the one of the lowest energy.

    Args:
        fingerprints: List of n `Fingerprint`.
        energies: Per atom, eV, shape `(n,)`; NaN where there is none, these come last.

    Returns:
        List of n indices, the slab's own one where it is the first of its group.
    """
    order = np.argsort(np.nan_to_num(np.asarray(energies, float), nan=inf), kind="stable").tolist()
    first, leaders = [0] * len(fingerprints), []
    for index in order:
        first[index] = index
        if leaders:
            match = find_match(fingerprints[index], [fingerprints[k] for k in leaders])
            if match.same:
                first[index] = leaders[match.index]
        if first[index] == index:
            leaders.append(index)
    return first
