"""What can be wrong with a slab: a function for each reason of `validity.REASONS`.

Each returns whether it is so, or the indices of the atoms concerned. What is wrong with numbers,
whatever they are of, is found in `damage`, what is taken for something else in `plausible`. Names
say Ru and O; meant are the metal and the anion that a structure has.
"""

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from keras_ruo2.species import SPECIES
from keras_ruo2.structure.bonds import (
    anion_neighbours,
    bonded_parts,
    closer_than,
    fragments,
    is_anion,
    is_metal,
    unlike_neighbours,
)
from keras_ruo2.structure.bounds import bound, bound_range
from keras_ruo2.structure.cells import SLAB_GAP
from keras_ruo2.structure.damage import fault_of_vectors
from keras_ruo2.structure.faces import heights

CLOSEST, FALSE_WELL = bound("merged"), bound("false_well")
RU_NEIGHBOURS = bound_range("ru_neighbours")
O_NEIGHBOURS = bound_range("o_neighbours")[1]
OXYGEN_PER_RUTHENIUM = bound_range("oxygen_per_ruthenium")
LARGEST_EXCESS = bound("largest_excess")
SMALLEST_VOLUME = bound("cell_volume")


def no_atoms(atoms: Atoms) -> bool:
    """Say whether the frame is empty, as `backmap` writes it for a failure."""
    return len(atoms) == 0


def not_finite(atoms: Atoms) -> bool:
    """Say whether a position or the cell is NaN or infinite."""
    return not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all())


def no_cell(atoms: Atoms) -> bool:
    """Say whether the cell vectors do not span a volume."""
    return bool(abs(np.linalg.det(atoms.cell.array)) < SMALLEST_VOLUME)


def other_elements(atoms: Atoms, species: tuple[str, ...] = SPECIES) -> bool:
    """Say whether there are other elements than those of `species`."""
    return not set(atoms.get_chemical_symbols()) <= set(species)


def third_element(atoms: Atoms) -> bool:
    """Say whether there are more elements than a metal and an anion."""
    return len(set(atoms.numbers.tolist())) > 2


def no_structure(atoms: Atoms) -> bool:
    """Say whether a frame holds nothing that a calculator could take."""
    empty = not len(atoms) or not np.isfinite(atoms.positions).all()
    return empty or bool(fault_of_vectors(atoms))


def atoms_too_close(atoms: Atoms) -> bool:
    """Say whether two atoms are closer than the bound `merged`."""
    return closer_than(atoms, CLOSEST)


def in_a_false_well(atoms: Atoms) -> bool:
    """Say whether two atoms are so close that potentials cannot be trusted to part them."""
    return closer_than(atoms, FALSE_WELL)


def no_vacuum(atoms: Atoms) -> bool:
    """Say whether there is no gap of the bound `slab_gap` across the third cell vector."""
    return heights(atoms)[1] < SLAB_GAP


def no_layer(atoms: Atoms) -> bool:
    """Say whether no bonded fragment with Ru extends along both cell vectors of the surface."""
    return not any(rank >= 2 for rank in ranks(atoms))


def several_slabs(atoms: Atoms) -> bool:
    """Say whether more than one bonded fragment with Ru extends along both vectors."""
    return sum(rank >= 2 for rank in ranks(atoms)) > 1


def ranks(atoms: Atoms) -> list[int]:
    """Return in how many directions each fragment with Ru is endless: a slab 2, a cluster 0."""
    metal = is_metal(atoms)
    return [rank for part, rank in bonded_parts(atoms) if metal[part].any()]


def floating_molecules(atoms: Atoms) -> bool:
    """Say whether O atoms bonded to each other only, such as O2, are off the slab."""
    labels = fragments(atoms)
    with_ruthenium = set(labels[is_metal(atoms)].tolist())
    sizes = np.bincount(labels)
    return any(size > 1 and label not in with_ruthenium for label, size in enumerate(sizes))


def stoichiometry(atoms: Atoms) -> bool:
    """Say whether there is too much or too little O, by Ru atom or by area of the two faces."""
    num_ru, num_o = int(np.sum(is_metal(atoms))), int(np.sum(is_anion(atoms)))
    low, high = OXYGEN_PER_RUTHENIUM
    if not low * num_ru <= num_o <= high * num_ru or not num_ru:
        return True
    area = np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
    return bool(abs(num_o - 2 * num_ru) / (2 * area) > LARGEST_EXCESS)


def ru_coordination(atoms: Atoms) -> bool:
    """Say whether a Ru has fewer or more O neighbours than the bound `ru_neighbours`."""
    counts = unlike_neighbours(atoms)[is_metal(atoms)]
    return bool(((counts < RU_NEIGHBOURS[0]) | (counts > RU_NEIGHBOURS[1])).any())


def o_coordination(atoms: Atoms) -> bool:
    """Say whether an O has more Ru neighbours than the bound `o_neighbours`."""
    counts = unlike_neighbours(atoms)[is_anion(atoms)]
    return bool((counts > O_NEIGHBOURS).any())


def peroxo_groups(atoms: Atoms) -> NDArray[np.intp]:
    """Return the indices of O atoms that are bonded to another O (peroxo, superoxo, O2)."""
    return np.flatnonzero(anion_neighbours(atoms))


def molecular_oxygen(atoms: Atoms) -> NDArray[np.intp]:
    """Return the indices of O atoms that are bonded to another O and, together, to no Ru."""
    labels = fragments(atoms)
    with_ruthenium = np.isin(labels, labels[is_metal(atoms)])
    return np.array([i for i in peroxo_groups(atoms) if not with_ruthenium[i]], dtype=np.intp)


def floating_oxygen(atoms: Atoms) -> NDArray[np.intp]:
    """Return the indices of single O atoms without a bond to any atom."""
    bonds = unlike_neighbours(atoms) + anion_neighbours(atoms)
    return np.flatnonzero(is_anion(atoms) & (bonds == 0))


def disconnected_layers(atoms: Atoms) -> NDArray[np.intp]:
    """Return the indices of Ru atoms that are outside the largest bonded fragment with Ru."""
    ruthenium = np.flatnonzero(is_metal(atoms))
    labels = fragments(atoms)[ruthenium]
    if not len(labels):
        return ruthenium
    return ruthenium[labels != np.argmax(np.bincount(labels))]
