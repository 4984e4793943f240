"""Round trip of structures through grids: composition, RMSD, speed.

    OMP_NUM_THREADS=1 python experiments/benchmarks/backmap.py [STRUCTURES] [--limit=N] [--seed=S]
    OMP_NUM_THREADS=1 python experiments/benchmarks/backmap.py --samples=GENERATED.npz

prepares every structure as the recipe gap2d does (orthogonal, 12 Å of vacuum, nearly cubic), moves
it by a random vector, voxelises it on 32^3 voxels and maps it back from the grid as it is and as
stored or disturbed in other ways. Beside it stands the baseline `peaks`: maxima of the density's
local integral between the voxels, without any fit. Prints one JSON line. With `--rows=FILE.csv` it
writes a row for each structure and storage, with `--picture=FILE.png` RMSD against bound, and the
worst structure of each kind of noise. With `--samples` it only times generated grids.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from plotting_round_trips import round_trips as draw_round_trips  # noqa: E402
from round_trips import NOISES, SHAPE, STORAGES, attempt, peaks, timed  # noqa: E402

from keras_ruo2.density.backmap import backmap  # noqa: E402
from keras_ruo2.density.batch import map_sample  # noqa: E402
from keras_ruo2.density.voxelise import voxelise  # noqa: E402
from keras_ruo2.io.paths import BUNDLED_STRUCTURES  # noqa: E402
from keras_ruo2.io.samples import read_samples  # noqa: E402
from keras_ruo2.io.structures import read_structures  # noqa: E402
from keras_ruo2.plotting import style  # noqa: E402
from keras_ruo2.recipes import RECIPES  # noqa: E402
from keras_ruo2.records.samples import rotate_and_translate  # noqa: E402
from keras_ruo2.records.survey import prepare_structure  # noqa: E402
from keras_ruo2.structure.cells import LARGEST_VOXEL  # noqa: E402

COLUMNS = (
    *("storage", "name", "atoms", "voxel", "right", "wanted", "found", "rmsd", "bound"),
    *("peak_rmsd", "reproduced", "failures", "seconds"),
)


def summary(rows):
    """Return the figures of a group of rows."""
    if not rows:
        return {"structures": 0}
    errors = np.array([row["rmsd"] for row in rows if row["right"]])
    worst = max((row for row in rows if row["right"]), key=lambda row: row["rmsd"], default=None)
    return {
        "structures": len(rows),
        "composition_right": sum(row["right"] for row in rows),
        "rmsd_mean": round(float(errors.mean()), 5) if len(errors) else None,
        "rmsd_worst": round(float(errors.max()), 5) if len(errors) else None,
        "worst": worst and f"{worst['name']} ({worst['voxel']:.2f} Å)",
        "bound_mean": round(float(np.mean([row["bound"] for row in rows])), 4),
        "above_bound_worst": round(
            max(
                (row["rmsd"] / row["bound"] for row in rows if row["right"] and row["bound"]),
                default=0,
            ),
            3,
        ),
        "wrong": [
            f"{row['name']}: {row.get('found')} not {row.get('wanted')}"
            for row in rows
            if not row["right"]
        ][:10],
        "failures": dict(Counter(row["failures"] for row in rows)),
        "atoms_per_second": round(
            sum(row["atoms"] for row in rows) / sum(row["seconds"] for row in rows)
        ),
        "slowest_seconds": round(max(row["seconds"] for row in rows), 3),
        "peaks": {
            "composition_right": int(sum(np.isfinite(row["peak_rmsd"]) for row in rows)),
            "rmsd_mean": rounded_mean([row["peak_rmsd"] for row in rows]),
            "backmap_costs_times": round(
                sum(row["seconds"] for row in rows) / sum(row["peak_seconds"] for row in rows), 1
            ),
        },
    }


def rounded_mean(values):
    """Return the mean of the finite values, `None` if there is none."""
    finite = np.array(values)[np.isfinite(values)]
    return round(float(finite.mean()), 5) if len(finite) else None


def time_samples(path, count):
    """Return what mapping generated grids back costs, and what the baseline costs."""
    grids, lengths, _ = read_samples(path)
    alpha, rows, failures = RECIPES["gap3d"].alpha, [], Counter()
    for grid, size in zip(grids[:count], lengths[:count], strict=True):
        found, seconds = timed(map_sample, grid, size, alpha)
        _, peak_seconds = timed(peaks, np.clip(grid, 0, 1), size, alpha)
        rows.append((len(found), seconds, peak_seconds))
        failures.update(found.info["failures"].split())
    atoms, seconds, peak_seconds = np.array(rows).T
    return {
        "samples": len(rows),
        "atoms_mean": round(float(atoms.mean()), 1),
        "seconds_mean": round(float(seconds.mean()), 4),
        "seconds_worst": round(float(seconds.max()), 4),
        "atoms_per_second": round(float(atoms.sum() / seconds.sum())),
        "backmap_costs_times_peaks": round(float(seconds.sum() / peak_seconds.sum()), 1),
        "failures": dict(failures),
    }


def worst_of(rows, name):
    """Return the row of a storage with the largest RMSD, those of wrong composition first."""
    of_name = [row for row in rows if row["storage"] == name]
    return max(of_name, key=lambda row: (not row["right"], np.nan_to_num(row["rmsd"])))


def draw(path, rows, boxes, alpha, seed):
    """Draw RMSD against voxel and bound, and the worst structure of each kind of noise."""
    noises = [name for name in NOISES if any(row["storage"] == name for row in rows)]
    worst = []
    for name in noises:
        row = worst_of(rows, name)
        box = boxes[row["number"]]
        grid = STORAGES[name](voxelise(box, SHAPE, alpha=alpha), np.random.default_rng(seed))
        worst.append(
            (f"{row['name']}, {name}", grid, box, backmap(grid, row["lengths"], alpha=alpha))
        )
    style.save_figure(draw_round_trips(rows, noises, worst), path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("structures", nargs="?", default=str(BUNDLED_STRUCTURES))
    parser.add_argument("--recipe", default="gap2d", choices=sorted(RECIPES))
    parser.add_argument("--limit", type=int, default=None, help="every n-th structure only")
    parser.add_argument("--storages", default=",".join(STORAGES))
    parser.add_argument(
        "--thickness",
        type=float,
        default=0.0,
        help="leave out cells shorter than this along z, Å (bulk)",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", help="time generated grids instead")
    parser.add_argument("--count", type=int, default=40, help="of --samples")
    parser.add_argument("--rows", help="a table of every structure, .csv")
    parser.add_argument("--picture", help="RMSD and the worst structures, .png")
    options = parser.parse_args()
    result = (
        measure(options) if not options.samples else time_samples(options.samples, options.count)
    )
    print(json.dumps(result, ensure_ascii=False))


def measure(options):
    """Return the figures of all structures in all storages; write the table and the picture."""
    recipe = RECIPES[options.recipe]
    chosen = [
        atoms
        for atoms in read_structures(options.structures)
        if atoms.cell.lengths()[2] >= options.thickness
    ][:: options.limit or 1]
    rng = np.random.default_rng(options.seed)
    boxes = [
        rotate_and_translate(prepare_structure(atoms, recipe), rng, rotate=False)
        for atoms in chosen
    ]
    table, everything = {}, []
    for name in options.storages.split(","):
        rows = [
            attempt(box, name, recipe.alpha, options.seed)
            | {"number": number, "lengths": box.cell.lengths()}
            for number, box in enumerate(boxes)
        ]
        everything += rows
        table[name] = {
            f"below {LARGEST_VOXEL} Å": summary(
                [row for row in rows if row["voxel"] < LARGEST_VOXEL]
            ),
            f"from {LARGEST_VOXEL} Å": summary(
                [row for row in rows if row["voxel"] >= LARGEST_VOXEL]
            ),
        }
    if options.rows:
        write_rows(options.rows, everything)
    if options.picture:
        draw(options.picture, everything, boxes, recipe.alpha, options.seed)
    return {
        "recipe": options.recipe,
        "alpha": recipe.alpha,
        "seed": options.seed,
        "largest_voxel": round(max(row["voxel"] for row in everything), 3),
        "results": table,
    }


def write_rows(path, rows):
    """Write the columns of `COLUMNS` of all rows."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(
            {
                key: round(value, 5) if isinstance(value, float) else value
                for key, value in row.items()
            }
            for row in rows
        )


if __name__ == "__main__":
    main()
