"""Pictures of a basin-hopping search; part of the room `plotting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from ase import Atoms
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_ruo2.plotting.slabs import add_layer_legend, draw_from_side
from keras_ruo2.plotting.style import LINES, OXYGEN, RUTHENIUM, STYLE, add_legend

OUTCOMES = {  # in the order in which they are stacked
    "accepted": "#009E73",
    "uphill": "#BBBBBB",
    "molecular_oxygen": OXYGEN,
    "clustered_oxygen": "#E69F00",
    "desorbed_oxygen": "#F0E442",
    "torn_layers": RUTHENIUM,
    "no_site": "#CC79A7",
    "no_oxygen": "#56B4E9",
    "atoms_too_close": "#8C564B",
    "calculator_failed": "black",
}
OTHER = "0.4"
WINDOW = 20  # trials over which an acceptance rate is averaged
SPREAD = 0.3  # of the distance of two columns, over which points are scattered
LEAST_WIDTH = 3.8  # inches
DMU = r"$\Delta\mu_\mathrm{O}$"


def draw_energy_histogram(energies: np.ndarray, edges: np.ndarray, above: np.ndarray) -> Figure:
    """Draw how many snapshots each energy class has, and how far above their ends they lie.

    Args:
        energies: Of all snapshots, eV per atom.
        edges: Edges of the classes, eV per atom.
        above: Energies above the lowest snapshot of the same trial, eV per atom.

    Returns:
        matplotlib figure.
    """
    counts, _ = np.histogram(energies, edges)
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
        bars = left.bar(
            edges[:-1], counts, np.diff(edges), align="edge", color=RUTHENIUM, ec="white", lw=0.8
        )
        labels = [f"{number}\n{count:,}" for number, count in enumerate(counts)]
        left.bar_label(bars, labels, fontsize=6.5, padding=1)
        left.set_yscale("log")
        left.set_ylim(0.7, 5 * counts.max())
        left.set_xlabel("Potential energy (eV per atom)")
        left.set_ylabel("Snapshots")
        left.set_title("By energy class (its number above)", fontsize=9)
        reach = np.sort(above)
        right.plot(reach, np.arange(1, len(reach) + 1) / max(1, len(reach)), color=OXYGEN)
        right.set_xscale("log")
        right.set_xlim(1e-4, max(1.0, reach.max(initial=0)))
        right.set_ylim(0, 1)
        right.grid(alpha=0.3)
        right.set_xlabel("Above the lowest of the trial (eV per atom)")
        right.set_title("Share of snapshots no higher than that", fontsize=9)
    return figure


def panels(
    names: Sequence[str], columns: int = 4, height: float = 2.4
) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure and its axes by name; axes that are not needed are blank."""
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(max(LEAST_WIDTH, 2.5 * columns + 0.6), height * rows + 0.5),
        squeeze=False,
        sharex=True,
        layout="constrained",
    )
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    for axis in axes[-1] if rows == 1 else axes.flat[len(names) - columns : len(names)]:
        axis.tick_params(labelbottom=True)
    for axis, name in zip(axes.flat, names, strict=False):
        axis.set_title(name, fontsize=8.5)
    return figure, dict(zip(names, axes.flat, strict=False))


def draw_composition(
    groups: Mapping[str, Sequence[Mapping[str, Any]]], potentials: Sequence[float]
) -> Figure:
    """Draw the O that chains gained or lost against dmu_O, a panel for each start.

    Args:
        groups: Dict of starts to lists of dicts, one a chain: `dmu_o` (eV), `excess` (O beyond
            two per metal atom and area, nm^-2, of the structure that each trial leaves the chain
            with, the start's first), `lowest` (that of the lowest grand potential) and `one` (a
            single O, nm^-2).
        potentials: All values of dmu_O, ascending, eV.

    Returns:
        matplotlib figure.
    """
    rng = np.random.default_rng(0)  # of the scatter of points alone
    with plt.rc_context(STYLE):
        figure, axes = panels(list(groups))
        for name, chains in groups.items():
            for chain in chains:
                place = potentials.index(chain["dmu_o"])
                points = np.asarray(chain["excess"])
                shifts = rng.uniform(-SPREAD, SPREAD, len(points))
                axes[name].scatter(place + shifts, points, s=7, color=RUTHENIUM, alpha=0.35, lw=0)
                axes[name].plot(place, chain["lowest"], "_", color=OXYGEN, ms=16, mew=2)
            start = chains[0]["excess"][0]
            axes[name].axhline(start, color="0.5", lw=0.8, ls="--", zorder=0)
            excess = np.concatenate([chain["excess"] for chain in chains])
            room = 1.5 * chains[0]["one"]
            axes[name].set_ylim(excess.min() - room, excess.max() + room)
            axes[name].set_xticks(range(len(potentials)), [f"{value:g}" for value in potentials])
            axes[name].set_xlim(-0.5, len(potentials) - 0.5)
        figure.supxlabel(f"{DMU} (eV)", fontsize=9)
        figure.supylabel("Excess O per area\nof the cell (nm$^{-2}$)", fontsize=9, ma="center")
        handles = [
            plt.Line2D([], [], marker="o", ls="", color=RUTHENIUM, ms=4, label="after each trial"),
            plt.Line2D([], [], color=OXYGEN, lw=2, label="lowest grand potential"),
            plt.Line2D([], [], color="0.5", ls="--", lw=0.8, label="start"),
        ]
        add_legend(figure, handles, "outside upper center", columns=3)
    return figure


def draw_acceptance(
    groups: Mapping[str, Sequence[np.ndarray]], outcomes: Mapping[str, Mapping[str, int]]
) -> Figure:
    """Draw the acceptance along the chains and what became of the moves.

    Args:
        groups: Dict of labels to lists of arrays, one a chain: 1 for an accepted trial, else 0.
        outcomes: Dict of labels of bars to dicts of outcomes to counts.

    Returns:
        matplotlib figure.
    """
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(
            1, 2, figsize=(9, 3.2), layout="constrained", width_ratios=(1, 1.15)
        )
        for (label, chains), colour in zip(groups.items(), cycle(len(groups)), strict=True):
            trials, mean = running_mean(chains)
            few = "." if len(trials) < 4 else None
            left.plot(trials, mean, color=colour, label=label, marker=few)
        left.set_ylim(0, 1)
        left.set_xlabel("Trial")
        left.set_title(f"Accepted, of the last {WINDOW} trials of each chain", fontsize=9)
        left.legend(frameon=False, fontsize=7, title=f"{DMU} (eV)", title_fontsize=7)
        stack_outcomes(right, outcomes)
    return figure


def running_mean(chains: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return trials, and the share accepted in the `WINDOW` trials up to each, of all chains."""
    longest = max(map(len, chains))
    table = np.full((len(chains), longest), np.nan)
    for row, values in zip(table, chains, strict=True):
        row[: len(values)] = values
    trials = np.arange(1, longest + 1)
    mean = [np.nanmean(table[:, max(0, last - WINDOW) : last]) for last in trials]
    return trials, np.array(mean)


def stack_outcomes(axis: Axes, outcomes: Mapping[str, Mapping[str, int]]) -> None:
    """Draw bars of the shares of outcomes, one for each label."""
    names = list(dict.fromkeys([*OUTCOMES, *(name for row in outcomes.values() for name in row)]))
    names = [name for name in names if any(row.get(name) for row in outcomes.values())]
    places = np.arange(len(outcomes))[::-1]
    totals = np.array([max(1, sum(row.values())) for row in outcomes.values()])
    left = np.zeros(len(outcomes))
    for name in names:
        share = np.array([row.get(name, 0) for row in outcomes.values()]) / totals
        colour = OUTCOMES.get(name, OTHER)
        axis.barh(places, share, left=left, color=colour, label=name.replace("_", " "), height=0.7)
        left += share
    labels = [f"{name} ({total:,})" for name, total in zip(outcomes, totals, strict=True)]
    axis.set_yticks(places, labels)
    axis.set_xlim(0, 1)
    axis.set_xlabel("Share of trials")
    axis.set_title("What became of the moves", fontsize=9)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=7)


def cycle(count: int) -> Sequence[Any] | np.ndarray:
    """Return `count` colours, from dark to light where there are more than lines have."""
    return LINES[:count] if count <= len(LINES) else plt.cm.viridis(np.linspace(0, 0.9, count))


def draw_grand_potentials(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Draw the grand potential along the chains, over that of the relaxed start.

    Args:
        groups: Dict of starts to lists of dicts, one a chain: `dmu_o` (eV), `current` (of the
            structure that each trial leaves the chain with) and `refused` (of the last snapshot of
            each refused trial, NaN elsewhere), both in meV/Å^2 over the start's.

    Returns:
        matplotlib figure.
    """
    potentials = sorted({chain["dmu_o"] for chains in groups.values() for chain in chains})
    colours = dict(zip(potentials, cycle(len(potentials)), strict=True))
    with plt.rc_context(STYLE):
        figure, axes = panels(list(groups))
        for name, chains in groups.items():
            for chain in chains:
                colour = colours[chain["dmu_o"]]
                values = [*chain["current"], chain["current"][-1]]  # the last one holds on, too
                axes[name].step(range(len(values)), values, where="post", color=colour)
                locator: Any = axes[name].xaxis.get_major_locator()
                locator.set_params(integer=True)
                axes[name].plot(chain["refused"], "x", color=colour, ms=3, mew=0.6, alpha=0.6)
            whole = np.concatenate([chain["current"] for chain in chains])
            low, high = whole.min(), whole.max()
            room = max(5.0, high - low)
            axes[name].set_ylim(low - 0.15 * room, high + 0.6 * room)
            axes[name].axhline(0, color="0.7", lw=0.6, zorder=0)
        figure.supxlabel("Trial", fontsize=9)
        figure.supylabel("Grand potential\nover the start's (meV/Å²)", fontsize=9, ma="center")
        handles = [
            plt.Line2D([], [], color=colour, label=f"{DMU} {value:g} eV")
            for value, colour in colours.items()
        ]
        handles.append(
            plt.Line2D([], [], marker="x", ls="", ms=3, color="0.4", label="refused trials")
        )
        add_legend(figure, handles, "outside upper center", columns=5)
    return figure


def draw_structures(rows: Mapping[str, Sequence[tuple[str, Atoms]]]) -> Figure:
    """Draw structures from the side, their layers coloured.

    Args:
        rows: Dict of titles of columns to lists of `(title, ase.Atoms)`, from top to bottom.

    Returns:
        matplotlib figure.
    """
    height = max(len(column) for column in rows.values())
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            height,
            len(rows),
            figsize=(max(LEAST_WIDTH, 1.9 * len(rows) + 0.4), 2.7 * height + 0.5),
            squeeze=False,
            layout="constrained",
        )
        for number, (name, column) in enumerate(rows.items()):
            for axis in axes[:, number]:
                axis.axis("off")
            for level, (title, atoms) in enumerate(column):
                heading = f"{name}\n{title}" if level == 0 else title
                draw_from_side(axes[level, number], atoms, heading)
        drawn = [atoms for column in rows.values() for _, atoms in column]
        numbers = set(np.concatenate([atoms.numbers for atoms in drawn]).tolist())
        has_layers = all("layer" in atoms.arrays for atoms in drawn)
        add_layer_legend(figure, numbers, has_layers)
    return figure
