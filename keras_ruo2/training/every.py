"""The base of callbacks, and what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ruo2 import runs
from keras_ruo2.errors import ConfigError


class Every(keras.callbacks.Callback):
    """Base of callbacks that act every `interval` steps and after the last one.

    Args:
        interval: Steps between two actions.
        last_step: Step of the run's last update.
    """

    def __init__(self, interval: int, last_step: int) -> None:
        super().__init__()
        self.interval, self.last_step = interval, last_step

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self.step = self.model.steps_made

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.step += 1
        if self.is_due(self.interval):
            self.act(logs)

    def is_due(self, interval: int) -> bool:
        """Say whether the update that has just been made is the last or ends an interval."""
        return self.step % interval == 0 or self.is_last()

    def is_last(self) -> bool:
        """Say whether the update that has just been made is the run's last."""
        return self.step == self.last_step or self.model.stop_training


def synchronise(model: keras.Model) -> None:
    """Write to the model's variables what JAX holds elsewhere while it trains."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()


def check_finite(logs: Mapping[str, Any], step: int, run: Path) -> None:
    """Raise `ConfigError` if a loss is NaN or infinite."""
    broken = [name for name, value in logs.items() if not np.isfinite(value)]
    if broken:
        raise ConfigError(diverged(", ".join(broken), step, run))


def diverged(what: str, step: int, run: Path) -> str:
    """Return the message of a run that has diverged."""
    last = runs.last_checkpoint(run)
    kept = f"The last good checkpoint is that of step {runs.step_of(last)}" if last else ""
    advice = "resume with a lower --learning_rate" if last else "lower the --learning_rate"
    return (
        f"{what} became NaN or infinite at step {step}. "
        f"{kept or 'No checkpoint was saved before'}: {advice}, or start again."
    )
