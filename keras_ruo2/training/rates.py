"""Numbers that change while a run lasts."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Any

import keras
from keras import ops

from keras_ruo2.errors import check_choice, check_range
from keras_ruo2.models.tensors import Tensor

SCHEDULES = MappingProxyType(
    {
        "constant": ops.ones_like,
        "linear": lambda progress: 1 - progress,
        "cosine": lambda progress: 0.5 * (1 + ops.cos(math.pi * progress)),
    }
)
"""Names of schedules and their factors, functions of the progress in [0, 1]; all start at 1."""


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises for a while and then follows a schedule.

    During the warm-up, step `k`, counted from 0, has `(k + 1) / warmup` of `start`. The schedule
    takes the steps that remain: its progress is 0 when the warm-up ends, 1 at step `num_steps`,
    and stays there.

    Args:
        start: Rate at the end of the warm-up.
        schedule: A name in `SCHEDULES`.
        num_steps: Number of steps of the run, warm-up included.
        warmup: Number of steps of the warm-up.

    Raises:
        ConfigError: If the schedule is unknown or a number is out of range.
    """

    def __init__(
        self, start: float, schedule: str = "constant", num_steps: int = 1, warmup: int = 0
    ) -> None:
        check_choice("schedule", schedule, SCHEDULES)
        check_range("num_steps", num_steps, 1)
        check_range("warmup", warmup, 0, num_steps)
        self.start, self.schedule = start, schedule
        self.num_steps, self.warmup = num_steps, warmup

    def __call__(self, step: Tensor) -> Tensor:
        """Return the rate at a step, a float32 scalar tensor; `step` is a number or a tensor."""
        step = ops.cast(step, "float32")
        progress = ramp(step - self.warmup, 0.0, 1.0, self.num_steps - self.warmup)
        rise = ops.minimum((step + 1) / max(self.warmup, 1), 1.0)
        return self.start * rise * SCHEDULES[self.schedule](progress)

    def get_config(self) -> dict[str, Any]:
        return {
            "start": self.start,
            "schedule": self.schedule,
            "num_steps": self.num_steps,
            "warmup": self.warmup,
        }


def ramp(step: Tensor, start: float, end: float, num_steps: int) -> Tensor:
    """Return a number that moves evenly from `start` at step 0 to `end` at step `num_steps`.

    Args:
        step: Number or scalar tensor; outside `[0, num_steps]` the nearer end counts.
        start: Value at step 0.
        end: Value from step `num_steps` on.
        num_steps: Number of steps; 0 jumps to `end` at step 0.

    Returns:
        Scalar tensor, float32.
    """
    step = ops.cast(step, "float32")
    share = ops.clip(step / num_steps, 0.0, 1.0) if num_steps else ops.cast(step >= 0, "float32")
    return (1 - share) * start + share * end
