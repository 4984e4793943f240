"""A chain of a search replayed, as an animation or a strip; part of the room `plotting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from keras_ruo2.plotting.slabs import add_layer_legend, draw_from_side
from keras_ruo2.plotting.style import OXYGEN, RUTHENIUM, STYLE

if TYPE_CHECKING:
    from pathlib import Path


STRIP_COLUMNS = 6
LEAST_WIDTH = 3.6  # inches


def animate(
    steps: Sequence[Mapping[str, Any]],
    curve: Sequence[tuple[int, float]],
    path: Path,
    title: str,
    *,
    frames_per_second: float = 2.0,
) -> None:
    """Write an animation: the structure from the side, and where it is on the chain's curve.

    Args:
        steps: List of dicts: `atoms`, `title`, `trial`, and `value` (grand potential over the
            start's, meV/Å^2).
        curve: `(trial, value)` of every accepted structure of the chain, also of those not shown.
        path: The GIF.
        title: Of the chain.
        frames_per_second: How fast.
    """
    with plt.rc_context(STYLE | {"savefig.bbox": None}):  # frames must be of one size
        figure, (view, below) = plt.subplots(
            2, 1, figsize=(3.4, 5.6), height_ratios=(3, 1), layout="constrained"
        )
        figure.suptitle(title, fontsize=9)
        numbers = {number for step in steps for number in step["atoms"].numbers.tolist()}
        add_layer_legend(figure, numbers, "layer" in steps[0]["atoms"].arrays)
        marker = draw_curve(below, curve)

        def draw(number: int) -> None:
            view.clear()
            draw_from_side(view, steps[number]["atoms"], steps[number]["title"])
            marker.set_data([steps[number]["trial"]], [steps[number]["value"]])

        film = FuncAnimation(figure, draw, frames=len(steps), interval=1000 / frames_per_second)
        writer: Any = PillowWriter  # its hint knows whole numbers only
        film.save(path, writer=writer(fps=frames_per_second), dpi=90)
        plt.close(figure)


def draw_curve(axis: Axes, curve: Sequence[tuple[int, float]]) -> Line2D:
    """Draw the grand potential of the accepted structures and return the movable marker.

    Args:
        axis: matplotlib axis.
        curve: See `animate`.
    """
    trials, values = zip(*curve, strict=True)
    axis.step([*trials, trials[-1] + 1], [*values, values[-1]], where="post", color=RUTHENIUM, lw=1)
    locator: Any = axis.xaxis.get_major_locator()
    locator.set_params(integer=True)
    axis.axhline(0, color="0.7", lw=0.6, zorder=0)
    axis.set_xlabel("Trial")
    axis.set_ylabel("Over the start (meV/Å²)", fontsize=7)
    (marker,) = axis.plot(trials[:1], values[:1], "o", color=OXYGEN, ms=5)
    return marker


def strip(steps: Sequence[Mapping[str, Any]], title: str) -> Figure:
    """Draw structures in turn, from left to right and from top to bottom.

    Args:
        steps: As for `animate`.
        title: Of the chain.

    Returns:
        matplotlib figure.
    """
    rows = -(-len(steps) // STRIP_COLUMNS)
    columns = -(-len(steps) // rows)
    lengths = np.max([step["atoms"].cell.lengths() for step in steps], axis=0)
    height = 1.6 * lengths[2] / lengths[0] + 0.35  # Å to inches, and two lines of text
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(max(LEAST_WIDTH, 1.9 * columns), height * rows + 0.8),
            squeeze=False,
            layout="constrained",
        )
        figure.suptitle(title, fontsize=9)
        for axis in axes.flat[len(steps) :]:
            axis.axis("off")
        for axis, step in zip(axes.flat, steps, strict=False):
            draw_from_side(axis, step["atoms"], f"{step['title']}\n{step['value']:.1f} meV/Å²")
        numbers = {number for step in steps for number in step["atoms"].numbers.tolist()}
        add_layer_legend(figure, numbers, "layer" in steps[0]["atoms"].arrays)
    return figure
