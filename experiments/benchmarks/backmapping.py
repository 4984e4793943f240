"""Grids of slabs of about 100 atoms mapped back, clean and with noise of 5 %.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.backmapping [--slabs=12] [--noise=0.05]

Core seconds a structure, in turns, and whether the compositions come back. The slabs have 96 atoms,
rattled by 0.05 Å, on 32 voxels a side. `times_noise` is what noise costs.
"""

import argparse
import time

import numpy as np

from experiments.benchmarks.machine import report
from keras_ruo2.density.backmap import backmap
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.structure.slabs import build_slab

ALPHA, SHAPE, RATTLE = 5.0, (32, 32, 32), 0.05
BARS = {"clean": 60, "noise": 15}  # a second and core


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slabs", type=int, default=12)
    parser.add_argument("--noise", type=float, default=0.05)
    given = parser.parse_args(words)
    rng, rows = np.random.default_rng(0), {"clean": [], "noise": []}
    slabs = chosen(given.slabs)
    once(slabs[0], 0.0, rng)
    for atoms in slabs:
        rows["clean"].append(once(atoms, 0.0, rng))
        rows["noise"].append(once(atoms, given.noise, rng))
    figures = {"structures": len(slabs), "atoms_mean": round(float(np.mean([*map(len, slabs)])))}
    for name, found in rows.items():
        seconds, right = np.array(found).T
        figures[f"{name}_a_second_and_core"] = float(f"{1 / seconds.mean():.3g}")
        figures[f"{name}_compositions_right"] = round(float(right.mean()), 3)
        figures[f"bar_{name}"] = BARS[name]
    rates = [figures[f"{name}_a_second_and_core"] for name in ("clean", "noise")]
    figures["times_noise"] = round(rates[0] / rates[1], 2)
    report("backmapping", figures)


def chosen(count):
    """Return rattled slabs of 96 atoms."""
    rng, slabs = np.random.default_rng(1), []
    for _ in range(count):
        slab = build_slab("110-stoichiometric", a=4.5, c=3.1, num_planes=2, vacuum=10)
        slab = slab.repeat((2, 4, 1))
        slab.positions += rng.normal(scale=RATTLE, size=slab.positions.shape)
        slabs.append(slab)
    return slabs


def once(atoms, noise, rng):
    """Return core seconds of a structure's way back and whether its composition came back."""
    grid = voxelise(atoms, SHAPE, alpha=ALPHA)
    if noise:
        grid = np.clip(grid + noise * rng.normal(size=grid.shape), 0, 1).astype("float32")
    begin = time.process_time()
    found = backmap(grid, atoms.cell.lengths(), alpha=ALPHA)
    seconds = time.process_time() - begin
    return seconds, found.get_chemical_formula() == atoms.get_chemical_formula()


if __name__ == "__main__":
    main()
