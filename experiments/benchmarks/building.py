"""Records from structures: the bundled recipes, and 28,903 large slabs reckoned from fewer.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.building [--slabs=148]
        [--count=20] [--repeats=3] [--grids=28903]

Core seconds of `data_prep records`, start included, for `gap2d` and `gap3d_clean` of all bundled
slabs. Then slabs of 30 atoms times `--repeats` squared, rattled, `--count` and three times as many
of them: the difference gives core seconds, bytes on disk and peak memory of one more, and with
these `--grids` of them are reckoned, on two cores, as a straight line.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import ase.io
import numpy as np

from experiments.benchmarks.machine import report
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab

ROOT = Path(__file__).resolve().parents[2]
CORES = 2
BARS = {"gap2d": 60, "gap3d_clean": 20}  # seconds on two cores


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slabs", type=int, default=148)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--grids", type=int, default=28_903)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        figures = bundled(folder, given.slabs) | many(folder, given)
    report("building", figures)


def bundled(folder, count):
    """Return what the recipes of the bundled slabs cost."""
    source, figures = folder / "slabs.extxyz", {}
    ase.io.write(source, ase.io.read(BUNDLED_STRUCTURES, ":")[:count])
    for recipe, bar in BARS.items():
        found = build(source, folder / recipe, recipe)
        seconds = found.pop("core_seconds")
        figures[recipe] = {
            "structures": count,
            "core_seconds": round(seconds, 2),
            "seconds_on_two_cores": round(seconds / CORES, 2),
            "bar_seconds": bar,
        } | found
    return figures


def many(folder, given):
    """Return what so many large slabs would cost."""
    rng, found = np.random.default_rng(0), []
    counts = (given.count, 3 * given.count)
    for count in counts:
        source = folder / f"large{count}.extxyz"
        slabs = [rattled(given.repeats, number, rng) for number in range(count)]
        ase.io.write(source, slabs)
        found.append(build(source, folder / f"records{count}", "basin_hopping3d"))
    few, more = found
    one = (more["core_seconds"] - few["core_seconds"]) / (counts[1] - counts[0])
    bytes_each = (more["megabytes"] - few["megabytes"]) / (counts[1] - counts[0])
    seconds = one * given.grids / CORES
    figures = {
        "atoms": len(slabs[0]),
        "counts": list(counts),
        "core_seconds_each": round(one, 4),
        "minutes_on_two_cores": round(seconds / 60, 1),
        "gigabytes": round(bytes_each * given.grids / 1e3, 2),
        "peak_megabytes": [each["peak_megabytes"] for each in found],
    }
    return {f"{given.grids}_grids_reckoned": figures}


def rattled(repeats, number, rng):
    """Return a slab of its own energy."""
    slab = build_slab("110-stoichiometric", a=4.5, c=3.1, num_planes=9)
    slab = slab.repeat((repeats, repeats, 1))
    slab.positions += rng.normal(scale=0.05, size=slab.positions.shape)
    return with_energy(slab, -7.0 * len(slab) + number)


def build(source, out, recipe):
    """Return core seconds, megabytes on disk and peak memory of a build in a process of its own."""
    command = [sys.executable, "-m", "data_prep", "records", f"--structures={source}"]
    command += [f"--out={out}", f"--recipe={recipe}", "--holdout=0.1"]
    before = os.times()
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    after = os.times()
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    return {
        "core_seconds": after.children_user
        + after.children_system
        - before.children_user
        - before.children_system,
        "megabytes": round(size / 1e6, 2),
        "peak_megabytes": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000),
    }


if __name__ == "__main__":
    main()
