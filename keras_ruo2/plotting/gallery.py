"""Generated slabs beside real ones, for talks; part of the room `plotting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from keras_ruo2.plotting.style import STYLE, add_species

TURN, TILT = 0.5, 0.12  # as viewer.js of `keras_ruo2.pages` begins
MADE, REAL = 5, 2  # slabs in a row
ROWS = 6  # facets
FOG = 0.35  # how much lighter the rear is than the front
LONGEST = 28  # letters of the names of faces
SCALE = 1.35  # of the drawn radii: at this size larger atoms are told apart better


def gallery(facets: Mapping[str, Sequence[Any]]) -> Figure:
    """Draw a row of slabs for each facet, the generated ones by energy class, then real ones.

    Args:
        facets: Dict of facets to lists of `Group`; the first `ROWS` are drawn.

    Returns:
        matplotlib figure.
    """
    rows = list(facets.items())[:ROWS]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(rows),
            MADE + REAL,
            figsize=(13.3, 2.15 * len(rows) + 1.2),
            squeeze=False,
        )
        height = figure.get_figheight()
        figure.subplots_adjust(0.04, 0.45 / height, 0.99, 1 - 0.95 / height, 0.1, 0.42)
        for axis in axes.flat:
            axis.axis("off")
        for line, (facet, groups) in zip(axes, rows, strict=True):
            line[0].text(-0.08, 0.5, facet, rotation=90, transform=line[0].transAxes,
                         va="center", ha="center", fontsize=13)  # fmt: skip
            for axis, (entry, group) in zip(line[:MADE], row_by_class(groups), strict=False):
                draw_slab(axis, entry, group.name if group.number >= 0 else "")
            real = [entry for group in groups for entry in group.real][:REAL]
            for axis, entry in zip(line[MADE:], real, strict=False):
                draw_slab(axis, entry, "real")
                axis.set_facecolor("0.95")
        top = axes[0, 0].get_position().y1 + 0.62 / height
        for first, last, text in ((0, MADE - 1, "Generated"), (MADE, MADE + REAL - 1, "Real")):
            left, right = axes[0, first].get_position().x0, axes[0, last].get_position().x1
            figure.text((left + right) / 2, top, text, ha="center", fontsize=15)
        add_species(figure)
    return figure


def row_by_class(groups: Sequence[Any]) -> list[tuple[Mapping[str, Any], Any]]:
    """Return `(entry, group)` of one row, from as many classes as there are, by class."""
    chosen: list[tuple[Mapping[str, Any], Any]] = []
    turn = 0
    while len(chosen) < MADE and any(turn < len(group.made) for group in groups):
        chosen += [(group.made[turn], group) for group in groups if turn < len(group.made)]
        turn += 1
    return sorted(chosen[:MADE], key=lambda pair: pair[1].number)


def draw_slab(axis: Axes, entry: Mapping[str, Any], text: str) -> None:
    """Draw a slab as balls and sticks, seen as the page first shows it.

    Args:
        axis: matplotlib axis.
        entry: Dict with `drawing`, `formula`, `faces`.
        text: What stands below its formula: its class, or that it is real.
    """
    drawing = entry["drawing"]
    seen = projected(np.array(drawing["positions"]) - drawing["centre"])
    order = np.argsort(seen[:, 2], kind="stable")
    depth = (seen[:, 2].max() - seen[:, 2]) / max(np.ptp(seen[:, 2]), 1e-9)
    colours = np.array([to_rgb(colour) for colour in drawing["colours"]])
    colours = 1 - (1 - colours) * (1 - FOG * depth[:, None])
    sticks = [seen[pair, :2] for pair in drawing["bonds"]]
    axis.add_collection(LineCollection(sticks, colors="0.6", linewidths=1.0, zorder=1))
    width = 2 * SCALE * np.array(drawing["radii"])[order]
    axis.add_collection(
        EllipseCollection(
            width,
            width,
            np.zeros(len(width)),
            units="xy",
            offsets=seen[order, :2],
            transOffset=axis.transData,
            facecolors=colours[order],
            edgecolors="0.25",
            linewidths=0.4,
            zorder=2,
        )
    )
    middle = (seen[:, :2].max(axis=0) + seen[:, :2].min(axis=0)) / 2
    half = np.ptp(seen[:, :2], axis=0).max() / 2 + 1
    limits = [(centre - half, centre + half) for centre in middle]
    axis.set(xlim=limits[0], ylim=limits[1], aspect="equal", anchor="N")
    faces = entry["faces"]
    faces = faces if len(faces) <= LONGEST else f"{faces[: LONGEST - 1]}…"
    axis.set_title(f"{entry['formula']}\n{text}\n{faces}", fontsize=7.5, pad=3, linespacing=1.15)


def projected(positions: np.ndarray) -> np.ndarray:
    """Return positions as they are seen: right, up and towards the viewer, Å, `(n, 3)`."""
    a, b, c, d = np.cos(TURN), np.sin(TURN), np.cos(TILT), np.sin(TILT)
    return positions @ np.array([[a, -b, 0], [b * d, a * d, c], [b * c, a * c, -d]]).T
