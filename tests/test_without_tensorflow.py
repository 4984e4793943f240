"""JAX and PyTorch train and generate where TensorFlow is not installed.

Run as a script, this file hides TensorFlow, runs the command line and saves what `fit` was fed.
"""

import runpy
import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

HIDDEN = ("tensorflow", "tensorboard", "tf_keras")
FLAGS = {
    "variant": "joint2d",
    "arch": "waves",
    "width": 2,
    "latent_size": 8,
    "batch_size": 4,
    "critic_steps": 1,
    "log_every": 1,
    "evaluate_every": 2,
}
STEPS = 2


class Without(PathFinder):
    """Python's search for modules, without some."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        """Find no hidden module."""
        hidden = name.partition(".")[0] in HIDDEN
        return None if hidden else PathFinder.find_spec(name, path, target)


def command(*words, **flags):
    """Run `python -m keras_ruo2` in this process."""
    sys.argv = ["keras_ruo2", *words, *(f"--{name}={value}" for name, value in flags.items())]
    runpy.run_module("keras_ruo2", run_name="__main__")


def first_batches(**flags):
    """Return the grids of the first steps as `fit` is given them."""
    from keras_ruo2 import runs
    from keras_ruo2.config import TrainConfig
    from keras_ruo2.data.description import TRAINING, load_description
    from keras_ruo2.data.order import Order
    from keras_ruo2.data.reader import Records
    from keras_ruo2.training.devices import Placement
    from keras_ruo2.training.feed import feed

    config = TrainConfig(**FLAGS | flags)
    description = load_description(config.records)
    records = Records(config.records, description, TRAINING)
    resolved = runs.resolve(config)
    order = Order(len(records), config.seed, [(0, resolved["batch_size"])])
    batches = iter(feed(config, description, records, order, Placement(), range(3)))
    found = []
    for _ in range(3):
        batch = next(batches)
        batch = batch[0] if isinstance(batch, tuple) else batch
        found.append({name: np.asarray(value) for name, value in batch.items()})
    return {name: np.stack([batch[name] for batch in found]) for name in found[0]}


def run_without(out, backend, folder, records):
    """Train, go on, generate; save the first batches."""
    sys.meta_path[:] = [Without if finder is PathFinder else finder for finder in sys.meta_path]
    assert find_spec("tensorflow") is None
    run = folder / "run"
    common = {"run": run, "backend": backend}
    command("train", records=records, steps=STEPS, **FLAGS, **common)
    command("train", "--resume", variant=FLAGS["variant"], steps=STEPS + 1, **common)
    command("generate", run=run, count=6, out=folder / "samples.npz")
    command("generate", run=run, count=3, label=1, out=folder / "class.npz", backend=backend)
    np.savez(out, **first_batches(records=records, backend=backend))
    assert "tensorflow" not in sys.modules


@pytest.fixture(scope="module")
def small(structures, tmp_path_factory):
    """Records of 8 voxels."""
    from keras_ruo2.config.preparation import RecordsConfig
    from keras_ruo2.records.build import main

    out = tmp_path_factory.mktemp("small") / "records"
    main(RecordsConfig(structures=structures, out=out, num_voxels=8, num_classes=3))
    return out


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_backend_alone_trains_and_generates(backend, small, tmp_path, on_backend):
    fed = on_backend(backend, __file__, backend, tmp_path, small)
    on_tensorflow = first_batches(records=small, backend="tensorflow")
    assert set(fed) == set(on_tensorflow) == {"grid", "lattice", "label"}
    for name, values in on_tensorflow.items():
        np.testing.assert_array_equal(fed[name], values)
    with np.load(tmp_path / "samples.npz") as samples:
        assert samples["grid"].shape == (6, 8, 8, 2) and np.isfinite(samples["grid"]).all()
        assert samples["lattice"].shape == (6, 2) and samples["label"].shape == (6,)
    with np.load(tmp_path / "class.npz") as samples:
        assert samples["label"].tolist() == [1, 1, 1]
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))


if __name__ == "__main__":
    run_without(sys.argv[1], sys.argv[2], *map(Path, sys.argv[3:]))
