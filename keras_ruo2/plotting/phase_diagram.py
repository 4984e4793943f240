"""Pictures of surface free energies; part of the room `plotting`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_ruo2.plotting.style import OXYGEN, RUTHENIUM, STYLE, add_legend

STOICHIOMETRIC = "#009E73"  # Okabe and Ito's green
MARGIN = 0.25  # eV that is drawn beyond the limits
OTHERS, STABLE = 0.35, 2.2  # line widths
FACES = {
    "equal": ("-", "two equal faces"),
    "upper": ("-.", "upper of two faces"),
    "mean": ("--", "mean of two faces"),
}
BACKGROUND: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
NAME = "name"  # what names of stable lines are known by
FAR_BELOW = 1e4  # meV/Å^2 that no diagram reaches
LABEL_GAP = 4.5  # meV/Å^2 between a line and its name
WIDEST_LABEL = 24  # characters that fit beside the middle of a panel
UNPHYSICAL: dict[str, Any] = {"facecolor": "#F6D9CC", "lw": 0}  # where a crystal would fall apart
DOUBTFUL: dict[str, Any] = {"facecolor": "none", "edgecolor": "#E0A080", "hatch": "////", "lw": 0}
BAND = 0.22  # opacity of what lies between the lowest and the highest of several methods
METHODS = ((0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)))


def draw_phase_diagram(
    panels: Mapping[str, Sequence[Any]],
    limits: tuple[float, float],
    temperatures: Sequence[tuple[str, Sequence[float], Sequence[str]]],
    *,
    methods: Sequence[str] = (),
    crossings: Sequence[tuple[Any, ...]] = (),
    columns: int = 3,
) -> Figure:
    """Draw surface free energies against dmu_O, a panel for each facet.

    Args:
        panels: Dict of titles to lists of `keras_ruo2.thermodynamics.rows.Row`; those of `known`
            slabs are drawn dotted.
        limits: `(low, high)` of dmu_O, the O-poor and the O-rich limit, eV.
        temperatures: A list for each further axis: `(title, dmu_O of the ticks, their labels)`.
        methods: Names of the methods, that of the lines themselves first; of more than one the
            spread is drawn, and where each of the others has its lowest energies.
        crossings: List of `(title of the panel, dmu_O, line, dict of methods to dmu_O)`: where one
            stable line gives way to the next.
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
            figsize=(3.1 * columns + 0.4, 2.8 * rows + 0.9),
            sharex=True,
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for number, (axis, (title, lines)) in enumerate(
            zip(axes.flat, panels.items(), strict=False)
        ):
            draw_panel(axis, title, lines, limits)
            draw_methods(axis, lines, methods[1:])
            draw_crossings(axis, [entry[1:] for entry in crossings if entry[0] == title])
            if number < columns:
                draw_temperatures(axis, temperatures, titled=number == 0)
            if number + columns >= len(panels):
                axis.set_xlabel(r"$\Delta\mu_\mathrm{O}$ (eV)")
                axis.tick_params(labelbottom=True)
        axes[0, 0].set_ylim(*energy_limits(panels, limits))
        if rows == 1 and len(temperatures) > 1:  # the layout forgets the title of the second axis
            layout: Any = figure.get_layout_engine()
            layout.set(rect=(0, 0, 1, 0.95))
        figure.supylabel("Surface free energy (meV/Å²)", fontsize=9)
        for axis in axes.flat[len(panels) :]:
            axis.axis("off")
        draw_legend(figure, axes, len(panels), panels, methods)
        figure.draw_without_rendering()  # from here on it is known where things lie
        for axis in axes.flat[: len(panels)]:
            separate_names(axis)
    return figure


def energy_limits(
    panels: Mapping[str, Sequence[Any]], limits: tuple[float, float]
) -> tuple[float, float]:
    """Return the range of energies to show: all of the stable ones, and room above, meV/Å^2."""
    lines = [line for group in panels.values() for line in group if line.stable]
    values = [1000 * row.line(end) for row in lines for end in row.stable]
    values += [
        1000 * row.lines[method](end)
        for group in panels.values()
        for row in group
        for method, ends in row.stable_by.items()
        for end in ends
    ]
    return min(0, min(values)) - 8, 1.5 * max(values) + 15


def draw_panel(axis: Axes, title: str, lines: Sequence[Any], limits: tuple[float, float]) -> None:
    """Draw one facet's lines, the stable ones thick and named."""
    reach = np.array([limits[0] - MARGIN, limits[1] + MARGIN])
    for row in lines:
        colour = line_colour(row.line.slope)
        style = ":" if row.known else FACES[row.faces][0]
        value = 1000 * row.line(reach)
        axis.plot(reach, value, style, color=colour, lw=2 * OTHERS if row.stable else OTHERS)
        if row.stable:
            part = np.array(row.stable)
            stable = 1000 * row.line(part)
            axis.plot(part, stable, color=colour, lw=STABLE, solid_capstyle="butt")
            name_line(axis, row, part, colour)
        if row.doubtful_from is not None:
            axis.axvspan(row.doubtful_from, row.stable[1], zorder=0, **DOUBTFUL)
    for outside in ((reach[0], limits[0]), (limits[1], reach[1])):
        axis.axvspan(*outside, color="0.92", lw=0, zorder=0)
    axis.axhspan(-FAR_BELOW, 0, zorder=0.1, **UNPHYSICAL)
    axis.axhline(0, color="0.7", lw=0.6, zorder=0.2)
    axis.set_xlim(*reach)
    place: dict[str, Any] = {
        "transform": axis.transAxes,
        "ha": "right",
        "va": "top",
        "bbox": BACKGROUND,
    }
    axis.text(0.97, 0.97, title, fontsize=9, fontweight="bold", **place)


def draw_methods(axis: Axes, lines: Sequence[Any], others: Sequence[str]) -> None:
    """Fill what lies between all methods, and draw where each of the others is lowest."""
    if not others:
        return
    for row in (row for row in lines if row.stable and len(row.lines) > 1):
        part = np.array(row.stable)
        values = 1000 * np.array([line(part) for line in row.lines.values()])
        edges = (values.min(axis=0), values.max(axis=0))
        axis.fill_between(part, *edges, color=line_colour(row.line.slope), alpha=BAND, lw=0)
    for style, method in zip(cycle(METHODS), others):
        for row in (row for row in lines if method in row.stable_by):
            part = np.array(row.stable_by[method])
            axis.plot(part, 1000 * row.lines[method](part), ls=style, color="0.15", lw=0.9)


def draw_crossings(axis: Axes, crossings: Sequence[tuple[Any, ...]]) -> None:
    """Draw an error bar from the lowest to the highest dmu_O at which two lines cross."""
    for delta_mu_o, line, at in crossings:
        low, high = min(at.values()), max(at.values())
        axis.errorbar(
            delta_mu_o,
            1000 * line(delta_mu_o),
            xerr=[[delta_mu_o - low], [high - delta_mu_o]],
            fmt="o",
            color="black",
            ms=2.5,
            lw=0.9,
            capsize=2.5,
            zorder=5,
        )


def name_line(axis: Axes, row: Any, part: np.ndarray, colour: str) -> None:
    """Write a stable line's name below the middle of its range, and below those of all methods."""
    lines = row.lines.values()
    values = [line(part.mean()) for line in lines]
    values.append(row.line(part.mean()))
    axis.annotate(
        textwrap.fill(row.label, WIDEST_LABEL, break_on_hyphens=False),
        (part.mean(), 1000 * min(values) - LABEL_GAP),
        color=colour,
        fontsize=6.5,
        ha="right" if row.line.slope < 0 else "center",
        va="top",
        bbox=BACKGROUND,
        gid=NAME,
    )


def separate_names(axis: Axes) -> None:
    """Move stable lines' names into their panel, and down where they lie over another one."""
    taken: list[Any] = []
    back = axis.transData.inverted()
    names: list[Any] = [text for text in axis.texts if text.get_gid() == NAME]
    for name in sorted(names, key=lambda text: -text.get_window_extent().y1):
        box = name.get_window_extent().padded(1)
        aside, down = max(0.0, axis.bbox.x0 - box.x0), 0.0
        box = box.translated(aside, 0)
        while covered := [other for other in taken if box.overlaps(other)]:
            step = box.y1 - min(other.y0 for other in covered) + 1
            down, box = down + step, box.translated(0, -step)
        taken.append(box)
        place = axis.transData.transform(name.xy) + (aside, -down)
        name.set_position(back.transform(place))


def draw_temperatures(
    axis: Axes, temperatures: Sequence[tuple[str, Sequence[float], Sequence[str]]], titled: bool
) -> None:
    """Put an axis of temperatures above the panel for each pressure."""
    for level, (title, places, labels) in enumerate(temperatures):
        above = axis.secondary_xaxis(1.05 + 0.2 * level)
        above.set_xticks(places, labels, fontsize=6.5)
        above.tick_params(length=2, pad=1)
        above.spines["top"].set_visible(True)
        if titled:
            above.set_xlabel(title, fontsize=6.5, loc="left", labelpad=1)


def draw_legend(
    figure: Figure,
    axes: np.ndarray,
    num_panels: int,
    panels: Mapping[str, Sequence[Any]],
    methods: Sequence[str],
) -> None:
    """Explain colours and kinds of line, in an empty panel if there is one."""
    handles: list[Any] = [
        plt.Line2D([], [], color=line_colour(slope), lw=STABLE, label=label)
        for slope, label in ((1, "O-poor"), (0, "stoichiometric"), (-1, "O-rich"))
    ]
    lines = [line for group in panels.values() for line in group]
    kinds = [FACES[name] for name in FACES if any(line.faces == name for line in lines)]
    kinds += [(":", "known slabs")] if any(line.known for line in lines) else []
    handles += [
        plt.Line2D([], [], ls=style, color="0.3", lw=1, label=name) for style, name in kinds
    ]
    handles.append(plt.Rectangle((0, 0), 1, 1, color="0.92", label="outside RuO₂'s limits"))
    handles.append(plt.Rectangle((0, 0), 1, 1, label="γ < 0: not physical", **UNPHYSICAL))
    if any(line.doubtful_from is not None for line in lines):
        text = textwrap.fill("oxidised face, too stable by this method", WIDEST_LABEL)
        handles.append(plt.Rectangle((0, 0), 1, 1, label=text, **DOUBTFUL))
    if len(methods) > 1:
        text = textwrap.fill(f"{methods[0]} (lines) to the others", WIDEST_LABEL)
        handles.append(plt.Rectangle((0, 0), 1, 1, color="0.3", alpha=BAND, lw=0, label=text))
        handles += [
            plt.Line2D([], [], ls=style, color="0.15", lw=0.9, label=f"lowest by {name}")
            for style, name in zip(cycle(METHODS), methods[1:])
        ]
        handles.append(
            plt.Line2D([], [], marker="o", ms=2.5, color="black", lw=0.9, label="crossing, by all")
        )
    if num_panels < axes.size:
        axes.flat[-1].legend(handles=handles, loc="center", frameon=False)
    else:
        add_legend(figure, handles, "outside lower center", columns=4)


def line_colour(slope: float) -> str:
    """Return the colour of O-poor (rising), stoichiometric and O-rich (falling) lines."""
    return STOICHIOMETRIC if abs(slope) < 1e-9 else RUTHENIUM if slope > 0 else OXYGEN
