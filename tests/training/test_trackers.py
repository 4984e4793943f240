"""Trackers are told what TensorBoard is told; the libraries are stood in for."""

import math
import types

import numpy as np
import pytest

from keras_ruo2.commands.train import main as train
from keras_ruo2.config import TrainConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.training import trackers

TINY = {
    "variant": "lattice2d",
    "arch": "waves",
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
    monkeypatch.setattr("keras_ruo2.training.run.draw_metrics", lambda run: None)
    return request.param, library


def told_by(board):
    """Tell a board what a run tells it."""
    board.settings({"width": 2, "variant": "lattice2d", "run": "elsewhere"}, ["held_out_distance"])
    board.scalars({"critic_gap": 1.5, "held_out_distance": math.nan}, 1)
    board.picture("samples/generated", np.zeros((4, 5, 3), "uint8"), 2)
    board.flush()


def test_settings_numbers_and_pictures_are_passed_on(fake, tmp_path):
    name, library = fake
    told_by(trackers.make_board(tmp_path, name, "runs/mine"))
    settings = library.values if name == "wandb" else library.params
    assert settings == {"width": 2, "variant": "lattice2d"}
    assert library.logged[0] == (1, {"critic/critic_gap": 1.5}), "what is not known is left out"
    step, picture = library.logged[1]
    assert step == 2 and "(4, 5, 3)" in str(picture)
    assert list((tmp_path / "tensorboard").glob("events*")), "TensorBoard has it as well"


def test_a_run_that_is_resumed_goes_on_in_the_same_run_there(fake, tmp_path):
    name, library = fake
    for _ in range(2):
        told_by(trackers.make_board(tmp_path, name, "runs/mine"))
    identities = [given["id"] if name == "wandb" else given[0] for given in library.started]
    assert identities == [None, "first"]


@pytest.mark.parametrize("fake", ["wandb"], indirect=True)
def test_training_tells_the_tracker(fake, records, tmp_path):
    name, library = fake
    settings = TINY | {"records": records, "run": tmp_path / "run", "tracker": name}
    train(TrainConfig(steps=2, **settings))
    steps = {step for step, values in library.logged if "critic/critic_gap" in values}
    assert steps == {1, 2}
    assert any("image" in str(values) for _, values in library.logged)


def test_without_a_tracker_there_is_tensorboard_alone(tmp_path):
    board = trackers.make_board(tmp_path, "none", "run")
    assert type(board) is trackers.Board and not (tmp_path / trackers.IDENTITY).exists()


@pytest.mark.parametrize("fake", ["mlflow"], indirect=True)
def test_a_tracker_that_cannot_begin_is_a_line_before_training(fake, tmp_path, monkeypatch):
    name, library = fake

    def refused(**given):
        raise RuntimeError("The file store\nis closed. See a page.")

    monkeypatch.setattr(library, "start_run", refused)
    with pytest.raises(ConfigError, match="--tracker=mlflow cannot begin a run: The file store is"):
        trackers.make_board(tmp_path, name, "runs/mine")
    assert not tmp_path.exists(), "the same command may be given again"


@pytest.mark.parametrize("fake", ["mlflow"], indirect=True)
def test_a_tracker_that_fails_later_is_told_no_more(fake, tmp_path, monkeypatch, capsys):
    name, library = fake

    def gone(values, step):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(library, "log_metrics", gone)
    board = trackers.make_board(tmp_path, name, "runs/mine")
    told_by(board)
    board.scalars({"critic_gap": 2.5}, 3)
    said = capsys.readouterr().err
    assert said.count("Warning: the tracker failed and is told no more: no route to host.") == 1
    assert library.logged == []
