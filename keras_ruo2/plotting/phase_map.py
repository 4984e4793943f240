"""Maps of stable terminations, temperature against pressure; part of the room `plotting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from keras_ruo2.plotting.phase_diagram import line_colour
from keras_ruo2.plotting.style import STYLE

OUTSIDE = "0.85"
LIGHTEST = 0.65  # how far the last of several terminations of one colour goes towards white
SPREAD: dict[str, Any] = {"colors": "none", "hatches": ["////"]}


def maps(
    panels: Mapping[str, Mapping[str, Any]],
    temperatures: np.ndarray,
    decades: np.ndarray,
    potentials: np.ndarray,
    limits: tuple[float, float],
    *,
    columns: int = 3,
) -> Figure:
    """Colour temperatures and pressures by the termination that is stable there.

    Args:
        panels: Dict of titles to dicts: `stable`, a list of `(start, end, label, slope)`, ascending
            in dmu_O (eV), and `spreads`, a list of `(low, high)` in dmu_O that methods differ by.
        temperatures: Shape `(n,)`, K.
        decades: log10 of the pressures in bar, shape `(m,)`.
        potentials: dmu_O there, shape `(n, m)`, eV.
        limits: `(low, high)` of dmu_O, outside of which the oxide is not stable, eV.
        columns: Panels in a row.

    Returns:
        matplotlib figure.
    """
    rows = -(-len(panels) // columns)
    columns = min(columns, len(panels))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(3.1 * columns + 0.4, 3.3 * rows),
            squeeze=False,
            layout="constrained",
        )
        for axis, (title, panel) in zip(axes.flat, panels.items(), strict=False):
            draw_map(axis, panel, (decades, temperatures, potentials), limits)
            axis.set_title(title, fontsize=9, fontweight="bold", loc="left")
        for axis in axes.flat[len(panels) :]:
            axis.axis("off")
        figure.supxlabel(r"$\log_{10}$ p(O$_2$) (bar)", fontsize=9)
        figure.supylabel("T (K)", fontsize=9)
    return figure


def draw_map(
    axis: Axes,
    panel: Mapping[str, Any],
    grid: tuple[np.ndarray, np.ndarray, np.ndarray],
    limits: tuple[float, float],
) -> None:
    """Draw one facet's map, its boundaries, and hatched where methods do not agree."""
    potentials = grid[2]
    colours = colours_of([slope for *_, slope in panel["stable"]])
    picture = np.full((*potentials.shape, 3), to_rgb(OUTSIDE))
    for (start, end, label, _), colour in zip(panel["stable"], colours, strict=True):
        picture[(potentials >= start) & (potentials < end)] = colour
        inside = ((potentials >= start) & (potentials < end)).any()
        if inside:
            axis.fill([], [], color=colour, label=label)
    extent = (grid[0][0], grid[0][-1], grid[1][0], grid[1][-1])
    axis.imshow(picture, origin="lower", extent=extent, aspect="auto")
    edges = sorted({*limits, *(end for _, end, *_ in panel["stable"])})
    axis.contour(*grid, levels=edges, colors="black", linewidths=0.7, linestyles="solid")
    spreads = [np.clip(ends, *limits) for ends in panel["spreads"]]
    with plt.rc_context({"hatch.linewidth": 0.5}):
        for low, high in spreads:
            if high > low:
                axis.contourf(*grid, levels=[low, high], **SPREAD)
    if any(high > low for low, high in spreads):
        axis.fill(
            [], [], facecolor="white", edgecolor="black", hatch="////", label="methods differ"
        )
    if ((potentials < limits[0]) | (potentials > limits[1])).any():
        axis.fill([], [], color=OUTSIDE, label="outside RuO₂'s limits")
    place: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.1), "ncols": 1}
    axis.legend(fontsize=6.5, frameon=False, handlelength=1.2, **place)


def colours_of(slopes: Sequence[float]) -> list[tuple[float, ...]]:
    """Return a colour for each termination, lighter for the second and later ones of a kind."""
    bases, colours = [line_colour(slope) for slope in slopes], []
    for number, base in enumerate(bases):
        alike = bases.count(base)
        rank = bases[:number].count(base)
        share = LIGHTEST * rank / max(1, alike - 1) if alike > 1 else 0.0
        colours.append(tuple((1 - share) * np.array(to_rgb(base)) + share))
    return colours
