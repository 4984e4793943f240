"""Who is bonded to whom in a ruthenium oxide, and how many fragments that leaves."""

import numpy as np
from ase.data import covalent_radii
from ase.geometry.dimensionality.rank_determination import RDA
from ase.neighborlist import neighbor_list
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

RU, O = 44, 8  # noqa: E741 - the symbol of oxygen
SPECIES = ("Ru", "O")

# Longest distances that count as a bond, Å. Rutile RuO2 has Ru-O at 1.94 to 1.98 and its next
# shell beyond 3.4; Ru-Ru is 2.65 to 2.71 in the metal and 3.11 along the oxide's chains; O-O is
# 1.21 in O2, 1.3 to 1.5 in superoxo and peroxo groups and 2.47 along a shared octahedron edge.
RU_O_BOND = 2.5
RU_RU_BOND = 2.9
O_O_BOND = 1.8


def bond_lengths():
    """Return the cutoffs as ASE's `neighbor_list` takes them, Å by pair of symbols."""
    return {("Ru", "O"): RU_O_BOND, ("Ru", "Ru"): RU_RU_BOND, ("O", "O"): O_O_BOND}


def coordination(atoms, symbol, neighbour, cutoff):
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


def fragments(atoms):
    """Return the number of the connected fragment of each atom, shape `(n,)`.

    Two atoms are connected by a bond of `bond_lengths`, across periodic boundaries too.
    """
    first, second = neighbor_list("ij", atoms, bond_lengths())
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=(len(atoms),) * 2)
    return connected_components(graph, directed=False)[1]


def bonded_parts(atoms):
    """Return the bonded fragments of a structure with how far each extends.

    Returns:
        List of `(indices, dimensions)`, the largest first: `dimensions` is the number of
        directions in which a fragment is endless, 0 for a molecule, 2 for a layer.
    """
    search = RDA(len(atoms))
    columns = neighbor_list("ijS", atoms, bond_lengths())
    for first, second, shift in zip(*(column.tolist() for column in columns), strict=True):
        if first <= second:
            search.insert_bond(first, second, tuple(shift))
    search.check()
    components, dimensions = search.get_components()
    found = np.array([dimensions[component] for component in components])
    labels = fragments(atoms)  # ASE's components may be one fragment, cut at the boundaries
    parts = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return sorted(((part, int(found[part].max())) for part in parts), key=lambda row: -len(row[0]))


def closer_than(atoms, share):
    """Say whether two atoms are closer than a share of the sum of their covalent radii."""
    first, second, distance = neighbor_list("ijd", atoms, 2 * share * covalent_radii[RU])
    radii = covalent_radii[atoms.numbers]
    return bool((distance < share * (radii[first] + radii[second])).any())
