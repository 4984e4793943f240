"""Who is bonded to whom in an oxide, and how many fragments that leaves.

Structures tell themselves what their metal and their anion are (`pair_of`); which elements are
welcome is checked where they are read (`voxels.check_species`).
"""

from collections import Counter
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii
from ase.geometry.dimensionality.rank_determination import RDA
from ase.neighborlist import neighbor_list
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from keras_ruo2.species import ANIONS, SPECIES, Pair, anion_rank

RU, O = 44, 8  # noqa: E741 - the symbol of oxygen

# Longest distances that count as a bond, Å. Rutile RuO2 has Ru-O at 1.94 to 1.98 and its next
# shell beyond 3.4; Ru-Ru is 2.65 to 2.71 in the metal and 3.11 along the oxide's chains; O-O is
# 1.21 in O2, 1.3 to 1.5 in superoxo and peroxo groups and 2.47 along a shared octahedron edge.
RU_O_BOND = 2.5
RU_RU_BOND = 2.9
O_O_BOND = 1.8


def scaled_cutoff(cutoff: float, pair: Pair, known: Pair = SPECIES) -> float:
    """Return the `cutoff` of the `known` pair of elements, scaled by covalent radii to `pair`, Å.

    Of the known pair itself it is exactly the cutoff.
    """
    sums = [sum(covalent_radii[atomic_numbers[symbol]] for symbol in two) for two in (pair, known)]
    return float(cutoff * (sums[0] / sums[1]))


def pair_of(atoms: Atoms) -> Pair:
    """Return the symbols of the metal and of the anion in a structure.

    Ru and O are it wherever they are there. Else the anion is the most electronegative element of
    `ANIONS`, and the metal the most frequent of the others. What is missing is Ru or O.
    """
    counts = Counter(atoms.get_chemical_symbols())
    anions = sorted((symbol for symbol in counts if symbol in ANIONS), key=anion_rank)
    anion = SPECIES[1] if SPECIES[1] in counts or not anions else anions[0]
    others = [
        (symbol == SPECIES[0], symbol not in ANIONS, count, symbol)
        for symbol, count in counts.items()
        if symbol != anion
    ]
    return max(others, default=[SPECIES[0]])[-1], anion


def is_metal(atoms: Atoms) -> np.ndarray:
    """Say of each atom whether it is of the structure's metal, shape `(n,)`."""
    return atoms.numbers == atomic_numbers[pair_of(atoms)[0]]


def is_anion(atoms: Atoms) -> np.ndarray:
    """Say of each atom whether it is of the structure's anion, shape `(n,)`."""
    return atoms.numbers == atomic_numbers[pair_of(atoms)[1]]


def bond_lengths(atoms: Atoms | None = None) -> dict[Pair, float]:
    """Return the cutoffs as ASE's `neighbor_list` takes them, Å by pair of symbols.

    Without atoms they are those of Ru and O; of other pairs they are scaled by covalent radii.
    """
    metal, anion = SPECIES if atoms is None else pair_of(atoms)
    (ru, o), lengths = SPECIES, {}
    for pair, known, cutoff in (
        ((metal, anion), (ru, o), RU_O_BOND),
        ((metal, metal), (ru, ru), RU_RU_BOND),
        ((anion, anion), (o, o), O_O_BOND),
    ):
        lengths[pair] = scaled_cutoff(cutoff, pair, known)
    return lengths


def unlike_bonds(quantities: str, atoms: Atoms) -> Any:
    """Return what ASE's `neighbor_list` does, of the bonds of a metal and an anion only."""
    pair = pair_of(atoms)
    return neighbor_list(quantities, atoms, {pair: bond_lengths(atoms)[pair]})


def anion_bonds(quantities: str, atoms: Atoms) -> Any:
    """Return what ASE's `neighbor_list` does, of the bonds between anions only."""
    anion = pair_of(atoms)[1]
    return neighbor_list(quantities, atoms, {(anion, anion): bond_lengths(atoms)[anion, anion]})


def unlike_neighbours(atoms: Atoms) -> np.ndarray:
    """Count the anions bonded to each metal atom and the metals bonded to each anion, `(n,)`."""
    return np.bincount(unlike_bonds("i", atoms), minlength=len(atoms))


def anion_neighbours(atoms: Atoms) -> np.ndarray:
    """Count the anions bonded to each anion, shape `(n,)`, 0 for other atoms."""
    return np.bincount(anion_bonds("i", atoms), minlength=len(atoms))


def coordination(atoms: Atoms, symbol: str, neighbour: str, cutoff: float) -> np.ndarray:
    """Count the `neighbour` atoms within `cutoff` of each atom.

    Args:
        atoms: `ase.Atoms` with n atoms.
        symbol: Chemical symbol of the atoms that are counted for.
        neighbour: Chemical symbol of the atoms that are counted.
        cutoff: Longest distance that counts, Å.

    Returns:
        Integer array of shape `(n,)`, 0 for atoms that are not `symbol`.
    """
    first = neighbor_list("i", atoms, {(symbol, neighbour): cutoff})
    counts = np.bincount(first, minlength=len(atoms))
    return np.where(np.array(atoms.get_chemical_symbols()) == symbol, counts, 0)


def fragments(atoms: Atoms) -> np.ndarray:
    """Return the number of the connected fragment of each atom, shape `(n,)`.

    Two atoms are connected by a bond of `bond_lengths`, across periodic boundaries too.
    """
    first, second = neighbor_list("ij", atoms, bond_lengths(atoms))
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(len(atoms),) * 2)
    return connected_components(graph, directed=False)[1]


def bonded_parts(atoms: Atoms) -> list[tuple[np.ndarray, int]]:
    """Return the bonded fragments of a structure with how far each extends.

    Returns:
        List of `(indices, dimensions)`, the largest first: `dimensions` is the number of
        directions in which a fragment is endless, 0 for a molecule, 2 for a layer.
    """
    search = RDA(len(atoms))
    columns = neighbor_list("ijS", atoms, bond_lengths(atoms))
    for first, second, shift in zip(*(column.tolist() for column in columns), strict=True):
        if first <= second:
            search.insert_bond(first, second, tuple(shift))
    search.check()
    components, dimensions = search.get_components()
    sizes = np.array([dimensions[component] for component in components])
    labels = fragments(atoms)  # ASE's components may be one fragment, cut at the boundaries
    parts = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return sorted(((part, int(sizes[part].max())) for part in parts), key=lambda row: -len(row[0]))


def closer_than(atoms: Atoms, share: float) -> bool:
    """Say whether two atoms are closer than a share of the sum of their covalent radii."""
    radii = covalent_radii[atoms.numbers]
    first, second, distance = neighbor_list("ijd", atoms, 2 * share * radii.max(initial=0.1))
    return bool((distance < share * (radii[first] + radii[second])).any())
