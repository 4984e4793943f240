"""Draw the pictures of this folder: samples early and late, and the curves of a run.

python experiments/source/draw.py [NAME ...]     # by default every run below runs/source
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from keras_ruo2 import runs

HERE = Path(__file__).parent
RUNS = Path("runs/source")
COLOURS = 200  # of a picture: half of its size


def main(names):
    """Write NAME.png beside NAME.json."""
    for name in names or sorted(path.name for path in RUNS.iterdir()):
        draw(RUNS / name, HERE / f"{name}.png")


def draw(run, out):
    """Draw a run: its first and last pictures, losses, and diversity and stripes of samples."""
    pictures = sorted((run / runs.PICTURES).glob("*.png"))
    rows = runs.read_metrics(run / runs.METRICS)
    figure = plt.figure(figsize=(11, 4.4), dpi=72, layout="constrained")
    grid = figure.add_gridspec(2, 3, width_ratios=(1.4, 1.4, 1))
    losses, shapes = (figure.add_subplot(grid[row, 2]) for row in range(2))
    for column, path in enumerate((pictures[0], pictures[-1])):
        axes = figure.add_subplot(grid[:, column])
        axes.imshow(cropped(plt.imread(path)[..., :3]))
        axes.set_axis_off()
    for axes, columns in (
        (losses, ("critic_loss", "generator_loss")),
        (shapes, ("collapse_diversity", "collapse_stripes")),
    ):
        for column in columns:
            known = [(int(row["step"]), float(row[column])) for row in rows if row.get(column)]
            axes.plot(*np.transpose(known), label=column.replace("_", " "))
        axes.set_xlabel("generator updates")
        axes.legend(fontsize=7, frameon=False, loc="upper right")
    figure.suptitle(run.name, fontsize=9)
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])
    picture.quantize(COLOURS).save(out, optimize=True)
    plt.close(figure)


def cropped(picture):
    """Return a picture `(y, x, 3)` without its white margins."""
    dark = picture.min(axis=2) < 0.9
    (top, *_, bottom), (left, *_, right) = (np.flatnonzero(dark.any(axis=k)) for k in (1, 0))
    return picture[top : bottom + 1, left : right + 1]


if __name__ == "__main__":
    main(sys.argv[1:])
