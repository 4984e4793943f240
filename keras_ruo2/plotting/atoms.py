"""Atoms that were found in densities, drawn over them."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_ruo2.plotting.style import (
    STYLE,
    add_species,
    draw_slice,
    views,
)

MOST = 12  # samples in a picture
COLUMNS = 4
RING = 26  # area of a ring about an atom, points squared


def found_atoms(grids: np.ndarray, lengths: np.ndarray, structures: Sequence[Atoms]) -> Figure:
    """Draw samples, and the atoms found in them as rings, thin where they are doubtful.

    Whole grids are seen along y, each pixel the highest density along the line of sight.

    Args:
        grids: `(n, lateral, z, 2)` or `(n, x, y, z, 2)`; the first `MOST` are drawn.
        lengths: Lattice lengths, Å, `(n, 2)` or `(n, 3)`.
        structures: `ase.Atoms` of `backmap` or `backmap_slice`, one a sample.

    Returns:
        matplotlib figure.
    """
    grids, sizes = next(iter(views("", grids[:MOST], lengths[:MOST]).values()))
    lengths = np.asarray(sizes)
    rows = -(-len(grids) // COLUMNS)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, COLUMNS, figsize=(2.1 * COLUMNS, 2.35 * rows + 0.4), squeeze=False
        )
        longest = lengths.max()
        for axis in axes.flat:
            axis.axis("off")
        for number, (grid, size) in enumerate(zip(grids, lengths, strict=True)):
            axis, atoms = axes.flat[number], structures[number]
            draw_slice(axis, grid, size, longest, labelled=False)
            draw_atoms(axis, atoms, size, grid.shape[:2])
            flaws = atoms.info["failures"]
            title = f"{number}: {atoms.get_chemical_formula() or 'nothing'}"
            axis.set_title(title if flaws == "no" else f"{title}, {flaws}", fontsize=6.5, pad=2)
        figure.subplots_adjust(0.02, 0.07, 0.98, 0.95, 0.06, 0.1)
        add_species(figure)
    return figure


def draw_atoms(
    axis: Axes, atoms: Atoms, size: Sequence[float] | np.ndarray, shape: Sequence[int]
) -> None:
    """Draw a ring for each atom, seen along y, thinner the less it is trusted."""
    trust = atoms.arrays.get("confidence", np.ones(len(atoms)))
    x, z = on_pixels(atoms, size, shape)
    axis.scatter(x, z, s=RING, facecolors="none", edgecolors="black", lw=0.3 + 0.9 * trust)


def on_pixels(atoms: Atoms, size: Sequence[float] | np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return where atoms lie in a picture of a grid, seen along y.

    What `backmap` moved along z goes back. A voxel is drawn as a square with its place at the
    square's middle.
    """
    spacing = np.divide(size, shape)
    places = atoms.positions[:, [0, 2]] - [0, atoms.info.get("shift", 0.0)]
    return ((places + spacing / 2) % size).T
