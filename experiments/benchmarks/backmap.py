"""Round trip of structures through grids: composition, RMSD, speed.

    OMP_NUM_THREADS=1 python experiments/benchmarks/backmap.py [STRUCTURES] [--limit=N] [--seed=S]

prepares every structure as the recipe gap2d does (orthogonal, 12 Å of vacuum, nearly cubic), moves
it by a random vector, voxelises it on 32^3 voxels and maps it back from the grid as it is and as
stored or disturbed in other ways. Prints one JSON line.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from data_prep.records import prepare  # noqa: E402
from data_prep.samples import augment  # noqa: E402
from keras_ruo2.errors import ConfigError  # noqa: E402
from keras_ruo2.paths import BUNDLED_STRUCTURES  # noqa: E402
from keras_ruo2.recipes import RECIPES  # noqa: E402
from keras_ruo2.structure.backmap import backmap  # noqa: E402
from keras_ruo2.structure.cells import LARGEST_VOXEL  # noqa: E402
from keras_ruo2.structure.stencils import Lattice  # noqa: E402
from keras_ruo2.structure.files import read_structures  # noqa: E402
from keras_ruo2.structure.voxels import voxelise  # noqa: E402

SHAPE = (32, 32, 32)


def noisy(share):
    return lambda grid, rng: np.clip(grid + share * rng.normal(size=grid.shape), 0, 1)


NOISES = {"noise 5 %": 0.05, "noise 10 %": 0.10, "noise 15 %": 0.15}
STORAGES = {
    "float32": lambda grid, rng: grid,
    "float16": lambda grid, rng: grid.astype(np.float16),
    "uint8": lambda grid, rng: np.round(255 * grid).astype(np.uint8),
    **{name: noisy(share) for name, share in NOISES.items()},
}


def rmsd(atoms, found):
    """Return the root mean square distance of the best pairing, Å, after undoing `shift`."""
    lengths = atoms.cell.lengths()
    squares = []
    for number in np.unique(atoms.numbers):
        one = atoms.positions[atoms.numbers == number]
        other = found.positions[found.numbers == number] - [0, 0, found.info["shift"]]
        apart = one[:, None] - other[None]
        apart -= lengths * np.round(apart / lengths)
        cost = (apart**2).sum(axis=-1)
        squares.extend(cost[linear_sum_assignment(cost)])
    return float(np.sqrt(np.mean(squares)))


def least_rmsd(atoms, alpha, noise):
    """Return the Cramér-Rao bound of the RMSD, Å: no unbiased decoder can do better on average.

    For single Gaussians under normal noise that is not clipped; clipping only takes information
    away. The information is summed over the voxels, so it holds for every place between them.
    """
    lattice = Lattice(atoms.cell.lengths(), SHAPE, alpha)
    factors, slopes = lattice.factors(atoms.positions), lattice.slopes(atoms.positions)
    columns = [factors[:k] + [slopes[k]] + factors[k + 1 :] for k in range(3)]
    information = np.array(
        [
            [
                np.prod([(u * v).sum(axis=1) for u, v in zip(a, b, strict=True)], axis=0)
                for b in columns
            ]
            for a in columns
        ]
    )
    inverse = np.linalg.inv(np.moveaxis(information, -1, 0))
    return float(noise * np.sqrt(np.trace(inverse, axis1=1, axis2=2).mean()))


def attempt(atoms, name, alpha, seed):
    """Return a row: how one structure came back from one kind of storage."""
    rng = np.random.default_rng(seed)
    grid = STORAGES[name](voxelise(atoms, SHAPE, alpha=alpha), rng)
    row = {
        "name": str(atoms.info.get("name", atoms.get_chemical_formula())),
        "atoms": len(atoms),
        "voxel": float(atoms.cell.lengths().max() / 32),
    }
    row["bound"] = least_rmsd(atoms, alpha, NOISES.get(name, 0.0))
    start = time.process_time()
    try:
        found = backmap(grid, atoms.cell.lengths(), alpha=alpha)
    except ConfigError as error:
        return row | {"right": False, "rmsd": np.nan, "failures": str(error), "seconds": 0.0}
    row["seconds"] = time.process_time() - start
    right = found.get_chemical_formula() == atoms.get_chemical_formula()
    return row | {
        "right": right,
        "rmsd": rmsd(atoms, found) if right else np.nan,
        "found": found.get_chemical_formula(),
        "wanted": atoms.get_chemical_formula(),
        "failures": found.info["failures"],
        "confidence": float(found.arrays["confidence"].min()),
    }


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
    }


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
    options = parser.parse_args()
    recipe = RECIPES[options.recipe]
    chosen = [
        atoms
        for atoms in read_structures(options.structures)
        if atoms.cell.lengths()[2] >= options.thickness
    ][:: options.limit or 1]
    rng = np.random.default_rng(options.seed)
    boxes = [augment(prepare(atoms, recipe), rng, rotate=False) for atoms in chosen]
    table = {}
    for name in options.storages.split(","):
        rows = [attempt(box, name, recipe.alpha, options.seed) for box in boxes]
        fine = [row for row in rows if row["voxel"] < LARGEST_VOXEL]
        coarse = [row for row in rows if row["voxel"] >= LARGEST_VOXEL]
        table[name] = {
            f"below {LARGEST_VOXEL} Å": summary(fine),
            f"from {LARGEST_VOXEL} Å": summary(coarse),
        }
    print(
        json.dumps(
            {
                "recipe": options.recipe,
                "alpha": recipe.alpha,
                "seed": options.seed,
                "largest_voxel": round(max(max(box.cell.lengths()) for box in boxes) / 32, 3),
                "results": table,
            },
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()
