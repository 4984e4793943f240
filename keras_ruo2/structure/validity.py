"""Is this a RuO2 slab at all? Every reason against it has a name.

The bounds (`bounds.BOUNDS`) were set on the bundled slabs without flaw and on published DFT slabs,
see `experiments/006_screening`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from ase import Atoms

from keras_ruo2.species import SPECIES, Pair
from keras_ruo2.structure import filters
from keras_ruo2.structure.bonds import (
    bonded_parts,
    closer_than,
    fragments,
    is_anion,
    is_metal,
    unlike_neighbours,
)
from keras_ruo2.structure.bounds import bound, bound_range
from keras_ruo2.structure.cells import SLAB_GAP
from keras_ruo2.structure.damage import fault_of_energy, fault_of_size
from keras_ruo2.structure.faces import heights
from keras_ruo2.structure.plausible import is_crowded, partial_occupancies

CLOSEST = bound("merged")
RU_NEIGHBOURS = bound_range("ru_neighbours")
O_NEIGHBOURS = bound_range("o_neighbours")[1]
OXYGEN_PER_RUTHENIUM = bound_range("oxygen_per_ruthenium")
LARGEST_EXCESS = bound("largest_excess")
SMALLEST_VOLUME = 1.0  # Å^3 of a cell


def no_atoms(atoms: Atoms) -> bool:
    """Say whether the frame is empty, as `backmap` writes it for a failure."""
    return len(atoms) == 0


def not_finite(atoms: Atoms) -> bool:
    """Say whether a position or the cell is NaN or infinite."""
    return not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all())


def no_cell(atoms: Atoms) -> bool:
    """Say whether the cell vectors do not span a volume."""
    return bool(abs(np.linalg.det(atoms.cell.array)) < SMALLEST_VOLUME)


def other_elements(atoms: Atoms, species: Pair = SPECIES) -> bool:
    """Say whether there are other elements than those of `species`."""
    return not set(atoms.get_chemical_symbols()) <= set(species)


def damaged(atoms: Atoms) -> bool:
    """Say whether a length, a position or the energy is of a size that no slab has."""
    return bool(fault_of_size(atoms) or fault_of_energy(atoms))


def partly_occupied(atoms: Atoms) -> bool:
    """Say whether sites are occupied in part only, as CIF files of averages have them."""
    return bool(partial_occupancies(atoms))


def atoms_too_close(atoms: Atoms) -> bool:
    """Say whether two atoms are closer than the bound `merged`."""
    return closer_than(atoms, CLOSEST)


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


def finds_atoms(find: Callable[[Atoms], np.ndarray]) -> Callable[[Atoms], bool]:
    """Return whether one of the filters finds an atom, as a function of a structure."""
    return lambda atoms: len(find(atoms)) > 0


# What makes a frame unreadable hides every other reason; then each reason by itself.
UNREADABLE: Mapping[str, Callable[..., bool]] = MappingProxyType(
    {
        "no_atoms": no_atoms,
        "not_finite": not_finite,
        "wrong_units": is_crowded,
        "no_cell": no_cell,
        "other_elements": other_elements,
        "damaged": damaged,
        "partial_occupancies": partly_occupied,
    }
)
REASONS: Mapping[str, Callable[[Atoms], bool]] = MappingProxyType(
    {
        "atoms_too_close": atoms_too_close,
        "stoichiometry": stoichiometry,
        "no_vacuum": no_vacuum,
        "no_layer": no_layer,
        "several_slabs": several_slabs,
        **{name: finds_atoms(find) for name, find in filters.CRITERIA.items()},
        "floating_molecules": floating_molecules,
        "ru_coordination": ru_coordination,
        "o_coordination": o_coordination,
    }
)


def unreadable(atoms: Atoms, species: Pair = SPECIES) -> str:
    """Return the first of `UNREADABLE` that applies, or an empty text."""
    for name, applies in UNREADABLE.items():
        if applies(atoms, species) if applies is other_elements else applies(atoms):
            return name
    return ""


def reasons_against(atoms: Atoms, species: Pair = SPECIES) -> tuple[str, ...]:
    """Name everything that keeps a structure from being one whole slab of a rutile crystal.

    Args:
        atoms: `ase.Atoms`; taken as periodic, its vacuum across the third cell vector.
        species: Metal and anion of the crystal.

    Returns:
        Tuple of names: the first that applies of `UNREADABLE`, or all that apply of `REASONS`;
        empty for a valid slab.
    """
    reason = unreadable(atoms, species)
    if reason:
        return (reason,)
    periodic = atoms.copy()
    periodic.pbc = True
    periodic.wrap()
    return tuple(name for name, applies in REASONS.items() if applies(periodic))
