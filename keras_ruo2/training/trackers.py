"""Weights & Biases or MLflow beside TensorBoard: the same numbers and pictures."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_ruo2 import runs
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.state import read_state, write_state
from keras_ruo2.training.board import Board, metric_group, varied

if TYPE_CHECKING:
    import numpy as np


PROJECT = "keras_ruo2"
IDENTITY = "tracker.json"  # in the run folder: a run that is resumed goes on in the same one there
ADVICE = "Remove it: the tracker then begins another run."


def make_board(run: Path, tracker: str, name: str) -> Board:
    """Return a `Board` of a run, which a tracker follows where one is wanted.

    Args:
        run: Folder that this process writes.
        tracker: none, wandb or mlflow.
        name: Name of the run, as the tracker shows it.
    """
    folder = Path(run) / "tensorboard"
    if tracker == "none":
        return Board(folder)
    kept = Path(run) / IDENTITY
    known = read_state(kept, ADVICE) if kept.is_file() else {}
    try:
        follower = TRACKERS[tracker](name, Path(run), known.get(tracker))
    except Exception as error:  # theirs are of many kinds
        if not (Path(run) / runs.CHECKPOINTS).exists():
            shutil.rmtree(run)  # it never began: the same command may be given again
        raise ConfigError(
            f"--tracker={tracker} cannot begin a run: {first_sentence(error)} Mend its settings "
            "(docs/howto/trackers.md), or leave --tracker out."
        ) from None
    write_state(kept, known | {tracker: follower.identity})
    return TrackedBoard(folder, follower)


def first_sentence(error: Exception) -> str:
    """Return the beginning of what an error says, on one line, with a stop."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.split(". ")[0].rstrip(".") + "."


class TrackedBoard(Board):
    """A `Board` that also tells a tracker, until that fails once: training goes on without it.

    Args:
        folder: Folder for TensorBoard's events.
        tracker: `Wandb` or `Mlflow`.
    """

    def __init__(self, folder: Path, tracker: Wandb | Mlflow) -> None:
        super().__init__(folder)
        self.tracker: Wandb | Mlflow | None = tracker

    def settings(self, resolved: Mapping[str, Any], metrics: Iterable[str]) -> None:
        super().settings(resolved, metrics)
        self.tell("settings", varied(resolved))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        super().scalars(values, step)
        known = {metric_group(name): float(v) for name, v in values.items() if v == v}
        self.tell("scalars", known, step)

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        super().picture(name, pixels, step)
        self.tell("picture", name, pixels, step)

    def tell(self, what: str, *values: Any) -> None:
        """Call a method of the tracker, if there still is one."""
        if self.tracker is None:
            return
        try:
            getattr(self.tracker, what)(*values)
        except Exception as error:  # a network that is gone ends no training
            messages.warning(
                f"Warning: the tracker failed and is told no more: {first_sentence(error)} "
                "Training goes on; what it missed stands in the run's folder."
            )
            self.tracker = None


class Wandb:
    """A run of Weights & Biases. WANDB_MODE=offline keeps it on this machine.

    Args:
        name: As it is shown.
        folder: Where its files are kept.
        identity: Of the run to go on with, or `None`.
    """

    def __init__(self, name: str, folder: Path, identity: str | None) -> None:
        self.wandb = importlib.import_module("wandb")
        self.run = self.wandb.init(
            project=PROJECT, name=name, dir=str(folder), id=identity, resume="allow"
        )
        self.identity = self.run.id

    def settings(self, values: Mapping[str, Any]) -> None:
        """Log the settings of the run."""
        self.run.config.update(values, allow_val_change=True)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers."""
        self.run.log(values, step=step)

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        """Log a picture, an array of uint8 `(height, width, 3)`."""
        self.run.log({name: self.wandb.Image(pixels)}, step=step)


class Mlflow:
    """A run of MLflow. MLFLOW_TRACKING_URI says where it is kept.

    Args:
        name: As it is shown.
        folder: Not used: MLflow has a place of its own.
        identity: Of the run to go on with, or `None`.
    """

    def __init__(self, name: str, folder: Path, identity: str | None) -> None:
        self.mlflow = importlib.import_module("mlflow")
        self.mlflow.set_experiment(PROJECT)
        run = self.mlflow.start_run(run_id=identity, run_name=None if identity else name)
        self.identity, self.is_new = run.info.run_id, identity is None

    def settings(self, values: Mapping[str, Any]) -> None:
        """Log the settings of the run; MLflow lets nobody change them later."""
        if self.is_new:
            self.mlflow.log_params(values)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers."""
        self.mlflow.log_metrics(values, step=step)

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        """Log a picture, an array of uint8 `(height, width, 3)`."""
        self.mlflow.log_image(pixels, key=name.replace("/", "_"), step=step)


TRACKERS: dict[str, type[Wandb] | type[Mlflow]] = {"wandb": Wandb, "mlflow": Mlflow}
