"""Pictures of lengths, neighbours, energies and classes, in the style of `plotting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_ruo2.plotting.evaluation import GENERATED, REAL, two_histograms
from keras_ruo2.plotting.style import OXYGEN, RUTHENIUM, STYLE

PAIR_TITLES = {"ru_o": "O around Ru", "o_o": "O around O", "ru_ru": "Ru around Ru"}
OPINIONS = {"critic": ("Critic's reading", RUTHENIUM), "picture": ("Widths in the picture", OXYGEN)}
MOST_POINTS = 1000


def lattice_figure(
    generated: Mapping[str, np.ndarray], real: Mapping[str, np.ndarray], axis_names: Sequence[str]
) -> Figure:
    """Draw the joint distribution of lengths, the ratio, and what else says how long they are.

    Args:
        generated: What `lattice_opinions` returned of generated grids; `own` is the generator's.
        real: The same of held-out records; `own` is the truth.
        axis_names: Names of the lengths, z last.

    Returns:
        matplotlib figure.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 4, figsize=(12.4, 3.0), layout="constrained")
        made, true = generated["own"][:MOST_POINTS], real["own"][:MOST_POINTS]
        joint(axes[0], made, true, axis_names)
        ratio(axes[1], made, true, axis_names)
        sets = {"Generated: against its own length": generated, "Held-out: against the truth": real}
        for axis, (title, opinions) in zip(axes[2:], sets.items(), strict=True):
            draw_opinions(axis, opinions)
            axis.set_title(title, fontsize=9)
        axes[2].set_ylabel("Length by others (Å)")
        axes[2].legend(frameon=False, loc="upper left", markerscale=2)
    return figure


def joint(axis: Axes, made: np.ndarray, true: np.ndarray, names: Sequence[str]) -> None:
    """Draw two lengths against each other: of slices lateral and z, of whole grids x and z."""
    for values, colour, label in ((true, REAL, "Held-out"), (made, GENERATED, "Generated")):
        axis.plot(values[:, 0], values[:, -1], ".", ms=3, color=colour, label=label, alpha=0.6)
    axis.set_xlabel(f"Length, {names[0]} (Å)")
    axis.set_ylabel(f"Length, {names[-1]} (Å)")
    axis.set_title("Joint distribution", fontsize=9)
    axis.legend(frameon=False, markerscale=2)


def ratio(axis: Axes, made: np.ndarray, true: np.ndarray, names: Sequence[str]) -> None:
    """Draw how the ratio of the lengths is distributed; 1 is what the thesis's runs drifted to."""
    two_histograms(axis, made[:, 0] / made[:, -1], true[:, 0] / true[:, -1], "Held-out")
    low, high = axis.get_xlim()
    if low < 1 < high:  # cells of whole grids are far from it
        axis.axvline(1, color="0.3", lw=0.8, ls="--")
    axis.set_xlabel(f"Ratio {names[0]} : {names[-1]}")
    axis.set_ylabel("Share per bin")
    axis.set_title("Ratio of lengths", fontsize=9)


def draw_opinions(axis: Axes, opinions: Mapping[str, np.ndarray]) -> None:
    """Draw each other opinion on the lengths against the own one."""
    own = opinions["own"][:MOST_POINTS]
    low, high = own.min() - 1, own.max() + 1
    axis.plot([low, high], [low, high], color="0.3", lw=0.8, ls="--")
    for name, (label, colour) in OPINIONS.items():
        if name in opinions:
            other = opinions[name][:MOST_POINTS]
            axis.plot(own.ravel(), other.ravel(), ".", ms=2.5, color=colour, label=label, alpha=0.5)
    axis.set_xlim(low, high)
    axis.set_ylim(low - 3, high + 3)
    axis.set_xlabel("Length (Å)")


def radial_figure(generated: Mapping[str, Any], real: Mapping[str, Any]) -> Figure:
    """Draw the neighbours of an atom by distance.

    Args:
        generated: What `radial_distributions` returned.
        real: The same of real grids, in the same unit.

    Returns:
        matplotlib figure.
    """
    unit = generated["unit"]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(9, 2.5), layout="constrained")
        for axis, (name, title) in zip(axes, PAIR_TITLES.items(), strict=True):
            axis.fill_between(real["distance"], real[name], color=REAL, lw=0, label="Real")
            axis.plot(generated["distance"], generated[name], color=GENERATED, label="Generated")
            axis.set_title(title, fontsize=9)
            axis.set_xlabel(f"Distance ({unit})")
            axis.set_ylim(bottom=0)
        axes[0].set_ylabel(f"Neighbours of an atom per {unit.removesuffix('s')}")
        axes[0].legend(frameon=False)
    return figure


def energy_figure(
    nearest: np.ndarray, training: np.ndarray, held_out: np.ndarray, edges: Sequence[float] = ()
) -> Figure:
    """Draw energies of records, and of the training records that are nearest to the samples.

    Args:
        nearest: Energy per atom of the nearest training record of each sample, eV.
        training: Energies of the training records.
        held_out: Energies of the held-out records.
        edges: Edges of the energy classes.

    Returns:
        matplotlib figure.
    """
    panels = {"Nearest training records of the samples": nearest, "Held-out records": held_out}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(8, 2.5), sharey=True, layout="constrained")
        for axis, (title, energies) in zip(axes, panels.items(), strict=True):
            bins = np.linspace(np.nanmin(training), np.nanmax(training), 31)
            for values, style in (
                (training, {"color": REAL, "label": "Training records"}),
                (energies, {"color": GENERATED, "histtype": "step", "lw": 1.5, "label": title}),
            ):
                values = np.clip(values[np.isfinite(values)], bins[0], bins[-1])
                if len(values):
                    axis.hist(values, bins, weights=np.full(len(values), 1 / len(values)), **style)
            for edge in edges:
                axis.axvline(edge, color="0.3", lw=0.5, ls=":")
            axis.set_xlabel("Energy (eV per atom)")
            axis.legend(frameon=False, loc="upper right")
        axes[0].set_ylim(top=1.3 * axes[0].get_ylim()[1])  # room for the legends
        axes[0].set_ylabel("Share per bin")
    return figure


def confusion_figure(scores: Mapping[str, Any]) -> Figure:
    """Draw which class is read where which was asked for, beside the same of held-out records.

    Args:
        scores: What `conditioning_scores` returned.

    Returns:
        matplotlib figure.
    """
    panels = {"generated": "Generated", "held_out": "Held-out records"}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.3), layout="constrained")
        for axis, (name, title) in zip(axes, panels.items(), strict=True):
            score = scores[name]
            counts = np.array(score["confusion"], dtype=float)
            sums = counts.sum(axis=1, keepdims=True)
            shares = np.divide(counts, sums, out=np.full_like(counts, np.nan), where=sums > 0)
            image = axis.imshow(shares, cmap="cividis", vmin=0, vmax=1)
            axis.set_xticks(range(len(counts)))
            axis.set_yticks(range(len(counts)))
            axis.set_xlabel("Class read by the classifier")
            axis.set_title(
                f"{title}\n{score['information']:.2f} bits; shuffled {score['null']:.2f}",
                fontsize=9,
            )
        axes[0].set_ylabel("Class asked for")
        axes[1].set_ylabel("Class of the record")
        figure.colorbar(image, ax=axes, label="Share of the row", shrink=0.9)
    return figure
