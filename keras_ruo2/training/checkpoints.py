"""Checkpoints: folders that take their name when they are whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ruo2 import runs
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import move_over
from keras_ruo2.io.state import read_state, sync_folder, write_state
from keras_ruo2.runs.checkpoint import fault_of, seal_checkpoint
from keras_ruo2.training.every import Every, check_finite, diverged, synchronise

MEANS = "means.json"


class Checkpoints(Every):
    """Save the whole state and, by itself, the averaged generator; keep the last few and the best.

    Args:
        run: Run folder.
        keep: Checkpoints that are kept, besides the one with the least held-out distance.
        scores: Function that returns the scores measured at a step, a dict.
        interval: Steps between checkpoints.
        last_step: Step of the run's last update.
    """

    def __init__(
        self, run: Path, keep: int, scores: Callable[[int], Mapping[str, float]], **schedule: int
    ) -> None:
        super().__init__(**schedule)
        self.run, self.keep, self.scores = Path(run), keep, scores

    def act(self, logs: Mapping[str, Any] | None) -> None:
        check_finite(logs or {}, self.step, self.run)
        self.save()

    def save(self) -> None:
        """Write a checkpoint folder, unless this step has one: the same step is the same state.

        Raises:
            ConfigError: If a weight is NaN or infinite; the checkpoints before are kept then.
        """
        synchronise(self.model)
        step = self.model.steps_made
        for network in (self.model.generator, self.model.critic):
            if not all(np.isfinite(weight).all() for weight in network.get_weights()):
                raise ConfigError(diverged(f"weights of the {network.name}", step, self.run))
        final = self.run / runs.CHECKPOINTS / runs.STEP_NAME.format(step)
        if final.exists():
            if not fault_of(final):
                return
            set_aside(final)
        partial = final.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self.model.save_weights(partial / runs.TRAINING_WEIGHTS)
        self.model.averaged.save_weights(partial / runs.GENERATOR_WEIGHTS)
        if scores := self.scores(step):
            write_state(partial / runs.SCORES, scores)
        write_state(partial / MEANS, pending_means(self.model))
        metrics = self.run / runs.METRICS
        seal_checkpoint(partial, runs.read_metrics(metrics) if metrics.is_file() else [])
        move_over(partial, final)
        sync_folder(final.parent)
        self.forget()

    def forget(self) -> None:
        """Remove checkpoints that are neither among the last nor the best.

        Of a best one that is not among the last stays what draws samples.
        """
        best = runs.best_checkpoint(self.run)
        for old in runs.checkpoints(self.run)[: -self.keep]:
            if old == best:
                runs.drop_training_state(old)
            else:
                doomed = old.with_suffix(".partial")  # half of it must not look like a checkpoint
                move_over(old, doomed)
                shutil.rmtree(doomed)


def pending_means(model: keras.Model) -> dict[str, list[float]]:
    """Return the running means since the last row, a pair of total and count for each name."""
    numpy = keras.ops.convert_to_numpy
    return {
        name: [float(numpy(mean.total)), float(numpy(mean.count))]
        for name, mean in model.means.items()
    }


def take_up_means(model: keras.Model, run: Path, step: int) -> None:
    """Set the running means to what they were when a checkpoint was saved between two rows."""
    path = Path(run) / runs.CHECKPOINTS / runs.STEP_NAME.format(step) / MEANS
    if not path.is_file():
        return
    for name, (total, count) in read_state(path, "Delete it.").items():
        if name in model.means:
            model.means[name].total.assign(total)
            model.means[name].count.assign(count)


def set_aside(folder: Path) -> None:
    """Give a damaged checkpoint a name that is none of a checkpoint."""
    move_over(folder, folder.with_suffix(".damaged"))
