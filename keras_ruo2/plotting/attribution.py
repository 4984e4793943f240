"""Pictures of what a critic sees and of paths between samples, in the style of `plotting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_ruo2.plotting.style import STYLE, add_species, colour_densities, draw_slice

SIGNED = "PuOr"  # orange below zero, violet above, told apart with every kind of colour vision
COLUMN = 1.35  # inches


def flattened(grids: np.ndarray) -> np.ndarray:
    """Return slices as they are, whole grids as their highest densities along y."""
    return grids if grids.ndim == 4 else grids.max(axis=2)


def flattened_maps(maps: np.ndarray) -> np.ndarray:
    """Return maps of slices as they are, of whole grids their largest values along y, signed."""
    if maps.ndim == 3:
        return maps
    place = np.abs(maps).argmax(axis=2)
    return np.take_along_axis(maps, place[:, :, None], axis=2)[:, :, 0]


def attention_maps(
    grids: np.ndarray, maps: Mapping[str, np.ndarray], titles: Sequence[str]
) -> Figure:
    """Draw grids above maps of what raises and lowers the critic's score.

    Args:
        grids: Array of shape `(n, *grid, 2)`.
        maps: Dict of names to arrays `(n, *grid)`; whole grids are seen along y.
        titles: Title of each grid.

    Returns:
        matplotlib figure.
    """
    pictures = flattened(grids)
    with plt.rc_context(STYLE):
        size = (COLUMN * len(grids) + 1.1, 1.45 * (1 + len(maps)) + 0.5)
        figure, axes = plt.subplots(
            1 + len(maps), len(grids), figsize=size, squeeze=False, layout="constrained"
        )
        for axis, picture, title in zip(axes[0], pictures, titles, strict=True):
            axis.imshow(colour_densities(picture), origin="lower", interpolation="nearest")
            axis.set_title(title, fontsize=6.5)
        for row, (name, values) in zip(axes[1:], maps.items(), strict=True):
            draw_signed_maps(figure, row, flattened_maps(values))
            row[0].set_ylabel(name)
        axes[0, 0].set_ylabel("Densities")
        for axis in axes.flat:
            leave_frame(axis)
    return figure


def draw_signed_maps(figure: Figure, axes: Sequence[Axes], maps: np.ndarray) -> None:
    """Draw a row of signed maps in one scale of colours."""
    most = max(np.percentile(np.abs(maps), 99.5), 1e-12)
    for axis, values in zip(axes, maps, strict=True):
        image = axis.imshow(values.T, origin="lower", cmap=SIGNED, vmin=-most, vmax=most)
    bar = figure.colorbar(image, ax=list(axes), shrink=0.8, pad=0.01, format="%.2g")
    bar.set_label("lowers      raises", fontsize=6.5)


def leave_frame(axis: Axes) -> None:
    """Leave an axis nothing but a thin frame."""
    axis.set_xticks([])
    axis.set_yticks([])
    for side in axis.spines.values():
        side.set(visible=True, color="0.5", lw=0.5)


def rows_of_grids(
    rows: Mapping[str, tuple[np.ndarray, Sequence[str]]],
    sizes: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Draw rows of grids with a title each.

    Args:
        rows: Dict of names to `(grids, titles)`; whole grids are seen along y.
        sizes: Dict of the same names to lateral and z lengths in Å, `(n, 2)`; without it grids
            are drawn in voxels.

    Returns:
        matplotlib figure.
    """
    columns = max(len(grids) for grids, _ in rows.values())
    longest = 0 if sizes is None else max(np.max(known) for known in sizes.values())
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(rows),
            columns,
            figsize=(COLUMN * columns + 0.4, 1.75 * len(rows) + 0.3),
            squeeze=False,
        )
        bottom, top = 0.28 / figure.get_figheight(), 1 - 0.42 / figure.get_figheight()
        figure.subplots_adjust(0.05, bottom, 0.99, top, wspace=0.1, hspace=0.38)
        for row, (name, (grids, titles)) in zip(axes, rows.items(), strict=True):
            row[0].set_ylabel(name)
            for axis in row[len(grids) :]:
                axis.axis("off")
            for k, (axis, grid) in enumerate(zip(row, flattened(grids), strict=False)):
                if sizes is None:
                    axis.imshow(colour_densities(grid), origin="lower", interpolation="nearest")
                    leave_frame(axis)
                else:
                    draw_slice(axis, grid, sizes[name][k], longest)
                axis.set_title(with_size(titles[k], sizes, name, k), fontsize=6, pad=2)
        add_species(figure)
    return figure


def with_size(title: str, sizes: Mapping[str, np.ndarray] | None, name: str, number: int) -> str:
    """Return a title with the lengths of its grid where they are known."""
    if sizes is None:
        return title
    lateral, height = sizes[name][number]
    return f"{title}\n{lateral:.1f} × {height:.1f} Å".lstrip()
