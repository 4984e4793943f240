"""Push apart atoms that are too close for any potential, as little as possible."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from scipy.optimize import nnls

from keras_ruo2.structure.bonds import is_metal

# Shortest distances in whole bundled slabs, of the sum of two covalent radii (2.34, 1.57, 2.03 Å),
# by the number of metal atoms in a pair.
REAL = MappingProxyType({2: 0.80, 1: 0.74, 0: 1.54})
FARTHEST = 1.5  # Å that an atom is moved at most; beyond, it is another structure
ROUNDS = 60
MARGIN = 0.7  # Å beyond its least distance in which a pair is watched
EXACT = 1e-3  # Å by which a distance may still be too short
SAME_PLACE = 0.02  # Å; where two atoms lie on each other, any direction is as good


class Mended(NamedTuple):
    """A structure whose atoms were pushed apart.

    Args:
        atoms: `ase.Atoms`.
        pairs: How many pairs were too close.
        moved: How far the atom that moved most was moved, Å.
    """

    atoms: Atoms
    pairs: int
    moved: float


class Pairs(NamedTuple):
    """Pairs of atoms, through any periodic image.

    Args:
        first: Their first atoms, `(p,)`.
        second: Their second atoms.
        shift: Vectors to be added for the image, Å, `(p, 3)`.
        sums: Sums of covalent radii, Å.
        real: Shortest real distances, Å.
    """

    first: np.ndarray
    second: np.ndarray
    shift: np.ndarray
    sums: np.ndarray
    real: np.ndarray

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the vectors from the first to the second atoms, Å."""
        return positions[self.second] - positions[self.first] + self.shift


def mend(atoms: Atoms, closest: float, frozen: Sequence[int] | np.ndarray = ()) -> Mended | None:
    """Move atoms as little as possible until none is too close to another.

    Pairs closer than `closest` are pushed to the shortest distance that whole slabs have; pairs
    between that distance and `closest` come no closer. Of all such structures it is the one with
    the least sum of squared displacements, as far as a sequence of linear steps finds it.

    Args:
        atoms: `ase.Atoms`; it is left as it is. What its `FixAtoms` hold does not move.
        closest: Share of the sum of two covalent radii.
        frozen: Indices of further atoms that do not move.

    Returns:
        `Mended`, or `None` if that cannot be done within `FARTHEST`.

    Source:
        Least distance programming by non-negative least squares: Lawson and Hanson, Solving Least
        Squares Problems (1974), chapter 23.
    """
    start, free = atoms.positions, free_atoms(atoms, frozen)
    places = separate_coincident(start, pairs_of(atoms, start), free)
    num_close, stays = 0, False
    for number in range(ROUNDS):
        pairs = pairs_of(atoms, places)
        before = np.linalg.norm(pairs.vectors(start), axis=1)
        close = before < closest * pairs.sums
        least = np.where(close, pairs.real, np.minimum(pairs.real, before))
        num_close = int(close.sum()) if number == 0 else num_close
        vectors = pairs.vectors(places)
        distance = np.linalg.norm(vectors, axis=1)
        if stays and (distance > least - EXACT).all():
            return mended_result(atoms, places, num_close)
        watched = (distance < least + MARGIN) & (free[pairs.first] | free[pairs.second])
        if ((distance < least - EXACT) & ~watched).any():
            return None
        rows = slopes(pairs, vectors / distance[:, None], watched, free)
        needed = (least - distance)[watched] + rows @ (places - start)[free].ravel()
        moves = shortest_step(rows, needed)
        if moves is None:
            return None
        before_step, places = places, start.copy()
        places[free] += moves.reshape(-1, 3)
        stays = np.abs(places - before_step).max() < EXACT
        if np.linalg.norm(places - start, axis=1).max() > 2 * FARTHEST:
            return None
    return None


def mended_result(atoms: Atoms, places: np.ndarray, num_close: int) -> Mended | None:
    """Return `Mended`, or `None` if an atom was moved too far."""
    moved = float(np.linalg.norm(places - atoms.positions, axis=1).max())
    if moved > FARTHEST:
        return None
    result = atoms.copy()
    result.positions = places
    return Mended(result, num_close, moved)


def free_atoms(atoms: Atoms, frozen: Sequence[int] | np.ndarray) -> np.ndarray:
    """Say which atoms may move, `(n,)`."""
    free = np.ones(len(atoms), bool)
    free[np.asarray(frozen, int)] = False
    for rule in atoms.constraints:
        if isinstance(rule, FixAtoms):
            free[rule.index] = False
    return free


def pairs_of(atoms: Atoms, places: np.ndarray) -> Pairs:
    """Return the `Pairs` of atoms that may come to be too close, each once."""
    looked = Atoms(atoms.numbers, places, cell=atoms.cell, pbc=True)
    radii, metal = covalent_radii[atoms.numbers], is_metal(atoms).astype(int)
    shares = np.array([REAL[number] for number in (0, 1, 2)])
    reach = max(2 * radii.max() * shares.max(), 0.0)
    first, second, shift = neighbor_list("ijS", looked, reach + MARGIN)
    once = first < second
    first, second, shift = first[once], second[once], shift[once]
    sums = radii[first] + radii[second]
    real = shares[metal[first] + metal[second]] * sums
    return Pairs(first, second, shift @ atoms.cell.array, sums, real)


def separate_coincident(start: np.ndarray, pairs: Pairs, free: np.ndarray) -> np.ndarray:
    """Return positions in which no two atoms lie on each other, so that a direction is known."""
    places = start.copy()
    rng = np.random.default_rng(0)
    distance = np.linalg.norm(pairs.vectors(start), axis=1)
    for index in np.flatnonzero(distance < SAME_PLACE):
        for atom in (pairs.first[index], pairs.second[index]):
            places[atom] += free[atom] * SAME_PLACE * rng.normal(size=3)
    return places


def slopes(
    pairs: Pairs, directions: np.ndarray, watched: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """Return how the watched distances change with the free coordinates, `(p, 3 f)`."""
    number = np.cumsum(free) - 1
    rows = np.zeros((int(watched.sum()), int(free.sum()), 3))
    places = np.arange(len(rows))
    for sign, atoms in ((-1, pairs.first[watched]), (1, pairs.second[watched])):
        moving = free[atoms]
        rows[places[moving], number[atoms[moving]]] += sign * directions[watched][moving]
    return rows.reshape(len(rows), -1)


def shortest_step(rows: np.ndarray, needed: np.ndarray) -> np.ndarray | None:
    """Return the shortest vector x with `rows @ x >= needed`, `None` if there is none."""
    system = np.vstack([rows.T, needed])
    target = np.zeros(len(system))
    target[-1] = 1
    try:
        rest = system @ nnls(system, target)[0] - target
    except RuntimeError:  # too many iterations
        return None
    return None if abs(rest[-1]) < 1e-10 else -rest[:-1] / rest[-1]
