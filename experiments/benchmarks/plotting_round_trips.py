"""Pictures of round trips through grids."""

import matplotlib.pyplot as plt
import numpy as np

from keras_ruo2.plotting.atoms import draw_atoms, on_pixels
from keras_ruo2.plotting.style import LINES, OXYGEN, RUTHENIUM, STYLE, draw_slice

COLOURS = {"Ru": RUTHENIUM, "O": OXYGEN}


def round_trips(rows, noises, worst):
    """Draw the RMSD of round trips against the voxel, and the worst structure of each noise.

    Args:
        rows: Dicts with `storage`, `voxel`, `rmsd`, `bound`, `right`.
        noises: Names of the storages to draw.
        worst: Tuples of title, grid `(x, y, z, 2)`, `ase.Atoms` as they were and as found.

    Returns:
        matplotlib figure.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, 1 + len(worst), figsize=(3.6 + 3 * len(worst), 3.3), layout="constrained"
        )
        first, *others = np.atleast_1d(axes)
        for name, colour in zip(noises, LINES, strict=False):
            drawn = [row for row in rows if row["storage"] == name]
            voxels = [row["voxel"] for row in drawn]
            first.scatter(voxels, [row["bound"] for row in drawn], s=5, color="0.75", lw=0)
            first.scatter(voxels, [row["rmsd"] for row in drawn], s=5, color=colour, label=name)
        first.scatter([], [], s=5, color="0.75", label="bound")
        first.set(xlabel="Longest voxel edge (Å)", ylabel="RMSD (Å)", ylim=(0, None))
        first.legend(frameon=False, fontsize=7)
        for axis, (title, grid, true, mapped) in zip(others, worst, strict=True):
            draw_trip(axis, title, grid, true, mapped)
    return figure


def draw_trip(axis, title, grid, true, mapped):
    """Draw a noisy grid along y, averaged, with its atoms as dots and those found as rings."""
    size = true.cell.lengths()[[0, 2]]
    mean = grid.mean(axis=1)
    empty = np.median(mean, axis=(0, 1))
    mean = np.clip((mean - empty) / (mean.max(axis=(0, 1)) - empty), 0, 1)
    draw_slice(axis, mean, size, size.max(), labelled=False)
    colours = [COLOURS[name] for name in true.symbols]
    axis.scatter(*on_pixels(true, size, mean.shape[:2]), s=5, c=colours, edgecolors="white", lw=0.3)
    draw_atoms(axis, mapped, size, mean.shape[:2])
    wanted, given = true.get_chemical_formula(), mapped.get_chemical_formula()
    text = wanted if wanted == given else f"{given} instead of {wanted}"
    axis.set_title(f"{title}\n{text}", fontsize=7)
