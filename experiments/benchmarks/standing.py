"""Training in 3D as it stands: memory, whether it grows, and what a strategy of one replica costs.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.standing [--variant=joint3d] [--batch=32]
        [--steps=6] [--every=4]

Peak memory of a process that makes `--steps` training steps of the default architecture with each
batch fetched anew, after the first (compiled) step and at the end; then core seconds of a step
without a strategy and with `mirrored` on one device, in turns.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from experiments.benchmarks import workload
from experiments.benchmarks.machine import core_seconds, report

ROOT = Path(__file__).resolve().parents[2]
GIGABYTES, PERCENT = 8, 5  # bars


def main(words=None):
    """Measure in processes of their own and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=("joint3d", "lattice2d"), default="joint3d")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--every", type=int, default=4, help="of the bundled slabs")
    parser.add_argument("--voxels", type=int, default=32)
    parser.add_argument("--width", type=int)
    parser.add_argument("--arch", help="by default that of train")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.worker:
        task, records = given.worker
        print(json.dumps(TASKS[task](given, records)))
        return
    known = {name: value for name, value in vars(given).items() if value is not None}
    figures = dict(known)
    with tempfile.TemporaryDirectory() as folder:
        recipe = "gap3d_clean" if given.variant == "joint3d" else "gap2d"
        records = workload.build_records(folder, recipe, given.every, given.voxels)
        for task in TASKS:
            command = [sys.executable, "-m", "experiments.benchmarks.standing"]
            command += [f"--{name}={value}" for name, value in known.items()]
            command += ["--worker", task, str(records)]
            found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            figures |= json.loads(found.stdout.splitlines()[-1])
    report("standing", figures | {"bar_gigabytes": GIGABYTES, "bar_percent": PERCENT})


def flags_of(given, batch_size):
    """Return the flags of `train` for a batch of so many samples."""
    return {"batch_size": batch_size, "width": given.width, "arch": given.arch}


def memory(given, records):
    """Return gigabytes after the first step and at the end."""
    import tensorflow as tf

    run = workload.start(given.variant, records, **flags_of(given, given.batch))
    step, peaks = tf.function(run.model.train_step), []
    for number in range(given.steps):
        step({name: tf.convert_to_tensor(value) for name, value in run.batch_of(number).items()})
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
    return {
        "peak_gigabytes_first_step": round(peaks[0], 2),
        "peak_gigabytes_last_step": round(peaks[-1], 2),
    }


def strategy(given, records):
    """Return core seconds of a step with and without a strategy of one replica."""
    import tensorflow as tf

    options = flags_of(given, 2)
    alone = workload.start(given.variant, records, **options)
    shared = workload.start(given.variant, records, strategy="mirrored", devices=1, **options)
    data = {name: tf.convert_to_tensor(value) for name, value in shared.batch_of(0).items()}

    @tf.function
    def step():
        return shared.placement.strategy.run(shared.model.train_step, (data,))

    ways = {"none": workload.tensorflow_step(alone), "mirrored": step}
    seconds = core_seconds(ways, max(given.steps, 1))
    return {
        "core_seconds_none": float(f"{seconds['none']:.3g}"),
        "core_seconds_mirrored": float(f"{seconds['mirrored']:.3g}"),
        "strategy_overhead_percent": round(100 * (seconds["mirrored"] / seconds["none"] - 1), 1),
    }


TASKS = {"memory": memory, "strategy": strategy}


if __name__ == "__main__":
    main()
