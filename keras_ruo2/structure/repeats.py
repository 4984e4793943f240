"""The smallest cell of a slab that repeats itself in x and y."""

import numpy as np
from ase import Atoms
from scipy.optimize import linear_sum_assignment

MOST_REPEATS = 8  # of a cell of 18 Å: 2.2 Å, less than the shortest vector of any facet
SAME_PLACE = 0.3  # Å that a copy of an atom may be off


def smallest_cell(atoms: Atoms, tolerance: float = SAME_PLACE) -> Atoms:
    """Cut a slab down to the part of its cell that is repeated along the first two vectors.

    Records hold cells that were repeated until they are nearly cubes, and so do samples of a
    generator that learned from them. A calculator needs one of the repeats only. Atoms are placed
    at the mean of their copies.

    Args:
        atoms: `ase.Atoms` in a cell whose repeats lie along its own vectors; it is left as it is.
        tolerance: How far a copy may be off, Å.

    Returns:
        `ase.Atoms` without energy, whose `info["repeats"]` says how often its cell was repeated
        along both vectors; per-atom arrays of numbers are means over the copies.
    """
    result, counts = atoms.copy(), []
    for axis in (0, 1):
        result, count = cut(result, axis, tolerance)
        counts.append(count)
    result.info["repeats"] = counts
    return result


def cut(atoms: Atoms, axis: int, tolerance: float) -> tuple[Atoms, int]:
    """Return the first of the repeats along a cell vector, and how many there are."""
    for count in range(min(MOST_REPEATS, len(atoms)), 1, -1):
        if len(atoms) % count == 0:
            copies = find_copies(atoms, axis, count, tolerance)
            if copies is not None:
                return mean_of_copies(atoms, axis, copies), count
    return atoms, 1


def find_copies(atoms: Atoms, axis: int, count: int, tolerance: float) -> np.ndarray | None:
    """Return the copies of each atom in every repeat, `(count, n)` indices, or `None`."""
    copies = [np.arange(len(atoms))]
    step = pairing(atoms, axis, count, tolerance)
    if step is None:
        return None
    for _ in range(count - 1):
        copies.append(step[copies[-1]])
    closed = np.array_equal(step[copies[-1]], copies[0])
    orbits = np.sort(np.array(copies), axis=0)
    return np.array(copies) if closed and (np.diff(orbits, axis=0) > 0).all() else None


def pairing(atoms: Atoms, axis: int, count: int, tolerance: float) -> np.ndarray | None:
    """Return which atom lies where each would be, moved by a `count`-th of a vector, or `None`."""
    places = atoms.get_scaled_positions(wrap=False)
    moved = places.copy()
    moved[:, axis] += 1 / count
    apart = places[None] - moved[:, None]
    apart -= np.round(apart)
    distances = np.linalg.norm(apart @ atoms.cell.array, axis=2)
    distances[atoms.numbers[:, None] != atoms.numbers[None]] = np.inf
    near = np.where(distances <= tolerance, distances, 1e3)
    rows, columns = linear_sum_assignment(near)
    return columns if (near[rows, columns] <= tolerance).all() else None


def mean_of_copies(atoms: Atoms, axis: int, copies: np.ndarray) -> Atoms:
    """Return a cell of one repeat with every atom at the mean place of its copies."""
    count = len(copies)
    places = atoms.get_scaled_positions(wrap=False)
    places[:, axis] *= count  # in units of the small cell
    apart = places[copies] - places[copies[0]][None]
    lengths = np.ones(3)
    lengths[axis] = count
    apart[..., axis] -= np.arange(count)[:, None]
    apart -= lengths * np.round(apart / lengths)
    mean = places + apart.mean(axis=0)
    kept = np.flatnonzero(copies.min(axis=0) == np.arange(len(atoms)))
    result = atoms[kept]
    result.calc = None
    for name, values in atoms.arrays.items():
        if name not in ("numbers", "positions") and values.dtype.kind == "f":
            result.arrays[name] = values[copies].mean(axis=0)[kept]
    cell = atoms.cell.array.copy()
    cell[axis] /= count
    result.set_cell(cell)
    result.set_scaled_positions(mean[kept])
    result.wrap()
    return result
