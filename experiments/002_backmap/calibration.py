"""Is an atom as far off as `backmap` says? Expected against true errors, drawn and as a table.

    python experiments/002_backmap/calibration.py [--slabs=12] [--out=FOLDER]

Bundled slabs, thermally displaced and moved at random, become grids with voxels of 0.4 to 0.95 Å in
normal noise (clipped to [0, 1]) and are mapped back. An atom's error is its distance from the
nearest true atom of its species, whether or not the number of atoms is right. Writes
calibration.csv (a row for each voxel and noise) and calibration.png.
"""

import argparse
import csv
from pathlib import Path

import ase.io
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from keras_ruo2.density.backmap import BackmapFailure, backmap
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.structure.cells import orthogonalise

HERE = Path(__file__).parent
SLABS = HERE.parents[1] / "tfrecords/gap.extxyz"
ALPHA = 5.0
VOXELS = (0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.87, 0.95)
NOISES = (0.01, 0.02, 0.05, 0.1)
DISPLACED, NEAR = 0.05, 0.1  # Å
COLUMNS = (
    *("voxel", "noise", "named", "atoms", "rms_error", "rms_expected", "ratio", "worst"),
    *("within_0.1", "confidence", "coarse", "wrong", "wrong_unnamed"),
)


def main():
    """Map all grids back and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slabs", type=int, default=12)
    parser.add_argument("--out", type=Path, default=HERE)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    bundled = ase.io.read(SLABS, ":")
    slabs = [orthogonalise(slab) for slab in bundled[:: len(bundled) // given.slabs]][: given.slabs]
    found = {
        (voxel, noise): [attempt(slab, voxel, noise, number) for number, slab in enumerate(slabs)]
        for voxel in VOXELS
        for noise in NOISES
    }
    rows = [row for key, grids in found.items() for row in rows_of(*key, grids)]
    with open(given.out / "calibration.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    draw(found, given.out / "calibration.png")


def attempt(slab, voxel, noise, number):
    """Return a grid's errors, expected errors, confidences, failures and whether it is right."""
    rng = np.random.default_rng([number, round(1000 * voxel), round(1000 * noise)])
    slab = slab.copy()
    lengths = slab.cell.lengths()
    slab.positions += rng.uniform(size=3) * lengths
    slab.positions += rng.normal(scale=DISPLACED, size=slab.positions.shape)
    slab.wrap()
    shape = np.maximum(np.rint(lengths / voxel), 6).astype(int)
    grid = voxelise(slab, tuple(shape), alpha=ALPHA)
    grid = np.clip(grid + rng.normal(scale=noise, size=grid.shape), 0, 1)
    try:
        atoms = backmap(grid, lengths, alpha=ALPHA)
    except BackmapFailure as failure:
        return np.empty(0), np.empty(0), np.empty(0), {failure.reason}, False
    right = atoms.get_chemical_formula() == slab.get_chemical_formula()
    arrays = (atoms.arrays[name] for name in ("expected_error", "confidence"))
    return distances(slab, atoms, lengths), *arrays, set(atoms.info["failures"].split()), right


def distances(slab, found, lengths):
    """Return how far each atom that was found lies from the nearest true one of its species."""
    places = found.positions - [0, 0, found.info["shift"]]
    apart = slab.positions[None] - places[:, None]
    apart = np.linalg.norm(apart - lengths * np.round(apart / lengths), axis=2)
    apart[found.numbers[:, None] != slab.numbers[None]] = np.inf
    return apart.min(axis=1)


def rows_of(voxel, noise, grids):
    """Yield a row for the grids that name a failure and one for those that name none."""
    for named in (False, True):
        some = [grid for grid in grids if (grid[3] != {"no"}) == named]
        errors, expected, confidence = (
            np.concatenate([grid[part] for grid in some] or [np.empty(0)]) for part in range(3)
        )
        if len(errors):
            values = (rms(errors), rms(expected), rms(expected) / rms(errors), errors.max())
            values += ((errors < NEAR).mean(), confidence.mean())
            counts = (
                sum("coarse_voxels" in grid[3] for grid in some),
                sum(not grid[4] for grid in grids),
                sum(not grid[4] and grid[3] == {"no"} for grid in grids),
            )
            shorter = [f"{value:.4f}" for value in values]
            row = (voxel, noise, named, len(errors), *shorter, *counts)
            print(*row, flush=True)
            yield dict(zip(COLUMNS, row, strict=True))


def rms(values):
    """Return the root mean square."""
    return np.sqrt((values**2).mean())


def draw(found, path):
    """Draw true against expected errors, and how many atoms are as near as they are said to be."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.4), layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.95, len(VOXELS)))
    for voxel, colour in zip(VOXELS, colours, strict=True):
        for named, marker in ((False, "o"), (True, "x")):
            places = points(found, voxel, named)
            if len(places):
                left.plot(*places.T, marker, color=colour, ms=5, ls="")
        left.plot([], [], "o", color=colour, label=f"{voxel:g} Å")
    ends = np.array([1e-3, 1])
    left.plot(ends, ends, color="0.4", lw=1)
    left.fill_between(ends, ends / 1.5, ends * 1.5, color="0.9", zorder=0)
    left.plot([], [], "kx", ls="", label="grid named a failure")
    left.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    left.set(xlabel="Expected error (Å)", ylabel="True error, root mean square (Å)")
    left.legend(title="Voxels", fontsize=8, frameon=False)
    for named, style in ((False, "o-"), (True, "x--")):
        places = reliability(found, named)
        label = "with a failure named" if named else "no failure named"
        right.plot(*places.T, style, color="0.5" if named else "#0072B2", label=label)
    right.plot([0, 1], [0, 1], color="0.4", lw=1)
    right.set(xlabel="Confidence", ylabel=f"Share of atoms within {NEAR} Å", xlim=(0, 1.02))
    right.legend(frameon=False, fontsize=8)
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def gathered(found, named, voxels=VOXELS):
    """Return errors, expected errors and confidences of all atoms of grids, shape `(3, n)`."""
    grids = [
        np.stack(grid[:3])
        for (voxel, _), some in found.items()
        for grid in some
        if voxel in voxels and (grid[3] != {"no"}) == named
    ]
    return np.concatenate(grids or [np.empty((3, 0))], axis=1)


def points(found, voxel, named, size=60):
    """Return pairs of expected and true error of groups of atoms of like expected error."""
    errors, expected, _ = gathered(found, named, (voxel,))
    order = np.argsort(expected)
    groups = np.array_split(order, max(1, len(order) // size)) if len(order) else []
    return np.array([(rms(expected[some]), rms(errors[some])) for some in groups])


def reliability(found, named, size=80):
    """Return pairs of mean confidence and share of near atoms, of ten bins of confidence."""
    errors, _, confidence = gathered(found, named)
    bins = np.minimum((10 * confidence).astype(int), 9)
    some = [bins == number for number in range(10) if (bins == number).sum() >= 20]
    return np.array([(confidence[part].mean(), (errors[part] < NEAR).mean()) for part in some])


if __name__ == "__main__":
    main()
