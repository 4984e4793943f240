"""What every metric says of deliberately bad generators, as a table, and what it costs.

    python experiments/benchmarks/bad_generators.py [--records=tfrecords/gap2d] [--count=1000]
        [--compared=100] [--samples=NAME=FILE.npz ...]

`real` is another draw of training records, `held-out` holds structures that training lacks.
"""

import argparse

import numpy as np
from controls import bad_generators

from keras_ruo2.backend import start_backend
from keras_ruo2.data.description import HELD_OUT, TRAINING, load_description
from keras_ruo2.metrics.measure import measure

COLUMNS = {
    "diversity": lambda m: m["collapse"]["all"]["diversity"],
    "spacing": lambda m: m["collapse"]["all"]["spacing"],
    "stripes": lambda m: m["collapse"]["all"]["stripes"],
    "noise": lambda m: m["collapse"]["all"]["noise"],
    "contrast": lambda m: m["collapse"]["all"]["contrast_ru"],
    "background": lambda m: m["collapse"]["all"]["background"],
    "similar %": lambda m: 100 * m["overfitting"]["similar_share"],
    "images": lambda m: m["distances"]["images"]["ratio"],
    "spectra": lambda m: m["distances"]["spectra"]["ratio"],
    "z profile": lambda m: m["distances"]["z_profile"]["ratio"],
    "Ru share": lambda m: m["marginals"]["ru_share"]["ratio"],
    "Ru-O": lambda m: m["marginals"]["nearest_ru_o"]["ratio"],
    "vacuum": lambda m: m["marginals"]["vacuum_fraction"]["ratio"],
    "precision": lambda m: m["neighbours"]["precision"]["ratio"],
    "recall": lambda m: m["neighbours"]["recall"]["ratio"],
    "density": lambda m: m["neighbours"]["density"]["ratio"],
    "coverage": lambda m: m["neighbours"]["coverage"]["ratio"],
}


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", default="tfrecords/gap2d")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--compared", type=int, default=100)
    parser.add_argument("--samples", nargs="*", default=[])
    given = parser.parse_args()
    start_backend("tensorflow")
    from keras_ruo2.data.pipeline import read_sample

    description = load_description(given.records)
    training, held_out = (
        shuffled(read_sample(given.records, description, split, 10**9, seed=0))
        for split in (TRAINING, HELD_OUT)
    )
    real = training["grid"][: given.count]
    sets = {"real": real, "held-out": held_out["grid"][: given.count]}
    sets |= bad_generators(real, training["grid"][given.count :])
    for item in given.samples:
        name, _, path = item.partition("=")
        sets[name] = np.load(path)["grid"][: given.count]
    rest = {name: values[given.count :] for name, values in training.items()}
    print("| generator | " + " | ".join(COLUMNS) + " | alarms |")
    print("|" + "---|" * (len(COLUMNS) + 2))
    for name, grids in sets.items():
        metrics = measure({"grid": grids}, rest, held_out, compared=given.compared).metrics
        values = " | ".join(f"{column(metrics):.2f}" for column in COLUMNS.values())
        words = ", ".join(alarm.partition(":")[0].lower() for alarm in metrics["alarms"])
        print(f"| {name} | {values} | {words} |", flush=True)
    print("\nSeconds of the last:", metrics["seconds"])


def shuffled(sample):
    """Return a sample in random order."""
    order = np.random.default_rng(0).permutation(len(sample["grid"]))
    return {name: values[order] for name, values in sample.items()}


if __name__ == "__main__":
    main()
