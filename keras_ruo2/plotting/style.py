"""Pictures of samples and of runs, in one style. Only the plotting modules import matplotlib."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402
from matplotlib.figure import Figure as Figure
from matplotlib.text import Text  # noqa: E402

from keras_ruo2.io.paths import atomic_write  # noqa: E402
from keras_ruo2.species import SPECIES, Pair, renamed  # noqa: E402

# Okabe and Ito's palette, told apart with every kind of colour vision.
RUTHENIUM, OXYGEN = "#0072B2", "#D55E00"
CONTRAST = 0.6  # exponent that lifts the faint densities of atoms beside the slice
SLICE, VIEW = 0.95, 1.5  # inches for a slice, and for a view of a whole grid
MOST_SHOWN = {2: 36, 3: 9}  # samples in a picture, by dimensions; each whole grid has two views
VIEW_COLUMNS = 3
# The formulas that labels of ours have, and those of matplotlib's own labels of ticks.
OWN_FORMULA = re.compile(
    r"\$(_2|\^\{-2\}|\\log_\{10\}|\\Delta\\mu_\\mathrm\{[A-Z][a-z]?\}"
    r"|\\mathdefault\{([-−+.,0-9^{}\s]|\\times|\\cdot)*\})\$"
)
STYLE: Any = {  # matplotlib's hints take names of settings as literals only
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 110,
    "savefig.bbox": "tight",
}

# Titles to grids `(n, lateral, z, 2)` and their lengths `(n, 2)`, Å, where these are known.
Panels = dict[str, tuple[np.ndarray, np.ndarray | None]]
Place = Literal["outside upper center", "outside lower center"]  # of a legend


def colour_densities(grid: np.ndarray) -> np.ndarray:
    """Return an RGB picture of a slice: white where it is empty, a colour for each species.

    Args:
        grid: Densities of shape `(lateral, z, 2)` in [0, 1].

    Returns:
        Array of shape `(z, lateral, 3)`, z upwards when drawn with `origin="lower"`.
    """
    density = np.clip(np.asarray(grid, dtype=float), 0, 1) ** CONTRAST
    picture = np.ones((*grid.shape[:2], 3))
    for channel, colour in enumerate((RUTHENIUM, OXYGEN)):
        picture -= density[..., channel, None] * (1 - np.array(to_rgb(colour)))
    return np.clip(picture, 0, 1).transpose(1, 0, 2)


def views(title: str, grids: np.ndarray, lengths: np.ndarray | None) -> Panels:
    """Return panels of samples: slices as they are, whole grids from the side and from above.

    Seen from a side, a pixel has the highest density along the line of sight.

    Args:
        title: Title of the panel.
        grids: `(n, lateral, z, 2)` or `(n, x, y, z, 2)`.
        lengths: Lattice lengths in Å of shape `(n, 2)` or `(n, 3)`, or `None`.

    Returns:
        Dict for `sample_sheet`.
    """
    if grids.ndim == 4:
        return {title: (grids, lengths)}
    return {
        f"{title}, along y": (grids.max(axis=2), None if lengths is None else lengths[:, [0, 2]]),
        f"{title}, along z": (grids.max(axis=3), None if lengths is None else lengths[:, [0, 1]]),
    }


def sample_sheet(
    panels: Panels, *, columns: int = 6, rows: Sequence[str] = (), size: float = SLICE
) -> Figure:
    """Draw slices in panels side by side, each slice in its lengths where they are known.

    Args:
        panels: Dict of panel titles to `(grids, lengths)`: grids `(n, lateral, z, 2)`, lengths
            `(n, 2)` in Å or `None`.
        columns: Slices in a row of a panel.
        rows: Names of the rows.
        size: Room for a slice, inches.

    Returns:
        matplotlib figure.
    """
    num_rows = max(-(-len(grids) // columns) for grids, _ in panels.values())
    longest = max(np.max(sizes) if sizes is not None else 1 for _, sizes in panels.values())
    with plt.rc_context(STYLE):
        width = size * columns * len(panels) + 0.3
        figure = plt.figure(figsize=(width, 1.18 * size * num_rows + 0.7))
        parts = figure.subfigures(1, len(panels), squeeze=False)[0]
        top = 1 - 0.42 / figure.get_figheight()
        left = 0.08 if rows else 0.02
        for part, (name, (grids, lengths)) in zip(parts, panels.items(), strict=True):
            part.suptitle(name, fontsize=11, y=1 - 0.02 / figure.get_figheight())
            axes = part.subplots(num_rows, columns, squeeze=False)
            part.subplots_adjust(left, 0.32 / figure.get_figheight(), 0.98, top, 0.06, 0.16)
            for axis, row in zip(axes[:, 0], rows, strict=False):
                axis.text(-0.12, 0.5, row, rotation=90, va="center", transform=axis.transAxes)
            for number, axis in enumerate(axes.flat):
                axis.axis("off")
                if number < len(grids):
                    sides = (1.0, 1.0) if lengths is None else lengths[number]
                    draw_slice(axis, grids[number], sides, longest, lengths is not None)
        add_species(figure)
    return figure


def add_species(figure: Figure) -> None:
    """Add a legend of the species' colours below a figure."""
    species = [
        plt.Line2D([], [], marker="o", ls="", color=colour, label=name)
        for name, colour in (("Ru", RUTHENIUM), ("O", OXYGEN))
    ]
    figure.legend(handles=species, loc="lower center", ncols=2, frameon=False)


def draw_slice(
    axis: Axes,
    grid: np.ndarray,
    size: Sequence[float] | np.ndarray,
    longest: float,
    labelled: bool = True,
) -> None:
    """Draw one slice `size` (lateral, z) large on an axis that is `longest` high and wide."""
    axis.axis("on")
    axis.imshow(
        colour_densities(grid),
        origin="lower",
        extent=(0, size[0], 0, size[1]),
        interpolation="nearest",
    )
    axis.set_xlim((size[0] - longest) / 2, (size[0] + longest) / 2)
    axis.set_ylim((size[1] - longest) / 2, (size[1] + longest) / 2)
    for side in axis.spines.values():
        side.set_visible(False)
    axis.add_patch(plt.Rectangle((0, 0), *size, fill=False, lw=0.5, color="0.5", clip_on=False))
    axis.set_xticks([])
    axis.set_yticks([])
    if labelled:
        axis.set_title(f"{size[0]:.1f} × {size[1]:.1f} Å", fontsize=6.5, pad=1.5)


CURVES = {  # title of a panel: its columns of metrics.csv
    "Loss": ("critic_loss", "generator_loss"),
    "Distance to held-out images / to training images": (
        "held_out_ratio",
        "held_out_spectrum_ratio",
    ),
    "Lattice error (Å)": ("lattice_error", "lattice_disagreement", "lattice_picture_disagreement"),
    "Mean ratio of lengths": ("lattice_lateral_over_z", "lattice_lateral_over_z_real"),
    "Mean ratios of lengths": (
        "lattice_x_over_z",
        "lattice_x_over_z_real",
        "lattice_y_over_z",
        "lattice_y_over_z_real",
    ),
    "Collapse, over real data (1 is right)": ("collapse_diversity", "collapse_spacing"),
    "Stripes and noise, above real data": ("collapse_stripes", "collapse_noise"),
}
RATIOS, ROUND_ONE = ("Mean ratio of lengths", "Mean ratios of lengths"), (0.7, 1.1)
LINES = (RUTHENIUM, OXYGEN, "#009E73", "#CC79A7")
SMOOTHED = 9  # rows over which a loss is averaged, the row in the middle


def metric_curves(table: Mapping[str, ArrayLike]) -> Figure:
    """Draw a run's losses, its distances to held-out images, lattice lengths and collapse.

    Args:
        table: Dict of column names to sequences of floats, NaN where a value is missing.

    Returns:
        matplotlib figure.
    """
    values = {name: np.asarray(column, dtype=float) for name, column in table.items()}
    groups = {
        label: [name for name in names if name in values and np.isfinite(values[name]).any()]
        for label, names in CURVES.items()
    }
    groups = {label: names for label, names in groups.items() if names}
    columns = 2 if len(groups) in (2, 4) else min(3, len(groups))  # as few empty places as can be
    rows = -(-len(groups) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=(3.6 * columns, 2.6 * rows), squeeze=False, layout="constrained"
        )
        for axis, (label, names) in zip(axes.flat, groups.items(), strict=False):
            draw_curves(axis, values, names, is_loss=label == "Loss")
            if label in RATIOS:  # around 1:1, where the source's lengths drifted to
                axis.set_ylim(*limits(ROUND_ONE, [values[name] for name in names]))
                axis.axhline(1, color="0.7", lw=0.6, zorder=0)
            axis.set_title(label, fontsize=9)
        for axis in axes.flat[len(groups) :]:
            axis.axis("off")
    return figure


def limits(wanted: tuple[float, float], columns: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return ends of an axis that shows `wanted` and every value, with some room beyond these."""
    values = np.concatenate(columns)
    low, high = np.nanmin(values), np.nanmax(values)
    room = 0.05 * (max(high, wanted[1]) - min(low, wanted[0]))
    return min(wanted[0], low - room), max(wanted[1], high + room)


def draw_curves(
    axis: Axes, table: Mapping[str, np.ndarray], names: Sequence[str], is_loss: bool
) -> None:
    """Draw columns over steps: losses smoothed over faint ones, real data dashed."""
    for name, colour in zip(names, LINES, strict=False):
        known = np.isfinite(table[name])
        steps, values = table["step"][known], table[name][known]
        style: dict[str, Any] = {"color": colour, "label": name.replace("_", " ")}
        if name.endswith("_real"):
            style["ls"] = "--"
        if is_loss:
            axis.plot(steps, values, color=colour, lw=0.7, alpha=0.35)
            values = smoothed(values)
        axis.plot(steps, values, marker="." if len(values) < 4 else None, **style)
    axis.set_xlabel("Generator updates")
    axis.legend(frameon=False, fontsize=6.5, loc="upper right")
    if not is_loss:
        axis.set_ylim(bottom=0)


def smoothed(values: np.ndarray) -> np.ndarray:
    """Return the running mean over `SMOOTHED` values, over fewer at both ends."""
    weights = np.ones(min(SMOOTHED, len(values)))
    counts = np.convolve(np.ones(len(values)), weights, mode="same")
    return np.convolve(values, weights, mode="same") / counts


def add_legend(figure: Figure, handles: Sequence[Artist], place: Place, columns: int) -> None:
    """Put a legend beside the axes of a figure, in as few rows as it is wide enough for.

    Args:
        figure: matplotlib figure with a constrained layout. It gets higher where the legend has
            several rows, so that the axes keep their size.
        handles: What the legend explains, with labels.
        place: `outside upper center` or `outside lower center`.
        columns: The most columns.
    """
    for rows in range(-(-len(handles) // columns), len(handles) + 1):
        legend = figure.legend(
            handles=handles,
            loc=place,
            ncols=-(-len(handles) // rows),
            frameon=False,
        )
        size = legend.get_window_extent()
        if size.width < figure.bbox.width or rows == len(handles):
            break
        legend.remove()
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + (rows - 1) / rows * size.height / figure.dpi)


def save_figure(figure: Figure, path: Path, species: Pair = SPECIES) -> np.ndarray:
    """Write a figure, whole or not at all, and close it.

    Args:
        figure: matplotlib figure.
        path: File to write.
        species: Metal and anion of its densities. Figures are drawn with the names of Ru and O,
            which become the pair's here, in legends, titles and labels.

    Returns:
        Its pixels as it is written but for the margins, uint8 of shape `(height, width, 3)`.
    """
    for text in figure.findobj(Text):
        if tuple(species) != SPECIES:
            text.set_text(renamed(text.get_text(), species))
        if "$" in OWN_FORMULA.sub("", text.get_text()):
            text.set_parse_math(False)  # a name from a file is no formula
    with atomic_write(path) as partial:
        figure.savefig(partial)
    canvas: Any = figure.canvas
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return pixels
