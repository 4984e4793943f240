"""What viewer.js of `keras_ruo2.pages` draws of a structure."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from keras_ruo2.structure.bonds import bond_lengths, is_anion, is_metal
from keras_ruo2.structure.faces import heights, normal_of

METAL, ANION = "#0072B2", "#D55E00"
OTHERS = "#777777"
RADIUS = 0.45  # of the covalent radius
MARGIN = 1.0  # Å below the slab in the cell that is drawn, at most
WIDTH = 9.0  # Å that is shown of a slab along both vectors, at least


def viewer_data(atoms: Atoms) -> dict[str, Any]:
    """Return what the script draws: places, radii, colours, bonds and the edges of the cell.

    The slab stands in one piece. Narrow cells are repeated in the plane; bonds across the outer
    borders are left out.
    """
    cell, atoms = atoms.cell.array, atoms.copy()
    along, vacuum = heights(atoms)
    normal = normal_of(atoms)
    lift = min(MARGIN, vacuum / 2) - atoms.positions[np.argmin(along)] @ normal
    atoms.positions += lift * cell[2] / (cell[2] @ normal)
    atoms.wrap()
    atoms = atoms.repeat((*(ceil(WIDTH / length) for length in atoms.cell.lengths()[:2]), 1))
    colours = np.where(is_metal(atoms), METAL, np.where(is_anion(atoms), ANION, OTHERS))
    first, second, shift = neighbor_list("ijS", atoms, bond_lengths(atoms))
    inside = (first < second) & (shift == 0).all(axis=1)
    corners = [[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    places = [(corner @ cell).round(3).tolist() for corner in corners]
    edges = [
        [places[one], places[other]]
        for one in range(8)
        for other in range(one)
        if sum(a != b for a, b in zip(corners[one], corners[other], strict=True)) == 1
    ]
    spread = atoms.positions.max(axis=0) - atoms.positions.min(axis=0)
    return {
        "positions": atoms.positions.round(3).tolist(),
        "radii": [round(RADIUS * float(covalent_radii[number]), 3) for number in atoms.numbers],
        "colours": colours.tolist(),
        "bonds": [[int(i), int(j)] for i, j in zip(first[inside], second[inside], strict=True)],
        "edges": edges,
        "centre": ((atoms.positions.max(axis=0) + atoms.positions.min(axis=0)) / 2).tolist(),
        "size": float((spread**2).sum() ** 0.5 + 2),
    }
