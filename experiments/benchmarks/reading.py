"""Records read, against what a training step eats.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.reading [--variant=lattice2d]
        [--every=4] [--repeats=5]

Core seconds. *read* is what `fit` is fed: records fetched at random, decoded, lengths scaled,
classes numbered, and the atoms behind them where the generator places atoms. *tf.data* goes
through the same files in order without decoding what is in the records. *augment* is the moving and
mirroring that `--augment` asks for, for which the step itself pays.
"""

import argparse
import itertools
import tempfile

from experiments.benchmarks import workload
from experiments.benchmarks.machine import core_seconds, report

BARS = {2: 10, 3: 3}
RECORDS = {"lattice2d": "gap2d", "joint3d": "gap3d_clean"}


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=RECORDS, default="lattice2d")
    parser.add_argument("--every", type=int, default=4, help="of the bundled slabs")
    parser.add_argument("--voxels", type=int, default=32)
    parser.add_argument("--width", type=int)
    parser.add_argument("--arch", help="by default that of train")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        records = workload.build_records(folder, RECORDS[given.variant], given.every, given.voxels)
        run = workload.start(given.variant, records, width=given.width, arch=given.arch)
        samples = run.order.samples(0)
        steps = itertools.count()
        ways = {
            "step": workload.tensorflow_step(run),
            "read": lambda: run.batch_of(next(steps)),
            "augment": augmenting(run),
        }
        seconds = core_seconds(ways, given.repeats)
        found, count = plain_reading(run, given.repeats)
    figures = {"variant": given.variant, "samples_a_step": samples}
    figures |= {
        f"{name}_samples_a_core_second": round(samples / value) for name, value in seconds.items()
    }
    figures["tf_data_samples_a_core_second"] = round(count / found)
    figures["times_what_the_step_eats"] = round(seconds["step"] / seconds["read"], 1)
    both = seconds["read"] + seconds["augment"]
    figures["times_with_augmentation"] = round(seconds["step"] / both, 1)
    figures["over_tf_data"] = round(seconds["read"] / samples / (found / count), 1)
    figures["bar_times"] = BARS[len(run.records.description.grid_shape) - 1]
    report("reading", figures)


def augmenting(run):
    """Return a function that moves and mirrors the real grids of a step."""
    import keras
    import tensorflow as tf

    from keras_ruo2.training.augmentation import augment

    seed = keras.random.SeedGenerator(0)
    grid = tf.convert_to_tensor(run.batch_of(0)["grid"])
    return tf.function(lambda: augment(grid, ("shift", "mirror"), seed))


def plain_reading(run, repeats):
    """Return core seconds of a pass over the files by tf.data, and how many records there are."""
    import tensorflow as tf

    records = run.records
    files = [str(file) for file in records.description.files(records.folder, records.split)]

    def once():
        for _ in tf.data.TFRecordDataset(files):
            pass

    return core_seconds({"it": once}, repeats)["it"], len(run.records)


if __name__ == "__main__":
    main()
