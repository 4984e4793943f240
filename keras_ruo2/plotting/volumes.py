"""Whole density grids as surfaces: Ru yellow, O red, as in the thesis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LightSource
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from skimage.measure import marching_cubes

from keras_ruo2.plotting.style import STYLE, Panels

YELLOW, RED = "#F0E442", "#D55E00"  # of Okabe and Ito's palette
LEVEL = 0.2  # density on the surface: a ball of 0.57 Å at alpha 5
MOST_FACES = 30_000  # of a species in a picture; noise has many, and each takes its time
LIGHT = LightSource(azdeg=220, altdeg=50)


def isosurfaces(panels: Panels, *, level: float = LEVEL) -> Figure:
    """Draw grids as surfaces of equal density in their cells.

    Args:
        panels: Dict of row names to `(grids, lengths)`: grids `(n, x, y, z, 2)`, lengths `(n, 3)`
            in Å or `None`.
        level: Density on the surface.

    Returns:
        matplotlib figure.
    """
    columns = max(len(grids) for grids, _ in panels.values())
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(2.3 * columns, 2.6 * len(panels) + 0.3))
        for row, (name, (grids, lengths)) in enumerate(panels.items()):
            for column, grid in enumerate(grids):
                number = row * columns + column + 1
                axis = figure.add_subplot(len(panels), columns, number, projection="3d")
                size = np.array(grid.shape[:3] if lengths is None else lengths[column], float)
                draw_volume(axis, grid, size, level)
                label = " × ".join(f"{length:.1f}" for length in size)
                axis.set_title(
                    f"{name}\n{label} {'voxels' if lengths is None else 'Å'}", fontsize=7, pad=0
                )
        add_species_legend(figure)
        figure.subplots_adjust(0.01, 0.06, 0.99, 0.93, wspace=0.02, hspace=0.16)
    return figure


def draw_volume(
    axis: Any, grid: np.ndarray, size: Sequence[float] | np.ndarray, level: float
) -> None:
    """Draw both species of a grid in a cell of lengths `size`, with z upwards."""
    for channel, colour in enumerate((YELLOW, RED)):
        corners, faces = surface(grid[..., channel], level)
        if len(faces):
            triangles = (corners * size)[faces]
            axis.add_collection3d(
                Poly3DCollection(triangles, facecolors=colour, shade=True, lightsource=LIGHT)
            )
    for start, direction in cell_edges():
        ends = np.array([start, start + direction]) * size
        axis.plot(*ends.T, color="0.6", lw=0.6)
    axis.set_xlim(0, size[0])
    axis.set_ylim(0, size[1])
    axis.set_zlim(0, size[2])
    axis.set_box_aspect(tuple(size), zoom=1.15)  # Matplotlib scales an array in place
    axis.set_proj_type("ortho")
    axis.view_init(elev=12, azim=-65)
    axis.set_axis_off()


def surface(density: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the surface of a periodic density.

    Returns:
        Corners in fractions of the cell, `(k, 3)`, and the corners of each face, `(m, 3)`, at most
        `MOST_FACES`; empty where no density crosses the level.
    """
    density = np.pad(density, [(0, 1)] * 3, mode="wrap")
    if not density.min() < level < density.max():
        return np.zeros((0, 3)), np.zeros((0, 3), dtype=int)
    corners, faces, _, _ = marching_cubes(density, level)
    return corners / (np.array(density.shape) - 1), faces[:MOST_FACES]


def cell_edges() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the start and the direction of each of the twelve edges of a unit cell."""
    for axis in range(3):
        direction = np.eye(3)[axis]
        others = [np.eye(3)[other] for other in range(3) if other != axis]
        for first in (0, 1):
            for second in (0, 1):
                yield first * others[0] + second * others[1], direction


def add_species_legend(figure: Figure) -> None:
    """Add a legend of the species' colours below a figure."""
    species = [
        plt.Line2D([], [], marker="o", ls="", color=colour, markeredgecolor="0.5", label=name)
        for name, colour in (("Ru", YELLOW), ("O", RED))
    ]
    figure.legend(handles=species, loc="lower center", ncols=2, frameon=False)


def cuts(grids: np.ndarray) -> dict[str, np.ndarray]:
    """Return the middle slices of whole grids: xz at half of y and yz at half of x.

    Args:
        grids: Array of shape `(n, x, y, z, 2)`.

    Returns:
        Dict of names to arrays `(n, lateral, z, 2)`.
    """
    return {"xz": grids[:, :, grids.shape[2] // 2], "yz": grids[:, grids.shape[1] // 2]}
