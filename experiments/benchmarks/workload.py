"""Training as `train` sets it up, on a few bundled slabs, for benchmarks to time a step of."""

import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]


def build_records(folder, recipe, every=1, num_voxels=32):
    """Build records of every so many-th bundled slab and return their folder."""
    import ase.io

    from keras_ruo2.io.paths import BUNDLED_STRUCTURES

    slabs, out = Path(folder) / "slabs.extxyz", Path(folder) / recipe
    ase.io.write(slabs, ase.io.read(BUNDLED_STRUCTURES, f"::{every}"))
    command = [sys.executable, "-m", "data_prep", "records", f"--structures={slabs}"]
    command += [f"--out={out}", f"--recipe={recipe}", f"--num_voxels={num_voxels}"]
    subprocess.run(command + ["--holdout=0.25"], cwd=ROOT, check=True, capture_output=True)
    return out


def start(variant, records, backend="tensorflow", **flags):
    """Return what a run consists of.

    Args:
        variant: Name of a variant.
        records: Folder of records.
        backend: Backend of Keras.
        flags: Of `train`.

    Returns:
        `model`, `batch_of` (from a step's number to its batch of NumPy arrays), `resolved`
        settings, `order`, `records` and `placement`.
    """
    from keras_ruo2.backend import start_backend

    start_backend(backend)
    from keras_ruo2 import runs
    from keras_ruo2.config import TrainConfig
    from keras_ruo2.data.description import TRAINING, load_description
    from keras_ruo2.data.labels import class_counts
    from keras_ruo2.data.order import Order, phases
    from keras_ruo2.data.pipeline import batch_at
    from keras_ruo2.data.reader import Records
    from keras_ruo2.training import assembly
    from keras_ruo2.training.devices import configure_process, place
    from keras_ruo2.training.feed import NAMES, model_inputs
    from keras_ruo2.training.slabs import SlabBatches, anchors_for

    run = Path(tempfile.mkdtemp()) / "run"
    config = TrainConfig(variant=variant, records=records, run=run, backend=backend, **flags)
    resolved, description = runs.resolve(config), load_description(config.records)
    configure_process(config)
    placement = place(config.strategy, config.devices)
    split = Records(config.records, description, TRAINING)
    plan = phases(resolved["batch_size"], resolved["critic_steps"], 0, config.grow_batch_until)
    order = Order(len(split), config.seed, plan)
    atoms = runs.places_atoms(resolved)
    anchors = anchors_for(config, description, split) if atoms else None
    slabs = SlabBatches(split, description, anchors) if atoms else None
    counts = class_counts(description, config.label_by)
    with placement.scope():
        model = assembly.build_model(resolved, description, len(counts), 1000, placement, anchors)

    def batch_of(step):
        options = {"critic_steps": resolved["critic_steps"], "names": NAMES}
        batch = batch_at(split, order, step, **options)
        inputs = model_inputs(batch, description, config)
        return inputs | slabs.arrays_of(batch, step) if slabs else inputs

    return SimpleNamespace(
        model=model,
        batch_of=batch_of,
        resolved=resolved,
        order=order,
        records=split,
        placement=placement,
    )


def tensorflow_step(run):
    """Return a function that makes one step of a run on its first batch, with TensorFlow."""
    import tensorflow as tf

    step = tf.function(run.model.train_step)
    data = {name: tf.convert_to_tensor(value) for name, value in run.batch_of(0).items()}
    return lambda: step(data)
