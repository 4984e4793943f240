"""Seconds until `--help` and a mistaken flag are answered, beside Python's own start.

    python -m experiments.benchmarks.starting [--repeats=5]

Core seconds of the process that is started, the median of some starts in turns.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

from experiments.benchmarks.machine import report

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ["-m", "keras_ruo2"]
STARTS = {
    "python": ["-c", "pass"],
    "help": [*PROGRAM, "--help"],
    "train_help": [*PROGRAM, "train", "--help"],
    "config_error": [*PROGRAM, "train", "--variant=lattice2x"],
    "records_error": ["-m", "data_prep", "records", "--recipe=gap4d"],
}
BAR = 1.0  # seconds


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(words)
    times = {name: [] for name in STARTS}
    for _ in range(given.repeats):
        for name, command in STARTS.items():
            times[name].append(core_seconds_of([sys.executable, *command]))
    seconds = {name: statistics.median(values) for name, values in times.items()}
    figures = {f"{name}_core_seconds": round(value, 3) for name, value in seconds.items()}
    for name in ("help", "config_error"):
        figures[f"{name}_over_python"] = round(seconds[name] / seconds["python"], 1)
    figures["bar_seconds"] = BAR
    report("starting", figures)


def core_seconds_of(command):
    """Return the processor seconds of a process and its children."""
    before = os.times()
    subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    after = os.times()
    return sum(getattr(after, n) - getattr(before, n) for n in ("children_user", "children_system"))


if __name__ == "__main__":
    main()
