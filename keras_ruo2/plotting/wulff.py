"""Pictures of crystal shapes; part of the room `plotting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from keras_ruo2.plotting.style import OXYGEN, RUTHENIUM, STYLE

# Okabe and Ito's palette in the order of the facets' names, which stand on the faces as well.
COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#F0E442", "#CC79A7", OXYGEN, RUTHENIUM, "#BBBBBB")
ELEVATION, AZIMUTH = 24.0, 27.0  # degrees; along no facet of low index
LIGHT = np.array([0.5, 0.1, 0.86])
DARKEST = 0.75  # of its colour, a face that is turned away from the light
LEAST_NAMED = 0.03  # of a panel's area: a smaller face has no room for its name
NOTE = "The most stable slab given for each facet; sizes are arbitrary."
WIDTH, ROW = 2.9, 0.17  # inches, of a panel and of a line of text


def crystals(panels: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw crystals side by side, each as large as its panel, all seen alike with c upwards.

    Args:
        panels: List of dicts: `title`; `faces`, a list of dicts with `name`, `normal` `(3,)` and
            `corners` `(n, 3)`; `table`, a list of `(name, meV/Å^2, share of the surface)`.

    Returns:
        matplotlib figure.
    """
    names = sorted({name for panel in panels for name, *_ in panel["table"]})
    colours = {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(names)}
    below = ROW * (2.5 + max(len(panel["table"]) for panel in panels))
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(WIDTH * len(panels), WIDTH + below + 0.4))
        top = 1 - 0.4 / figure.get_figheight()
        edges = {"left": 0, "right": 1, "bottom": 0, "top": top, "hspace": 0, "wspace": 0}
        parts = figure.add_gridspec(2, len(panels), height_ratios=(WIDTH, below), **edges)
        for column, panel in enumerate(panels):
            # Seen faces of a convex body hide none of each other: names can lie above them all.
            axis = figure.add_subplot(parts[0, column], projection="3d", computed_zorder=False)
            axis.set_title(panel["title"], fontsize=8, pad=0)
            draw_crystal(axis, panel["faces"], colours)
            draw_table(figure.add_subplot(parts[1, column]), panel["table"], colours, below)
        figure.text(0.5, 0.02, NOTE, fontsize=6.5, color="0.35", ha="center")
    return figure


def draw_crystal(axis: Any, faces: Sequence[Mapping[str, Any]], colours: Mapping[str, Any]) -> None:
    """Draw the faces that are seen, named where there is room."""
    elevation, azimuth = np.radians([ELEVATION, AZIMUTH])
    level = np.cos(elevation)
    towards = np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])
    reach = max(np.linalg.norm(face["corners"], axis=1).max() for face in faces)
    seen = [face for face in faces if face["normal"] @ towards > 1e-6]
    for face in seen:
        corners = face["corners"] / reach
        bright = DARKEST + (1 - DARKEST) * max(0.0, face["normal"] @ LIGHT)
        colour = np.clip(bright * np.array(to_rgb(colours[face["name"]])), 0, 1)
        axis.add_collection3d(
            Poly3DCollection([corners], facecolor=colour, edgecolor="0.15", linewidth=0.8, zorder=1)
        )
        around = np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)
        if around @ towards / 2 / 4 > LEAST_NAMED:
            middle = corners.mean(axis=0)
            axis.text(*middle, face["name"], fontsize=7, ha="center", va="center", zorder=2)
    for set_limits in (axis.set_xlim, axis.set_ylim, axis.set_zlim):
        set_limits(-1, 1)
    axis.set_box_aspect((1, 1, 1), zoom=1.6)
    axis.set_proj_type("ortho")
    axis.view_init(elev=ELEVATION, azim=AZIMUTH)
    axis.set_axis_off()


def draw_table(
    axis: Axes, table: Sequence[tuple[str, float, float]], colours: Mapping[str, Any], height: float
) -> None:
    """Write colour, name, surface free energy and share of each facet below its crystal."""
    axis.set_xlim(0, 1)
    axis.set_ylim(-height, 0)
    axis.axis("off")
    columns = (0.3, 0.56, 0.82)
    texts = [("facet", "meV/Å²", "of surface")]
    texts += [(name, f"{energy:.0f}", percent(share)) for name, energy, share in table]
    for row, line in enumerate(texts):
        y = -ROW * (row + 0.7)
        for x, text in zip(columns, line, strict=True):
            axis.text(x, y, text, ha="right", va="center", color="0.35" if row == 0 else "black")
    for row, (name, *_) in enumerate(table, start=1):
        box = plt.Rectangle((0.07, -ROW * (row + 1.05)), 0.06, 0.7 * ROW, ec="0.15", lw=0.6)
        box.set_facecolor(colours[name])
        axis.add_patch(box)


def percent(share: float) -> str:
    """Return a share as text, a dash where there is nothing at all."""
    return f"{100 * share:.1f} %" if share else "–"
