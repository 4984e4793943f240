"""Does building records take constant memory, and what does it cost per structure?

    python experiments/benchmarks/records.py                  # 20 and 80 slabs of 2,160 atoms

Builds records of --count slabs and of four times as many, each in a process of its own, and prints
a line of JSON: peak memory of both, seconds per structure, and the shares of time in which
structures are read from the file (and kept for the second pass), prepared, read again, voxelised.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from ase.io import write

from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab

ROOT = Path(__file__).resolve().parents[2]
TIMED = {  # share of the time: modules in which a function is wrapped, and its name
    "preparing": ("keras_ruo2.records.survey", "prepare_structure"),
    "voxelising and encoding": ("keras_ruo2.records.shards", "write_shard"),
    "reading again": ("ase.io.trajectory", "TrajectoryReader.__getitem__"),
    "first pass": ("keras_ruo2.records.build", "survey"),
}


def main():
    """Build both sets of records in processes of their own, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=6, help="60 atoms times its square")
    parser.add_argument("--recipe", default="basin_hopping3d")
    parser.add_argument("--build", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.build:
        print(json.dumps(build(*map(Path, options.build), options.recipe)))
        return
    found = [measure(count, options) for count in (options.count, 4 * options.count)]
    atoms = len(slab(options.repeats))
    fewer, more = found
    print(
        json.dumps(
            {
                "recipe": options.recipe,
                "atoms": atoms,
                "structures": [one["structures"] for one in found],
                "peak_mb": [one["peak_mb"] for one in found],
                "seconds": [one["seconds"] for one in found],
                "seconds_per_structure": round(
                    (more["seconds"] - fewer["seconds"]) / (3 * options.count), 4
                ),
                "shares": more["shares"],
            }
        )
    )


def slab(repeats):
    """Return a slab of ten Ru planes."""
    return build_slab("110-stoichiometric", a=4.5, c=3.1, num_planes=10).repeat(
        (repeats, repeats, 1)
    )


def measure(count, options):
    """Return what a build of `count` rattled slabs costs."""
    with tempfile.TemporaryDirectory() as folder:
        source, rng = Path(folder) / "slabs.extxyz", np.random.default_rng(0)
        for number in range(count):
            rattled = slab(options.repeats)
            rattled.positions += rng.normal(scale=0.05, size=rattled.positions.shape)
            write(source, with_energy(rattled, -7.0 * len(rattled) + number), append=True)
        command = [sys.executable, __file__, f"--recipe={options.recipe}"]
        command += ["--build", source, Path(folder) / "records"]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout
    return {"structures": count, **json.loads(told.splitlines()[-1])}


def build(source, out, recipe):
    """Build records in this process and return seconds, shares of time and peak memory."""
    from keras_ruo2.config.preparation import RecordsConfig
    from keras_ruo2.records import build as records

    spent = {name: watch(*place) for name, place in TIMED.items()}
    began = time.perf_counter()
    records.main(RecordsConfig(structures=source, out=out, recipe=recipe))
    seconds = time.perf_counter() - began
    parts = {name: sum(times) for name, times in spent.items()}
    parts["reading"] = parts.pop("first pass") - parts["preparing"]
    parts["voxelising and encoding"] -= parts["reading again"]
    return {
        "seconds": round(seconds, 2),
        "shares": {name: round(part / seconds, 3) for name, part in sorted(parts.items())},
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }


def watch(module, name):
    """Wrap a function of a module and return the list that its times are appended to."""
    *owner, name = name.split(".")
    place = __import__(module, fromlist=["_"])
    place = getattr(place, owner[0]) if owner else place
    function, times = getattr(place, name), []

    def timed(*arguments, **options):
        began = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            times.append(time.perf_counter() - began)

    setattr(place, name, timed)
    return times


if __name__ == "__main__":
    main()
