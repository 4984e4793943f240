"""Slabs standing alone: the normal, heights along it, a vacuum of any width, two equal faces."""

from collections.abc import Iterator

import numpy as np
from ase import Atoms

from keras_ruo2.structure.cells import SLAB_GAP, straighten, widest_stretch

# spglib agrees on all bundled slabs, but would be a compiled dependency for 45 lines.
SAME_PLACE = 0.1  # Å by which an atom may miss its mirror image in a slab with two equal faces


def normal_of(atoms: Atoms) -> np.ndarray:
    """Return the unit vector across the slab, on the side that the third cell vector points to."""
    normal = np.cross(atoms.cell[0], atoms.cell[1])
    return normal * (np.sign(normal @ atoms.cell[2]) / np.linalg.norm(normal))


def heights(atoms: Atoms) -> tuple[np.ndarray, float]:
    """Find the slab in its cell.

    Args:
        atoms: `ase.Atoms` with n > 0 atoms, periodic across its third cell vector too.

    Returns:
        `(heights, vacuum)`: the height of each atom over the lowest one along the normal, shape
        `(n,)`, and the widest empty stretch, both in Å. The stretch is below the lowest atom.
    """
    normal = normal_of(atoms)
    length = float(atoms.cell[2] @ normal)
    along = (atoms.positions @ normal) % length
    vacuum, bottom = widest_stretch(along, length)
    above = (along - bottom) % length
    above[above > length - 1e-6] = 0.0  # the lowest atom itself, rounded down
    return above, vacuum


def standing(atoms: Atoms, vacuum: float) -> Atoms:
    """Return the slab in one piece, in the middle of a cell with a given vacuum.

    The third cell vector becomes normal to the first two; in-plane places are kept.

    Args:
        atoms: `ase.Atoms` with at least one atom and a cell; it is left as it is.
        vacuum: Distance between the slab and its periodic image, Å.

    Returns:
        `ase.Atoms`, periodic in all three directions, without energy.
    """
    slab = atoms.copy()
    slab.pbc = True
    slab = straighten(slab)
    normal = normal_of(slab)
    above, _ = heights(slab)
    slab.positions += (above + vacuum / 2 - slab.positions @ normal)[:, None] * normal
    slab.set_cell([slab.cell[0], slab.cell[1], (above.max() + vacuum) * normal])
    return slab


def equal_faces(atoms: Atoms, tolerance: float = SAME_PLACE) -> bool:
    """Say whether some symmetry of the slab exchanges its two faces.

    Inversion, a mirror or glide plane, two-fold axes in the plane and four-fold rotoinversions are
    tried, each with every translation that maps one atom on one of its kind.

    Args:
        atoms: `ase.Atoms`, its third cell vector across the slab, wherever it lies along it.
        tolerance: Largest distance of an atom from the image of another, Å.
    """
    atoms = standing(atoms, SLAB_GAP)  # in one piece
    positions = atoms.positions - atoms.positions.mean(axis=0)
    cell = atoms.cell.array
    first = int(np.argmax(positions[:, 2]))
    same = np.flatnonzero(atoms.numbers == atoms.numbers[first])
    for matrix in exchanging(cell):
        image = positions @ matrix.T
        for target in same:
            moved = image + positions[target] - image[first]
            if abs((moved - positions)[:, 2].mean()) > tolerance:
                continue
            apart = np.linalg.solve(cell.T, (moved[:, None] - positions[None]).reshape(-1, 3).T).T
            apart -= np.round(apart)
            distance = np.linalg.norm(apart @ cell, axis=1).reshape(len(atoms), -1)
            distance[atoms.numbers[:, None] != atoms.numbers[None]] = np.inf
            if distance.min(axis=1).max() < tolerance:
                return True
    return False


def exchanging(cell: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the symmetries of a cell that turn z over, as Cartesian matrices."""
    for swap in (np.eye(2), np.eye(2)[::-1]):
        for one in (1, -1):
            for other in (1, -1):
                matrix = np.diag([0.0, 0.0, -1.0])
                matrix[:2, :2] = swap * [one, other]
                lateral = cell[:2] @ matrix.T
                turned = np.linalg.solve(cell.T, lateral.T).T
                if np.abs((turned - np.round(turned)) @ cell).max() < SAME_PLACE:
                    yield matrix
