"""Tell a broken slab from a whole one, by three physical criteria."""

import numpy as np
from ase import Atoms

from keras_ruo2.structure.bonds import (
    anion_neighbours,
    fragments,
    is_anion,
    is_metal,
    unlike_neighbours,
)


def peroxo_groups(atoms: Atoms) -> np.ndarray:
    """Return the indices of O atoms that are bonded to another O (peroxo, superoxo, O2)."""
    return np.flatnonzero(anion_neighbours(atoms))


def molecular_oxygen(atoms: Atoms) -> np.ndarray:
    """Return the indices of O atoms that are bonded to another O and, together, to no Ru."""
    labels = fragments(atoms)
    with_ruthenium = np.isin(labels, labels[is_metal(atoms)])
    return np.array([i for i in peroxo_groups(atoms) if not with_ruthenium[i]], dtype=int)


def floating_oxygen(atoms: Atoms) -> np.ndarray:
    """Return the indices of single O atoms without a bond to any atom."""
    bonds = unlike_neighbours(atoms) + anion_neighbours(atoms)
    return np.flatnonzero(is_anion(atoms) & (bonds == 0))


def disconnected_layers(atoms: Atoms) -> np.ndarray:
    """Return the indices of Ru atoms that are outside the largest bonded fragment with Ru."""
    ruthenium = np.flatnonzero(is_metal(atoms))
    labels = fragments(atoms)[ruthenium]
    if not len(labels):
        return ruthenium
    return ruthenium[labels != np.argmax(np.bincount(labels))]


CRITERIA = {
    "peroxo_groups": peroxo_groups,
    "floating_oxygen": floating_oxygen,
    "disconnected_layers": disconnected_layers,
}


def broken(atoms: Atoms) -> tuple[str, ...]:
    """Name what is broken about a slab.

    The criteria are those by which the source sorted its structures by eye (section 3.1.1):
    peroxo groups at the surface, single O atoms floating in the vacuum, disconnected layers.

    Args:
        atoms: `ase.Atoms` of Ru and O, or of another metal and its anion, a slab.

    Returns:
        Tuple of the names in `CRITERIA` that find an atom; empty for a whole slab.
    """
    return tuple(name for name, find in CRITERIA.items() if len(find(atoms)))
