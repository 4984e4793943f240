"""Stopping when asked to or when there is nothing left to train, after a whole step."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import keras


class Stop(keras.callbacks.Callback):
    """End training after the step during which Ctrl-C or a termination came, or that went wrong.

    A second signal ends it at once. It must be the last callback, so that the others have seen
    the step.

    Args:
        agree: Function from whether this process wants to stop to whether any worker does.
        verdict: Function that returns why training should end, in words; empty if it should not.
    """

    def __init__(
        self, agree: Callable[[bool], bool] = bool, verdict: Callable[[], str] = str
    ) -> None:
        super().__init__()
        self.agree, self.verdict = agree, verdict

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.ask)

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Remember a signal."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self.agree(self.asked or bool(self.verdict())):
            raise KeyboardInterrupt

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        restore_signals()


def restore_signals() -> None:
    """Let signals do again what they do by default."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
