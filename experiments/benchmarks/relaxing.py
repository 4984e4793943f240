"""Structures relaxed a minute: one process, and several.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.relaxing [--calculators=chgnet]
        [--slabs=4] [--steps=10] [--workers=2]

By the clock, because several processes are what is compared: `relax` of bundled slabs, rattled,
with `--steps` each, start included, once in one process and once with `--workers`. Energies must
agree. `core_seconds` are those of the processes; on a machine that others use the ratio of clocks
is too low.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ase.io
import numpy as np

from experiments.benchmarks.machine import report
from keras_ruo2.io.paths import BUNDLED_STRUCTURES

ROOT = Path(__file__).resolve().parents[2]
BAR = 2  # times one process a core


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calculators", nargs="+", default=["chgnet"])
    parser.add_argument("--slabs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args(words)
    figures = {"structures": given.slabs, "steps": given.steps, "workers": given.workers}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "slabs.extxyz"
        slabs = ase.io.read(BUNDLED_STRUCTURES, f"::{148 // given.slabs}")[: given.slabs]
        for number, slab in enumerate(slabs):
            slab.calc = None
            slab.rattle(0.05, seed=number)
        ase.io.write(source, slabs)
        for name in given.calculators:
            figures[name.replace(":", " ")] = compare(source, Path(folder), name, given)
    report("relaxing", figures | {"bar_times": BAR})


def compare(source, folder, calculator, given):
    """Return the figures of a calculator."""
    found = {}
    for workers in (None, given.workers):
        out = folder / f"{calculator.replace(':', '_')}_{workers}.extxyz"
        command = [sys.executable, "-m", "keras_ruo2", "relax", f"--structures={source}"]
        command += [f"--out={out}", f"--calculator={calculator}", f"--steps={given.steps}"]
        command += [f"--workers={workers}"] if workers else []
        begin, before = time.perf_counter(), os.times()
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        after = os.times()
        core = after.children_user - before.children_user
        energies = np.array([atoms.get_potential_energy() for atoms in ase.io.read(out, ":")])
        found[workers] = time.perf_counter() - begin, core, energies
    (one, core, energies), (several, core_several, others) = found.values()
    return {
        "a_minute_one_process": round(60 * given.slabs / one, 2),
        "a_minute_workers": round(60 * given.slabs / several, 2),
        "times_faster": round(one / several, 2),
        "core_seconds_one_process": round(core, 1),
        "core_seconds_workers": round(core_several, 1),
        "energies_differ_eV": float(f"{np.abs(energies - others).max():.1g}"),
    }


if __name__ == "__main__":
    main()
