"""Slabs seen from the side, their layers coloured; part of the room `plotting`."""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from keras_ruo2.plotting.style import add_legend

# Layers as in `structure.layers`: 0 frozen, 1 buffer, 2 displaced.
LAYERS = {0: ("frozen", "#999999"), 1: ("relaxes", "#56B4E9"), 2: ("displaced", "#E69F00")}
UNKNOWN = "#BBBBBB"
RADII = {8: 0.55}  # Å as drawn; metals are larger
METAL_RADIUS = 0.95
EDGE = 0.6  # Å
TINT, FOG = 0.55, 0.45  # how much lighter O is than a metal, and the rear than the front


def draw_from_side(axis: Axes, atoms: Atoms, title: str = "") -> None:
    """Draw a slab as spheres in projection along y, the nearest in front.

    Args:
        axis: matplotlib axis.
        atoms: `ase.Atoms` in an orthogonal cell, with an array "layer" or without.
        title: Text above it.
    """
    lengths = atoms.cell.lengths()
    shift = EDGE * np.array([1, 1, 0])  # atoms on an edge do not jump across the cell
    x, y, z = ((atoms.positions + shift) % lengths - shift).T
    order = np.argsort(-y, kind="stable")
    numbers = atoms.numbers[order]
    layers = atoms.arrays.get("layer", np.full(len(atoms), -1))[order]
    depth = np.clip(y / lengths[1], 0, 1)[order]
    colours = [atom_colour(*row) for row in zip(numbers, layers, depth, strict=True)]
    width = 2 * np.array([RADII.get(number, METAL_RADIUS) for number in numbers])
    spheres = EllipseCollection(
        width,
        width,
        np.zeros(len(atoms)),
        units="xy",
        offsets=np.stack([x, z], axis=1)[order],
        transOffset=axis.transData,
        facecolors=colours,
        edgecolors="0.25",
        linewidths=0.4,
    )
    axis.add_collection(spheres)
    axis.add_patch(plt.Rectangle((0, 0), lengths[0], lengths[2], fill=False, lw=0.5, color="0.6"))
    axis.set_xlim(-METAL_RADIUS - EDGE, lengths[0] + METAL_RADIUS)
    axis.set_ylim(-METAL_RADIUS, lengths[2] + METAL_RADIUS)
    axis.set_aspect("equal")
    axis.axis("off")
    axis.set_title(title, fontsize=7)


def atom_colour(number: int, layer: int, depth: float) -> tuple[float, ...]:
    """Return the RGB colour of an atom: of its layer, lighter for O and in the rear."""
    colour = np.array(to_rgb(LAYERS.get(int(layer), ("", UNKNOWN))[1]))
    if number == 8:
        colour = 1 - (1 - colour) * (1 - TINT)
    return tuple(1 - (1 - colour) * (1 - FOG * depth))


def add_layer_legend(figure: Figure, numbers: Iterable[int], has_layers: bool = True) -> None:
    """Explain the colours of layers and the sizes of atoms below a figure."""
    handles = [
        plt.Line2D([], [], marker="o", ls="", color=colour, ms=7, label=name)
        for name, colour in LAYERS.values()
        if has_layers
    ]
    handles += [
        plt.Line2D(
            [],
            [],
            marker="o",
            ls="",
            mfc="0.9" if number == 8 else "0.5",
            mec="0.25",
            ms=5 if number == 8 else 8,
            label=chemical_symbols[number] + (" (lighter)" if number == 8 else ""),
        )
        for number in sorted(numbers, reverse=True)
    ]
    add_legend(figure, handles, "outside lower center", columns=5)
