"""Cells: orthogonal supercells, lateral extension, vacuum, and the scaling of lengths."""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import make_supercell
from ase.calculators.singlepoint import SinglePointCalculator

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.bounds import bound
from keras_ruo2.structure.checks import check_cell

LARGEST_STRAIN = 1.0  # degrees from 90 that an orthogonal supercell is strained by at most
STRAIN_SCALE = 0.1  # degrees of strain that are as bad as twice the volume
LARGEST_INDEX = 9  # largest multiple of a cell vector that the search for a supercell tries
SLAB_GAP = bound("slab_gap")
LARGEST_VOXEL = 0.6  # Å; neighbouring O atoms merge in coarser grids


def potential_energy(atoms: Atoms) -> float | None:
    """Return the potential energy that came with `atoms`, eV, or `None`."""
    energy = energy_of(atoms)
    return None if energy is None else float(energy)


def energy_of(atoms: Atoms) -> Any:
    """Return what `atoms` carries as its energy, as it came, or `None`."""
    results = getattr(atoms.calc, "results", {})
    return results.get("energy", results.get("free_energy", atoms.info.get("energy")))


def energy_per_atom(atoms: Atoms) -> float:
    """Return the potential energy that came with `atoms`, eV per atom, or NaN."""
    energy = potential_energy(atoms)
    return np.nan if energy is None else energy / len(atoms)


def with_energy(atoms: Atoms, energy: float | None) -> Atoms:
    """Return `atoms` carrying `energy` (eV, or `None`) in a single-point calculator."""
    atoms.calc = None if energy is None else SinglePointCalculator(atoms, energy=float(energy))
    return atoms


def widest_gap(atoms: Atoms) -> tuple[float, float]:
    """Find the widest empty stretch along z in an orthogonal cell.

    Args:
        atoms: `ase.Atoms` in an orthogonal cell.

    Returns:
        `(gap, bottom)`: its width in Å and the z at which the atoms above it begin.
    """
    length = atoms.cell.lengths()[2]
    return widest_stretch(atoms.positions[:, 2] % length, length)


def widest_stretch(places: np.ndarray, period: float) -> tuple[float, float]:
    """Find the widest empty stretch of a periodic line.

    Args:
        places: Points on it, shape `(n,)`, within one period.
        period: Its length.

    Returns:
        `(width, end)`: of the stretch, and the place at which it ends.
    """
    order = np.sort(places)
    gaps = np.diff(order, append=order[0] + period)
    widest = int(np.argmax(gaps))
    return float(gaps[widest]), float(order[(widest + 1) % len(order)])


def set_vacuum(atoms: Atoms, vacuum: float) -> Atoms:
    """Cut the vacuum of a slab down to `vacuum` and centre the slab in its cell.

    A structure whose widest gap along z is narrower than `vacuum` keeps its cell.

    Args:
        atoms: `ase.Atoms` in an orthogonal cell; it is left as it is.
        vacuum: Distance between the slab and its periodic image along z, Å.

    Returns:
        `ase.Atoms` with every z in `[0, Lz)`.
    """
    gap, bottom = widest_gap(atoms)
    lengths = atoms.cell.lengths()
    kept = min(vacuum, gap)
    result = atoms.copy()
    result.positions[:, 2] = (atoms.positions[:, 2] - bottom) % lengths[2] + kept / 2
    result.set_cell([*lengths[:2], lengths[2] - gap + kept])
    result.wrap()
    return with_energy(result, potential_energy(atoms))


def lateral_repeats(lengths: Sequence[float] | np.ndarray, num_voxels: int = 32) -> tuple[int, int]:
    """Return how often to repeat a cell in x and y to make it nearly a cube.

    Args:
        lengths: The three lengths of the cell, Å.
        num_voxels: Voxels along x and y.

    Returns:
        `(nx, ny)`: the multiples closest to the height, unless voxels would exceed
        `LARGEST_VOXEL` there.
    """
    height, largest = lengths[2], LARGEST_VOXEL * num_voxels
    along_x, along_y = (
        max(1, min(round(height / length), int(largest / length + 1e-9))) for length in lengths[:2]
    )
    return along_x, along_y


def repeat(atoms: Atoms, repeats: tuple[int, int, int]) -> Atoms:
    """Repeat `atoms` and the energy it came with, `repeats` times along each cell vector."""
    energy = potential_energy(atoms)
    result = atoms.repeat(repeats)
    return with_energy(result, None if energy is None else energy * np.prod(repeats))


def rotate_quarter(atoms: Atoms, turns: int) -> Atoms:
    """Rotate an orthogonal cell by `turns` times 90 degrees about z; x and y change places."""
    result = atoms.copy()
    for _ in range(turns % 4):
        x, y, z = result.positions.T
        lengths = result.cell.lengths()
        result = result.copy()
        result.set_cell([lengths[1], lengths[0], lengths[2]])
        result.positions = np.stack([(-y) % lengths[1], x, z], axis=1)
    return with_energy(result, potential_energy(atoms))


def orthogonalise(atoms: Atoms) -> Atoms:
    """Return an orthogonal supercell with its vectors along x, y and z.

    The atoms of the original cell keep their places among each other; the smallest orthogonal
    supercell is found and the motif repeated into it (strained to 90 degrees if it is off by less
    than `LARGEST_STRAIN`). A slab (a gap of `SLAB_GAP` or more along
    the surface normal) may have a tilted third vector: it is replaced by its normal part, as
    nothing touches across the vacuum. The energy grows with the number of atoms.

    Args:
        atoms: `ase.Atoms` with a cell; it is left as it is.

    Returns:
        `ase.Atoms`, periodic in all three directions, with `info["repeats"]` cells in it.

    Raises:
        ConfigError: If there is no cell, or no orthogonal supercell within `LARGEST_INDEX`.

    Source:
        Section 3.1.1 of the thesis; the search and the treatment of tilted slabs are ours.
    """
    check_cell(atoms)
    energy = potential_energy(atoms)
    atoms = straighten(atoms)
    rows = orthogonal_rows(atoms.cell.array)
    repeats = int(round(abs(np.linalg.det(rows))))
    result = make_supercell(atoms, rows, wrap=True) if repeats > 1 else atoms.copy()
    fractional = np.linalg.solve((rows @ atoms.cell.array).T, result.positions.T).T
    result.set_cell(np.linalg.norm(rows @ atoms.cell.array, axis=1))
    result.pbc = True
    result.set_scaled_positions((fractional + 1e-9) % 1.0 - 1e-9)  # -1e-15 is 0, not 1
    result.info = {**atoms.info, "repeats": repeats}
    return with_energy(result, None if energy is None else energy * repeats)


def straighten(atoms: Atoms) -> Atoms:
    """Replace a slab's third cell vector by its part along the surface normal."""
    cell = atoms.cell.array
    normal = np.cross(cell[0], cell[1])
    normal /= np.linalg.norm(normal)
    height = float(cell[2] @ normal)
    result = atoms.copy()
    gap, _ = widest_stretch((atoms.positions @ normal) % abs(height), abs(height))
    if gap >= SLAB_GAP or not atoms.pbc[2]:
        result.set_cell([cell[0], cell[1], height * normal])
    return result


def orthogonal_rows(cell: np.ndarray) -> np.ndarray:
    """Find the smallest supercell of `cell` whose vectors are perpendicular.

    Args:
        cell: Array of shape (3, 3), a vector a row, Å.

    Returns:
        Integer array of shape (3, 3), the new vectors in terms of the old; right-handed.

    Raises:
        ConfigError: If there is none within `LARGEST_INDEX`.
    """
    identity, plane = np.eye(3, dtype=int), forward_indices(LARGEST_INDEX, 2)
    for candidates, third in ((plane, identity[2:]), (forward_indices(3, 3),) * 2):
        best = smallest_box(cell, shortest_first(cell, candidates), shortest_first(cell, third))
        if best is not None:
            rows = nearest_axes(best, identity)
            return rows if np.linalg.det(rows @ cell) > 0 else rows * [[1], [-1], [1]]
    angles = ", ".join(f"{angle:.1f}" for angle in cell_angles(cell))
    raise ConfigError(
        f"No orthogonal supercell of up to {LARGEST_INDEX} repeats for a cell with angles "
        f"{angles}. Give this structure in a cell whose lattice has perpendicular vectors."
    )


def cell_angles(cell: np.ndarray) -> np.ndarray:
    """Return the three angles of a cell, degrees."""
    unit = cell / np.linalg.norm(cell, axis=1, keepdims=True)
    cosines = [unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]]
    return np.degrees(np.arccos(np.clip(cosines, -1, 1)))


@functools.cache
def forward_indices(largest: int, ndim: int) -> np.ndarray:
    """Return the primitive vectors of indices up to `largest`, one of each pair of opposites.

    Those of two dimensions have zeros as their third index.
    """
    indices = itertools.product(range(-largest, largest + 1), repeat=ndim)
    forward = [(*index, 0, 0)[:3] for index in indices if index > tuple(-i for i in index)]
    found = np.array(forward)
    return found[np.gcd.reduce(found, axis=1) == 1]


def shortest_first(cell: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return lattice vectors in the order of their lengths."""
    vectors = indices[:, None] @ cell  # one by one, so that equal lengths are rounded as such
    squares = (vectors @ vectors.transpose(0, 2, 1))[:, 0, 0]
    return indices[np.argsort(np.sqrt(squares), kind="stable")]


def smallest_box(cell: np.ndarray, in_plane: np.ndarray, third: np.ndarray) -> np.ndarray | None:
    """Return the perpendicular triple of lattice vectors that costs least, or `None`.

    The cost is the volume, and more for angles off 90 degrees, which the box would be strained
    by: a slab cell of 89.7 degrees stays one cell, one of 84 degrees is repeated.
    """
    among, to_third = off_square(in_plane, in_plane, cell), off_square(in_plane, third, cell)
    best, least = None, np.inf
    for number, last in enumerate(third):
        around = np.flatnonzero(to_third[:, number] < LARGEST_STRAIN)
        square = among[np.ix_(around, around)] < LARGEST_STRAIN
        pairs = around[np.argwhere(square & (square.cumsum(axis=1) <= 3))]  # the shortest ones
        if not len(pairs):
            continue
        first, second = pairs.T
        off = np.maximum(among[first, second], to_third[pairs, number].max(axis=1))
        rows = np.concatenate([in_plane[pairs], np.broadcast_to(last, (len(pairs), 1, 3))], axis=1)
        costs = np.abs(np.linalg.det(rows @ cell)) * (1 + off / STRAIN_SCALE)
        for row, cost in zip(rows, costs.tolist(), strict=True):
            if cost < least * (1 - 1e-9):
                best, least = row, cost
    return best


def off_square(rows: np.ndarray, others: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return how far lattice vectors are from being perpendicular, degrees, shape `(n, m)`."""
    one, other = (some @ cell for some in (rows, others))
    lengths = np.outer(*(np.linalg.norm(some, axis=1) for some in (one, other)))
    return np.degrees(np.arcsin(np.minimum(np.abs(one @ other.T) / lengths, 1)))


def nearest_axes(rows: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Order `rows` and choose their signs so that each lies closest to its old cell vector."""
    orders = list(itertools.permutations(range(3)))
    weight = np.abs(rows) / np.linalg.norm(rows, axis=1, keepdims=True)
    order = max(orders, key=lambda order: sum(weight[order[k]] @ axes[k] for k in range(3)))
    ordered = rows[list(order)]
    signs = np.where((ordered * axes).sum(axis=1) < 0, -1, 1)
    return ordered * signs[:, None]


def scale_lengths(lengths: np.ndarray, minimum: np.ndarray, maximum: np.ndarray) -> np.ndarray:
    """Scale lattice lengths to [0, 1) as (L - L_min) / (1.1 L_max - L_min).

    Args:
        lengths: Lattice lengths, shape `(..., n)`, Å.
        minimum: Least length of the dataset in each direction, shape `(n,)`, Å.
        maximum: Largest length in each direction, shape `(n,)`, Å.

    Returns:
        Scaled lengths, of the shape of `lengths`.

    Source:
        Equation 3.1 of the thesis.
    """
    return (lengths - minimum) / (1.1 * maximum - minimum)


def unscale_lengths(scaled: np.ndarray, minimum: np.ndarray, maximum: np.ndarray) -> np.ndarray:
    """Invert `scale_lengths`; arguments and shapes as there, the result in Å."""
    return scaled * (1.1 * maximum - minimum) + minimum
