"""Redundant internal coordinates under periodic boundary conditions, and their Wilson B matrix.

Bonds in Å; bends and torsions in radians. An internal coordinate is a row of atoms, each with the
periodic image it belongs to, so that cells may be as small as one bond.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import (
    get_angles,
    get_angles_derivatives,
    get_dihedrals_derivatives,
    get_distances_derivatives,
)
from ase.neighborlist import neighbor_list
from scipy.linalg import eigh
from scipy.sparse import coo_matrix, csr_matrix

BOND_STRETCH = 1.2  # a bond is shorter than this times the sum of the covalent radii
LINEAR = np.radians(170)  # bends beyond it, and torsions about them, are singular at 180 degrees
NEGLIGIBLE = 1e-4  # of the largest singular value: below it a mode changes no internal coordinate


class Table(NamedTuple):
    """Internal coordinates of one kind.

    Args:
        atoms: Atoms of each coordinate, shape `(n, m)`: bonds m = 2, bends m = 3 with the vertex in
            the middle, torsions m = 4.
        images: The cell each of them lies in, integers, shape `(n, m, 3)`.
    """

    atoms: np.ndarray
    images: np.ndarray


class Internals(NamedTuple):
    """Bonds, bends and torsions, a `Table` each."""

    bonds: Table
    bends: Table
    torsions: Table

    def __len__(self) -> int:
        return sum(len(table.atoms) for table in self)


def find_internals(atoms: Atoms, chosen: np.ndarray) -> Internals:
    """Find every bond, bend and torsion that moves when one of the `chosen` atoms moves.

    Atoms are bonded within `BOND_STRETCH` times the sum of their covalent radii. Bends beyond
    `LINEAR` and torsions about such bends are left out, as their derivatives are singular there;
    the others of an octahedron determine it nevertheless.

    Args:
        atoms: `ase.Atoms` with n atoms.
        chosen: Booleans, shape `(n,)`.

    Returns:
        `Internals`.
    """
    bonds = find_bonds(atoms)
    tables = [
        Table(members[moving], images[moving])
        for members, images in (bond_rows(bonds), bend_rows(bonds), torsion_rows(bonds))
        for moving in [np.asarray(chosen, dtype=bool)[members].any(axis=1)]
    ]
    return without_linear(Internals(*tables), atoms)


class Bonds(NamedTuple):
    """Every bond, once from each of its ends: those of atom 0 first, then those of atom 1 ...

    Args:
        first: Atom at this end, shape `(n,)`.
        second: Atom at the other end, shape `(n,)`.
        image: Cell that the other end lies in, integers, shape `(n, 3)`.
        begins: Where the bonds of an atom begin, shape `(atoms,)`.
        counts: How many bonds an atom has, shape `(atoms,)`.
    """

    first: np.ndarray
    second: np.ndarray
    image: np.ndarray
    begins: np.ndarray
    counts: np.ndarray

    @property
    def forward(self) -> np.ndarray:
        """Numbers of the bonds, one of the two ends of each."""
        signs = self.image[np.arange(len(self.image)), (self.image != 0).argmax(axis=1)]
        upwards = signs > 0  # the first of the three that is not 0
        return np.flatnonzero((self.first < self.second) | ((self.first == self.second) & upwards))


def find_bonds(atoms: Atoms) -> Bonds:
    """Return the `Bonds` of atoms within `BOND_STRETCH` times the sum of their covalent radii."""
    radii = BOND_STRETCH * covalent_radii[atoms.numbers]
    first, second, image = neighbor_list("ijS", atoms, radii)
    order = np.argsort(first, kind="stable")
    counts = np.bincount(first, minlength=len(atoms))
    return Bonds(first[order], second[order], image[order], np.cumsum(counts) - counts, counts)


def run_members(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for runs of these lengths, the run and the place in it of each member."""
    which = np.repeat(np.arange(len(lengths)), lengths)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def bond_rows(bonds: Bonds) -> tuple[np.ndarray, np.ndarray]:
    """Return atoms `(n, 2)` and images `(n, 2, 3)` of every bond."""
    k = bonds.forward
    members = np.stack([bonds.first[k], bonds.second[k]], axis=1)
    return members, np.stack([np.zeros_like(bonds.image[k]), bonds.image[k]], axis=1)


def bend_rows(bonds: Bonds) -> tuple[np.ndarray, np.ndarray]:
    """Return atoms `(n, 3)` and images `(n, 3, 3)` of every pair of bonds at an atom."""
    _, number = run_members(bonds.counts)
    p, place = run_members(number)  # each bond with those of its atom before it
    q = bonds.begins[bonds.first[p]] + place
    members = np.stack([bonds.second[p], bonds.first[p], bonds.second[q]], axis=1)
    images = [bonds.image[p], np.zeros_like(bonds.image[p]), bonds.image[q]]
    return members, np.stack(images, axis=1)


def torsion_rows(bonds: Bonds) -> tuple[np.ndarray, np.ndarray]:
    """Return atoms `(n, 4)` and images `(n, 4, 3)` of every row of three bonds."""
    first, second, image, begins, counts = bonds
    middle = bonds.forward
    at_end = counts[second[middle]]
    number, place = run_members(counts[first[middle]] * at_end)
    k = middle[number]
    p = begins[first[k]] + place // at_end[number]
    q = begins[second[k]] + place % at_end[number]
    end = image[k] + image[q]
    begins_at_j = (second[p] == second[k]) & (image[p] == image[k]).all(axis=1)
    ends_at_i = (second[q] == first[k]) & (end == 0).all(axis=1)
    closed = (second[p] == second[q]) & (image[p] == end).all(axis=1)
    kept = ~(begins_at_j | ends_at_i | closed)
    members = np.stack([second[p], first[k], second[k], second[q]], axis=1)
    images = np.stack([image[p], np.zeros_like(image[k]), image[k], end], axis=1)
    return members[kept], images[kept]


def without_linear(internals: Internals, atoms: Atoms) -> Internals:
    """Drop bends beyond `LINEAR` or below its supplement, and torsions about such bends."""

    def bent(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        angles = np.radians(get_angles(first, second)) if len(first) else np.empty(0)
        return (angles < LINEAR) & (angles > np.pi - LINEAR)

    bonds, bends, torsions = internals
    first, second = bond_vectors(bends, atoms)
    bends = Table(*(part[bent(-first, second)] for part in bends))
    first, second, third = bond_vectors(torsions, atoms)
    usable = bent(-first, second) & bent(-second, third)
    return Internals(bonds, bends, Table(*(part[usable] for part in torsions)))


def bond_vectors(table: Table, atoms: Atoms) -> list[np.ndarray]:
    """Return the vectors from each atom of a row to the next, a list of arrays `(n, 3)`, Å."""
    places = atoms.positions[table.atoms] + table.images @ atoms.cell.array
    return list(np.diff(places, axis=1).swapaxes(0, 1))


def wilson_b(internals: Internals, atoms: Atoms) -> csr_matrix:
    """Return Wilson's B matrix, the derivatives of the internals by Cartesian coordinates.

    Args:
        internals: `Internals` with n coordinates.
        atoms: `ase.Atoms` with m atoms.

    Returns:
        Sparse matrix of shape `(n, 3 m)`; column 3 k + 0, 1, 2 is x, y, z of atom k. Å or radians
        per Å.

    Source:
        E. B. Wilson, J. C. Decius, P. C. Cross, "Molecular Vibrations" (1955), chapter 4.
    """
    bonds, bends, torsions = (bond_vectors(table, atoms) for table in internals)
    parts = [get_distances_derivatives(bonds[0])] if len(bonds[0]) else []
    if len(bends[0]):
        parts.append(np.radians(get_angles_derivatives(-bends[0], bends[1])))
    if len(torsions[0]):
        parts.append(np.radians(get_dihedrals_derivatives(*torsions)))
    derivatives = [part.ravel() for part in parts]
    rows, columns, row = [], [], 0
    for table in internals:
        num_rows, size = table.atoms.shape
        rows.append(np.repeat(np.arange(row, row + num_rows), 3 * size))
        columns.append((3 * table.atoms[:, :, None] + np.arange(3)).ravel())
        row += num_rows
    shape = (len(internals), 3 * len(atoms))
    indices = (np.concatenate(rows), np.concatenate(columns))
    return coo_matrix((np.concatenate([np.empty(0), *derivatives]), indices), shape=shape).tocsr()


def delocalised_modes(atoms: Atoms, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the delocalised internal coordinates of the `chosen` atoms as Cartesian directions.

    They are the right singular vectors of B, restricted to the columns of the chosen atoms: moving
    by a small t along mode v changes the internals by t B v, of norm t s with its singular value
    s. Found from B^T B, which is small and dense where B is long and sparse.

    Args:
        atoms: `ase.Atoms` with n atoms.
        chosen: Booleans, shape `(n,)`; the atoms that may move.

    Returns:
        `(modes, singular)`: orthonormal directions of shape `(k, n, 3)`, zero for other atoms, and
        their singular values `(k,)`, largest first. Motions that change no internal are left out.

    Source:
        C. Panosetti, K. Krautgasser, D. Palagin, K. Reuter, R. J. Maurer, Nano Lett. 15, 8044
        (2015).
    """
    chosen = np.asarray(chosen, dtype=bool)
    columns = np.flatnonzero(np.repeat(chosen, 3))
    b = wilson_b(find_internals(atoms, chosen), atoms)[:, columns]
    squares, vectors = eigh((b.T @ b).toarray())
    singular = np.sqrt(np.maximum(squares, 0))[::-1]
    kept = singular > NEGLIGIBLE * singular.max(initial=0)
    modes = np.zeros((kept.sum(), 3 * len(atoms)))
    modes[:, columns] = vectors[:, ::-1].T[kept]
    return modes.reshape(-1, len(atoms), 3), singular[kept]
