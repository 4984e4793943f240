"""What it costs to watch for collapse while a model trains: prints one line of JSON.

    python experiments/benchmarks/watching.py [--run=runs/lattice2d]

Takes the seconds of a step from the run's metrics.csv, and times the statistics that an evaluation
adds on as many random training records as an evaluation draws. `share` is that of the run's time at
its own interval between evaluations. On a shared machine core seconds say more than wall seconds;
a step's seconds are wall seconds, so that a busy machine flatters the share: `share_fast` is with
the fastest step of the run.
"""

import argparse
import json
import time

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.data.description import TRAINING, load_description
from keras_ruo2.data.labels import class_counts, class_numbers
from keras_ruo2.data.pipeline import read_sample


def step_seconds(run):
    """Return the median and the least seconds of a step between two rows of a run."""
    table = runs.metrics_table(runs.read_metrics(f"{run}/{runs.METRICS}"))
    steps, seconds = np.array(table["step"]), np.array(table["seconds"])
    each = np.diff(seconds) / np.diff(steps)
    return float(np.median(each)), float(each.min())


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="runs/lattice2d")
    parser.add_argument("--records")
    given = parser.parse_args()
    from keras_ruo2.backend import start_backend

    start_backend("tensorflow")
    from keras_ruo2.training.alarm import CollapseWatch
    from keras_ruo2.training.evaluator import NUM_IMAGES

    saved = runs.load(given.run)
    records = given.records or saved["data"]["records"]
    description = load_description(records)
    label_by = saved["resolved"].get("label_by", "energy")
    count = NUM_IMAGES[len(description.grid_shape) - 1]
    sample = read_sample(records, description, TRAINING, count, seed=0)
    labelled = bool(class_counts(description, label_by))
    labels = class_numbers(sample, description, label_by) if labelled else None
    watch = CollapseWatch(sample["grid"], labels, labels)
    times = []
    for _ in range(5):
        begin = time.process_time()
        watch(sample["grid"])
        times.append(time.process_time() - begin)
    core, (typical, fastest) = float(np.median(times)), step_seconds(given.run)
    every = saved["resolved"]["evaluate_every"]
    result = {
        "run": str(given.run),
        "grids": list(sample["grid"].shape),
        "classes_watched": len(watch.classes),
        "core_seconds": round(core, 3),
        "step_seconds": round(typical, 3),
        "fastest_step_seconds": round(fastest, 3),
        "steps_between": every,
        "share": round(core / (core + every * typical), 5),
        "share_fast": round(core / (core + every * fastest), 5),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
