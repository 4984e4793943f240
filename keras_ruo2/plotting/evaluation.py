"""Pictures of an evaluation: real beside generated, in the style of `plotting`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from keras_ruo2.plotting.style import OXYGEN, RUTHENIUM, STYLE, colour_densities

# Of Okabe and Ito's palette too; blue and orange are the species'.
GENERATED, REAL = "#009E73", "0.6"
NUM_BINS = 40


def similarity_histogram(matches: Any, null: Any, threshold: float) -> Figure:
    """Draw how similar the best training records are, beside the same of held-out records.

    Args:
        matches: `Matches` of the samples.
        null: `Matches` of held-out records.
        threshold: Similarity above which a sample counts as similar.

    Returns:
        matplotlib figure.
    """
    panels = {
        "Ru": (matches.channel_ssim[:, 0], null.channel_ssim[:, 0]),
        "O": (matches.channel_ssim[:, 1], null.channel_ssim[:, 1]),
        "Both (the lesser of a pair)": (matches.similarity, null.similarity),
    }
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(9, 2.7), sharey=True, layout="constrained")
        for axis, (name, (made, real)) in zip(axes, panels.items(), strict=True):
            two_histograms(axis, made, real, "Held-out")
            axis.set_title(name, fontsize=9)
            axis.set_xlabel("SSIM of the best match in the training records")
        axes[-1].axvline(threshold, color=OXYGEN, lw=1, ls="--")
        axes[-1].annotate(
            "1 % of held-out\nlie beyond",
            (threshold, 1),
            (-4, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right",
            va="top",
            color=OXYGEN,
            fontsize=7,
        )
        axes[0].set_ylabel("Share of samples per bin")
        axes[0].legend(frameon=False, loc="upper left")
    return figure


def two_histograms(axis: Axes, made: np.ndarray, real: np.ndarray, real_name: str = "Real") -> None:
    """Draw the shares of two sets of values in common bins; the real ones filled."""
    made, real = (np.ravel(values)[np.isfinite(np.ravel(values))] for values in (made, real))
    both = np.concatenate([made, real])
    if not len(both):
        axis.text(0.5, 0.5, "no values", transform=axis.transAxes, ha="center")
        return
    bins = edges(both)
    for values, name, style in (
        (real, real_name, {"color": REAL}),
        (made, "Generated", {"color": GENERATED, "histtype": "step", "lw": 1.5}),
    ):
        if len(values):
            inside = np.clip(values, bins[0], bins[-1])
            weights = np.full(len(values), 1 / len(values))
            axis.hist(inside, bins.tolist(), weights=weights, label=name, **style)


def edges(values: np.ndarray) -> np.ndarray:
    """Return bins for all values but the outermost percent; one each if they are few different."""
    few = len(values) <= 200
    low, high = (values.min(), values.max()) if few else np.percentile(values, [0.5, 99.5])
    distinct = np.unique(values.round(6))
    if len(distinct) > NUM_BINS:
        return np.linspace(low, high if high > low else low + 1, NUM_BINS + 1)
    step = np.diff(distinct).min() if len(distinct) > 1 else 1.0
    if distinct[-1] - distinct[0] > NUM_BINS * step:
        step = (distinct[-1] - distinct[0]) / NUM_BINS
    return np.arange(distinct[0] - step / 2, distinct[-1] + step, step)


def pairs(
    samples: np.ndarray,
    records: np.ndarray,
    similarities: np.ndarray,
    names: Sequence[str],
) -> Figure:
    """Draw samples above the training records that they resemble most.

    Args:
        samples: Grids of shape `(n, lateral, z, 2)`.
        records: Grids of the same shape.
        similarities: SSIM of Ru and O of each pair, `(n, 2)`.
        names: Structure of each record.

    Returns:
        matplotlib figure.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            2, len(samples), figsize=(1.6 * len(samples) + 0.5, 4.0), squeeze=False
        )
        figure.subplots_adjust(0.06, 0.10, 0.99, 0.90, wspace=0.12, hspace=0.3)
        for column, similarity in enumerate(similarities):
            for row, grids in enumerate((samples, records)):
                axis = axes[row, column]
                axis.imshow(
                    colour_densities(grids[column]), origin="lower", interpolation="nearest"
                )
                axis.set_xticks([])
                axis.set_yticks([])
                for side in axis.spines.values():
                    side.set(visible=True, color="0.5", lw=0.5)
            axes[0, column].set_title(
                f"SSIM Ru {similarity[0]:.2f}\nO {similarity[1]:.2f}", fontsize=7
            )
            axes[1, column].set_title(shortened(names[column]), fontsize=6.5)
        axes[0, 0].set_ylabel("Generated", fontsize=9)
        axes[1, 0].set_ylabel("Training", fontsize=9)
        species = [
            plt.Line2D([], [], marker="o", ls="", color=colour, label=name)
            for name, colour in (("Ru", RUTHENIUM), ("O", OXYGEN))
        ]
        figure.legend(handles=species, loc="lower center", ncols=2, frameon=False)
    return figure


def shortened(name: str, most: int = 20) -> str:
    """Break a structure's name into lines."""
    lines = [""]
    for part in name.split("-"):
        joined = f"{lines[-1]}-{part}" if lines[-1] else part
        lines = [*lines[:-1], joined] if len(joined) <= most else [*lines, part]
    return "\n".join(lines)


def marginal_histograms(
    generated: Mapping[str, Any], real: Mapping[str, Any], scores: Mapping[str, Mapping[str, float]]
) -> Figure:
    """Draw each physical quantity of generated and real samples.

    Args:
        generated: Dict of `Marginal`.
        real: The same of real samples.
        scores: Dict of dicts with `ratio`, `low` and `high`, by name; may lack some.

    Returns:
        matplotlib figure.
    """
    columns = 4
    rows = -(-len(generated) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=(10, 2.1 * rows), squeeze=False, layout="constrained"
        )
        for axis, name in zip(axes.flat, generated, strict=False):
            values = generated[name]
            two_histograms(axis, values.values, real[name].values)
            unit = f" ({values.unit})" if values.unit else ""
            axis.set_xlabel(values.title + unit)
            if name in scores:
                score = scores[name]
                axis.set_title(
                    f"distance / floor {score['ratio']:.1f} "
                    f"({score['low']:.1f} to {score['high']:.1f})",
                    fontsize=7,
                )
        for axis in axes.flat[len(generated) :]:
            axis.axis("off")
        for row in axes:
            row[0].set_ylabel("Share per bin")
        axes[0, 0].legend(frameon=False)
    return figure


def collapse_bars(collapse: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the scores of collapse, for all samples and for each class.

    Args:
        collapse: Dict of groups, `all` and classes, to dicts of scores.

    Returns:
        matplotlib figure.
    """
    ratios = {"diversity": "Diversity", "spacing": "Spacing"}
    ratios |= {"contrast_ru": "Contrast, Ru", "contrast_o": "Contrast, O"}
    excesses = {
        "stripes": "Stripes",
        "echoes": "Echoes",
        "noise": "Noise",
        "background": "Background",
    }
    titles = ("Ratio to real data: 1 is right", "Above real data: 0 is right, 1 the worst")
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained")
        for axis, names, title in zip(axes, (ratios, excesses), titles, strict=True):
            width = 0.8 / len(collapse)
            for number, (group, scores) in enumerate(collapse.items()):
                values = np.array([scores[name] for name in names], dtype=float)
                places = np.arange(len(names)) + (number + 0.5) * width - 0.4
                colour = GENERATED if group == "all" else plt.cm.cividis(number / len(collapse))
                axis.bar(places, np.nan_to_num(values), 0.95 * width, color=colour, label=group)
                if len(collapse) == 1:
                    for place, value in zip(places, values, strict=True):
                        text = f"{value:.2f}" if np.isfinite(value) else "unknown"
                        axis.text(place, np.nan_to_num(value), text, ha="center", va="bottom")
            axis.set_xticks(range(len(names)), names.values())
            axis.set_title(title, fontsize=9)
        axes[0].axhline(1, color="0.3", lw=0.8, ls="--")
        axes[1].set_ylim(0, max(1.0, axes[1].get_ylim()[1]))
        if len(collapse) > 1:
            axes[1].legend(frameon=False, ncols=3, fontsize=6)
    return figure


def mean_spectra(generated: np.ndarray, real: np.ndarray) -> Figure:
    """Draw the mean Fourier power of both sets: stripes lie on the axes, noise fills the edges.

    Args:
        generated: Grids of shape `(n, *grid, 2)`; of whole grids the xz plane of the spectrum.
        real: The same of real samples.

    Returns:
        matplotlib figure.
    """
    panels = {"Generated": power(generated), "Real (training)": power(real)}
    highest = max(max(values.max() for values in panels.values()), 1e-12)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.0), layout="constrained", sharey=True)
        for axis, (name, values) in zip(axes, panels.items(), strict=True):
            half = [size // 2 for size in values.shape]
            image = axis.imshow(
                np.maximum(values, 1e-5 * highest).T,
                origin="lower",
                norm=LogNorm(1e-5 * highest, highest),
                extent=(-half[0] - 0.5, half[0] - 0.5, -half[1] - 0.5, half[1] - 0.5),
                cmap="cividis",
            )
            axis.set_title(name, fontsize=9)
            axis.set_xlabel("Waves per lateral length")
        axes[0].set_ylabel("Waves per z length")
        figure.colorbar(image, ax=axes, label="Mean power (voxels)", shrink=0.9)
    return figure


def power(grids: np.ndarray, most: int = 1000) -> np.ndarray:
    """Return the mean power spectrum in the plane of the first axis and z, without the mean."""
    grids = np.asarray(grids[:most], dtype=np.float32)
    if grids.ndim == 5:
        grids = grids.mean(axis=2)  # the plane of the spectrum where nothing varies along y
    values = np.abs(np.fft.fft2(grids, axes=(1, 2))) ** 2 / np.prod(grids.shape[1:3])
    values = values.mean(axis=0).sum(axis=-1)
    values[0, 0] = 0
    return np.fft.fftshift(values)
