"""Slabs standing alone: the normal, heights along it, and a vacuum of any width."""

import numpy as np

from keras_ruo2.structure.cells import straighten


def normal_of(atoms):
    """Return the unit vector across the slab, on the side that the third cell vector points to."""
    normal = np.cross(atoms.cell[0], atoms.cell[1])
    return normal * (np.sign(normal @ atoms.cell[2]) / np.linalg.norm(normal))


def heights(atoms):
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
    order = np.sort(along)
    gaps = np.diff(order, append=order[0] + length)
    widest = int(np.argmax(gaps))
    bottom = order[(widest + 1) % len(order)]
    found = (along - bottom) % length
    found[found > length - 1e-6] = 0.0  # the lowest atom itself, rounded down
    return found, float(gaps[widest])


def standing(atoms, vacuum):
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
    found, _ = heights(slab)
    slab.positions += (found + vacuum / 2 - slab.positions @ normal)[:, None] * normal
    slab.set_cell([slab.cell[0], slab.cell[1], (found.max() + vacuum) * normal])
    return slab
