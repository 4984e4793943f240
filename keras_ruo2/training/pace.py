"""Whether a budget of minutes will reach a usable number of steps, said while there is time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from keras_ruo2.io import messages
from keras_ruo2.models.architectures import ARCHITECTURES

if TYPE_CHECKING:
    from keras_ruo2.training.callbacks import Recorder


HOPELESS = 0.5  # of the steps that an architecture needs. See experiments/benchmarks/README.md
SMALLEST_BATCH = 8
FIRST, LAST = 3, 20  # steps that the pace is measured between; earlier ones compile


class Pace(keras.callbacks.Callback):
    """Say early, once, if `--minutes` will end the run before it has made enough steps.

    Args:
        recorder: `Recorder`, which must come before this callback.
        batch_size: Samples of a critic update.
        usable: Steps after which it has learned something, of `Architecture`.
        cheaper: Settings to begin anew with if it will make fewer than `HOPELESS` of these steps:
            then the run ends, and `ended` is set.
    """

    def __init__(
        self,
        recorder: Recorder,
        batch_size: int,
        usable: int,
        cheaper: Mapping[str, int] | None = None,
    ) -> None:
        super().__init__()
        self.recorder, self.batch_size, self.made = recorder, batch_size, 0
        self.usable = usable
        self.cheaper, self.ended = cheaper, False

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.made += 1
        if self.made == FIRST:
            self.start = self.recorder.seconds
        if self.made == LAST and not math.isinf(self.recorder.limit):
            pace = (self.recorder.seconds - self.start) / (LAST - FIRST)
            left = max(self.recorder.limit - self.recorder.seconds, 0) / max(pace, 1e-9)
            reached = min(self.recorder.step + int(left), self.recorder.last_step)
            wanted = min(self.usable, self.recorder.last_step)
            text = shortfall(pace, reached, wanted, self.recorder, self.batch_size)
            if text and self.cheaper and reached < HOPELESS * self.usable:
                text = begins_anew(pace, reached, self.recorder, self.cheaper)
                self.ended = self.model.stop_training = True
            if text:
                messages.warning(f"Warning: {text}")


def cheaper_settings(resolved: Mapping[str, Any]) -> dict[str, int]:
    """Return what a run on a machine that is too slow for its minutes had better begin with.

    Where atoms are placed, that costs most, and the width changes nothing of it. What these gain:
    experiments/benchmarks/README.md.
    """
    if ARCHITECTURES[resolved["arch"]].places_atoms:
        return {"batch_size": max(resolved["batch_size"] // 2, 2)}
    return {"width": max(resolved["width"] // 2, 1)}


def begins_anew(pace: float, reached: int, recorder: Recorder, cheaper: Mapping[str, int]) -> str:
    """Return what is done about a pace that is too slow, in words."""
    flags = " ".join(f"--{name}={value}" for name, value in cheaper.items())
    return (
        f"at {pace:.2g} s a step --minutes={recorder.limit / 60:g} would end this run near step "
        f"{reached}, where it has learned little. It begins anew with {flags}, which is cheaper."
    )


def shortfall(pace: float, reached: int, wanted: int, recorder: Recorder, batch_size: int) -> str:
    """Return what is wrong with the pace, in words; empty if nothing is.

    Args:
        pace: Seconds a step.
        reached: Step at which the run will end.
        wanted: Step after which it has learned something.
        recorder: With the `limit` in seconds.
        batch_size: Samples of a critic update.
    """
    if reached >= wanted:
        return ""
    minutes = recorder.limit / 60
    needed = math.ceil(minutes * wanted / max(reached, 1))
    text = (
        f"at {pace:.2g} s a step --minutes={minutes:g} ends this run near step {reached}; with "
        f"fewer than about {wanted} it has learned little. Let it go on afterwards with "
        f"--resume --minutes={needed}"
    )
    smaller = batch_size // 2
    return text + (
        f", or begin anew with --batch_size={smaller}, which makes about twice the steps."
        if smaller >= SMALLEST_BATCH
        else "."
    )
