"""What a machine that is too slow for its minutes should train: some settings for the same work.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.slow_machine [--budget=60]
        [--setting="--arch=waves --width=8" ...] [--records=FOLDER]

A slow or busy machine has few core seconds in its minutes, and these can be counted out anywhere:
each setting of `lattice2d` makes as many steps as `--budget` core seconds pay for at the measured
cost of a step. Printed are the steps, the cost and the last evaluation: the ratios of held-out
distance and spectrum to those of real data (1 is right) and what alarms said.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

from experiments.benchmarks import workload
from experiments.benchmarks.machine import core_seconds, report

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = tuple(
    f"--arch=waves{more}"
    for more in ("", " --batch_size=16", " --width=8", " --width=8 --batch_size=16")
)
COLUMNS = ("held_out_ratio", "held_out_spectrum_ratio", "collapse_diversity", "collapse_noise")


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=60, help="core seconds of steps")
    parser.add_argument("--setting", action="append", help="flags of train; may be repeated")
    parser.add_argument("--records", type=Path)
    parser.add_argument("--every", type=int, default=1, help="of the bundled slabs")
    parser.add_argument("--voxels", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(words)
    figures = {"budget_core_seconds": given.budget}
    with tempfile.TemporaryDirectory() as folder:
        records = given.records or workload.build_records(
            folder, "gap2d", given.every, given.voxels
        )
        for number, setting in enumerate(SETTINGS if given.setting is None else given.setting):
            seconds = cost(setting, records, given.repeats)
            steps = max(int(given.budget / seconds), 2)
            rows = train(Path(folder) / f"run{number}", records, setting, steps)
            figures[setting or "default"] = {
                "core_seconds_a_step": float(f"{seconds:.3g}"),
                "steps": steps,
                "core_seconds": round(steps * seconds, 1),
            } | {name: rounded(rows[-1].get(name)) for name in COLUMNS}
    report("slow_machine", figures)


def cost(setting, records, repeats):
    """Return core seconds of a step."""
    pairs = (word.removeprefix("--").split("=") for word in setting.split())
    flags = {name: int(value) if value.isdigit() else value for name, value in pairs}
    run = workload.start("lattice2d", records, **flags)
    return core_seconds({"step": workload.tensorflow_step(run)}, repeats)["step"]


def train(run, records, setting, steps):
    """Train by the command line and return the rows of the metrics."""
    command = [sys.executable, "-m", "keras_ruo2", "train", "--variant=lattice2d"]
    command += [f"--records={records}", f"--run={run}", f"--steps={steps}", *setting.split()]
    command += [f"--evaluate_every={steps}", f"--log_every={steps}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with open(run / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def rounded(value):
    """Return a number of a table to three digits, `None` where there is none."""
    return float(f"{float(value):.3g}") if value else None


if __name__ == "__main__":
    main()
