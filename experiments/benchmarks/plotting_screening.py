"""Pictures of how screening tells slabs apart."""

import matplotlib.pyplot as plt
import numpy as np

from keras_ruo2.plotting.style import OXYGEN, RUTHENIUM, STYLE

COLOURS = (RUTHENIUM, "#56B4E9", "0.6", OXYGEN)  # Okabe and Ito
LEAST = 1e-5  # of 1 - kernel and of displacements that are drawn


def pair_distributions(classes, thresholds, dilution):
    """Draw how far apart pairs of slabs are, and what averages over atoms hide.

    Args:
        classes: Dict of up to four names to `(kernels, displacements)`, arrays of equal lengths;
            displacements in Å, infinite where cells cannot be brought together.
        thresholds: `(kernel, displacement)` of equal slabs.
        dilution: Dict of kernels' names to `(atoms, values)` for a slab with one O more.

    Returns:
        matplotlib figure.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.0), layout="constrained")
        for row, (name, (kernels, apart)) in enumerate(classes.items()):
            colour = COLOURS[row]
            draw_row(axes[0], row, 1 - np.asarray(kernels), colour)
            finite = np.asarray(apart)[np.isfinite(apart)]
            draw_row(axes[1], row, finite, colour)
            for axis in axes[:2]:
                axis.text(0.01, row + 0.32, name, transform=axis.get_yaxis_transform(), fontsize=7)
        axes[0].axvline(1 - thresholds[0], color="k", lw=0.8, ls="--")
        axes[1].axvline(thresholds[1], color="k", lw=0.8, ls="--")
        axes[0].set_xlabel("1 - kernel of the worst match")
        axes[1].set_xlabel("Largest displacement (Å)")
        for axis in axes[:2]:
            axis.set_xscale("log")
            axis.set_yticks([])
            axis.set_ylim(-0.5, len(classes) - 0.3)
        for (name, (atoms, values)), colour in zip(dilution.items(), COLOURS, strict=False):
            axes[2].plot(atoms, 1 - np.asarray(values), "o-", ms=3, color=colour, label=name)
        axes[2].set_yscale("log")
        axes[2].set_xlabel("Atoms of the slab that gets one O more")
        axes[2].set_ylabel("1 - kernel")
        axes[2].legend(frameon=False, fontsize=7)
    return figure


def draw_row(axis, row, values, colour):
    """Draw each value as a tick, jittered in its row."""
    jitter = np.random.default_rng(row).uniform(-0.25, 0.25, len(values))
    axis.plot(np.maximum(values, LEAST), row + jitter, ".", ms=2.5, color=colour, alpha=0.6)
