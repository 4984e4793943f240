"""Compare slabs by their atoms' surroundings: normalised SOAP vectors and a kernel that one
misplaced atom lowers, however many atoms a slab has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from keras_ruo2.species import Pair
from keras_ruo2.structure.bonds import is_anion, is_metal, pair_of
from keras_ruo2.structure.faces import standing

CUTOFF = 5.0  # Å; three shells of neighbours
WIDTH = 0.3  # Å, standard deviation of the Gaussian that stands for an atom
RADIAL, ANGULAR = 6, 4  # basis functions
VACUUM = 2 * CUTOFF + 2.0  # Å; no atom sees the slab's periodic image, whatever the vacuum was


if TYPE_CHECKING:
    from dscribe.descriptors import SOAP


class Environments(NamedTuple):
    """Unit SOAP vectors of a slab's atoms.

    Args:
        ruthenium: Of Ru, or another metal: shape `(its number, features)`, float32.
        oxygen: Of O, or another anion: shape `(its number, features)`, float32.
    """

    ruthenium: np.ndarray
    oxygen: np.ndarray


@cache
def descriptor(species: Pair) -> SOAP:
    """Return dscribe's SOAP of two elements, the same for rotated and mirrored surroundings."""
    from dscribe.descriptors import SOAP

    return SOAP(
        species=list(species),
        periodic=True,
        r_cut=CUTOFF,
        n_max=RADIAL,
        l_max=ANGULAR,
        sigma=WIDTH,
    )


def environments(atoms: Atoms, bulk: bool = False) -> Environments:
    """Return the `Environments` of a slab.

    Args:
        atoms: `ase.Atoms` of a metal and an anion, both there, a slab across its third cell vector.
        bulk: Whether it is a crystal without surfaces instead.
    """
    seen = atoms if bulk else standing(atoms, VACUUM)
    vectors = descriptor(pair_of(atoms)).create(seen).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Environments(vectors[is_metal(atoms)], vectors[is_anion(atoms)])


def worst_match(first: Environments, second: Environments) -> float:
    """Return the kernel of two slabs: how well the atom fits that fits worst.

    Every atom of either slab looks for the most similar atom of its species in the other; the
    least similar of these pairs counts. So the kernel does not depend on places, orders or numbers
    of atoms (supercells, thicker slabs of the same faces), and one O more among a hundred atoms
    shows as in a small slab, where averages over atoms would bury it.

    Args:
        first: `Environments`.
        second: `Environments`.

    Returns:
        In [0, 1] but for rounding, 1 for equal surroundings.
    """
    return min(
        min(similar.max(axis=0).min(), similar.max(axis=1).min())
        for similar in (one @ other.T for one, other in zip(first, second, strict=True))
    )


def worst_matches(first: Environments, others: Sequence[Environments]) -> NDArray[np.float32]:
    """Return `worst_match` of a slab to each of several, shape `(len(others),)`, float32."""
    worst = np.ones(len(others), np.float32)
    for one, many in zip(first, zip(*others, strict=True), strict=True):
        starts = np.cumsum([0, *(len(vectors) for vectors in many[:-1])])
        similar = one @ np.concatenate(many).T
        forth = np.maximum.reduceat(similar, starts, axis=1).min(axis=0)
        back = np.minimum.reduceat(similar.max(axis=0), starts)
        worst = np.minimum(worst, np.minimum(forth, back))
    return worst
