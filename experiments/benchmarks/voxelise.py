"""Voxelising one large slab against a loop over its atoms.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.voxelise [--atoms=2000] [--voxels=32]

Core seconds; the loop adds the Gaussian of every atom's nearest image to the whole grid.
`share_of_product` is the counted multiplications and additions of the matrix product alone, at the
rate of a large product of the same precision, over the time of the whole.
"""

import argparse
import time

import ase
import numpy as np

from experiments.benchmarks.machine import core_seconds, report
from keras_ruo2.density.voxelise import voxelise

ALPHA, SPECIES = 5.0, ("Ru", "O")


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atoms", type=int, default=2000)
    parser.add_argument("--voxels", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args(words)
    atoms, shape = slab(given.atoms), (given.voxels,) * 3
    made = {}

    def fast():
        made["fast"] = voxelise(atoms, shape, alpha=ALPHA)

    seconds = core_seconds({"voxelise": fast}, given.repeats)["voxelise"]
    slow = timed_once(lambda: made.update(loop=loop(atoms, shape)))
    square = np.random.default_rng(0).normal(size=(1024, 1024)).astype("float32")
    product = core_seconds({"product": lambda: square @ square}, 5)["product"]
    counted = 2 * given.atoms * given.voxels**3 / (2 * 1024**3) * product
    figures = {
        "atoms": given.atoms,
        "voxels": given.voxels,
        "per_second_and_core": round(1 / seconds, 1),
        "times_faster_than_loop": round(slow / seconds, 1),
        "largest_difference": float(np.abs(made["fast"] - made["loop"]).max()),
        "share_of_product": round(counted / seconds, 3),
    }
    report("voxelise", figures)


def timed_once(call):
    """Return the processor seconds of a call that takes long enough to be timed once."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def slab(count):
    """Return random atoms, one Ru to two O, in the middle of a cell with vacuum."""
    rng = np.random.default_rng(0)
    side = (count / 0.085 / 0.6) ** (1 / 3)  # RuO2 has 0.085 atoms an Å^3; 60 % of the cell is slab
    places = rng.uniform(0, side, (count, 3)) * (1, 1, 0.6)
    symbols = [SPECIES[number % 3 > 0] for number in range(count)]
    return ase.Atoms(symbols, places, cell=[side] * 3, pbc=True)


def loop(atoms, shape):
    """Return the grid, an atom at a time; the nearest image is all that counts in a wide cell."""
    lengths = atoms.cell.lengths()
    points = [np.arange(n) * length / n for n, length in zip(shape, lengths, strict=True)]
    grid = np.zeros((*shape, len(SPECIES)))
    for atom in atoms:
        away = [p - c for p, c in zip(points, atom.position, strict=True)]
        x, y, z = ((d - n * np.round(d / n)) ** 2 for d, n in zip(away, lengths, strict=True))
        square = x[:, None, None] + y[:, None] + z
        grid[..., SPECIES.index(atom.symbol)] += np.exp(-ALPHA * square)
    return np.minimum(grid, 1)


if __name__ == "__main__":
    main()
