"""How far atoms have moved, the drift of all of them set aside."""

import numpy as np
from ase import Atoms
from ase.geometry import find_mic


def displacements(start: Atoms, end: Atoms, *, drift: bool = True) -> np.ndarray:
    """Return how far each atom has moved, through its nearest periodic image.

    Args:
        start: `ase.Atoms` with n atoms, a slab across its third cell vector.
        end: The same atoms in the same order and cell.
        drift: Whether the common displacement in the plane is taken off first, which changes
            nothing about a slab; a slab with frozen atoms has none.

    Returns:
        Array of shape `(n, 3)`, Å.
    """
    cell = start.cell.complete().array
    moved = np.linalg.solve(cell.T, (end.positions - start.positions).T).T
    if drift:
        # A mean of angles, because a drift of half a cell has no sign.
        phases = np.exp(2j * np.pi * moved[:, :2]).mean(axis=0)
        moved[:, :2] -= np.angle(phases) / (2 * np.pi)
        moved[:, :2] -= np.round(moved[:, :2])
        moved[:, :2] -= moved[:, :2].mean(axis=0)
    return find_mic(moved @ cell, start.cell.complete(), pbc=True)[0]


def rmsd(start: Atoms, end: Atoms, *, drift: bool = True) -> float:
    """Return the root mean square of `displacements`, Å."""
    return float(np.sqrt((displacements(start, end, drift=drift) ** 2).sum(axis=1).mean()))
