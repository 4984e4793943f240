"""Trackers are told what TensorBoard is told; the libraries are stood in for."""

import math
import types

import numpy as np
import pytest

from keras_ruo2.commands.train import main as train
from keras_ruo2.config import TrainConfig
from keras_ruo2.training import trackers

TINY = {
    "variant": "lattice2d",
    "batch_size": 4,
    "width": 2,
    "latent_size": 8,
    "critic_steps": 1,
    "log_every": 1,
    "evaluate_every": 2,
}


class FakeWandb:
    """Remembers what it is told."""

    def __init__(self):
        self.started, self.logged, self.config = [], [], self
        self.Image, self.id = (lambda pixels: ("image", pixels.shape)), "first"

    def init(self, **given):
        self.started.append(given)
        return self

    def update(self, values, allow_val_change):
        self.values = values

    def log(self, values, step):
        self.logged.append((step, values))


class FakeMlflow:
    """Remembers what it is told; parameters may be given once, as in MLflow."""

    def __init__(self):
        self.started, self.logged, self.params = [], [], {}

    def set_experiment(self, name):
        self.experiment = name

    def start_run(self, run_id, run_name):
        self.started.append((run_id, run_name))
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id=run_id or "first"))

    def log_params(self, values):
        assert not self.params, "MLflow refuses other values of known parameters"
        self.params = values

    def log_metrics(self, values, step):
        self.logged.append((step, values))

    def log_image(self, pixels, key, step):
        assert pixels.dtype == np.uint8 and "/" not in key
        self.logged.append((step, {key: pixels.shape}))


@pytest.fixture(params=["wandb", "mlflow"])
def fake(request, monkeypatch):
    """A tracker's name and what stands in for its library."""
    library = {"wandb": FakeWandb, "mlflow": FakeMlflow}[request.param]()
    stand_in = types.SimpleNamespace(import_module=lambda name: library)
    monkeypatch.setattr(trackers, "importlib", stand_in)
    monkeypatch.setattr("keras_ruo2.commands.train.check_tracker", lambda name: None)
    monkeypatch.setattr("keras_ruo2.training.run.draw_curves", lambda run: None)
    return request.param, library


def test_a_run_is_followed_and_goes_on_in_the_same_run(fake, records, tmp_path):
    name, library = fake
    settings = TINY | {"records": records, "run": tmp_path / "run", "tracker": name}
    train(TrainConfig(steps=2, **settings))
    steps = {step for step, values in library.logged if "critic/critic_gap" in values}
    assert steps == {1, 2}
    numbers = [v for _, values in library.logged for v in values.values() if isinstance(v, float)]
    assert numbers and all(map(math.isfinite, numbers))
    assert any("shape" in str(values) or "samples" in str(values) for _, values in library.logged)
    train(TrainConfig(steps=3, resume=True, **settings))
    assert len(library.started) == 2
    again = library.started[1]
    assert (again["id"] if name == "wandb" else again[0]) == "first"


def test_without_a_tracker_there_is_tensorboard_alone(tmp_path):
    board = trackers.make_board(tmp_path, "none", "run")
    assert type(board) is trackers.Board and not (tmp_path / trackers.IDENTITY).exists()
