"""Stopping when asked to, after a whole step."""

import signal

import keras


class Stop(keras.callbacks.Callback):
    """End training after the step during which Ctrl-C or a termination came.

    A second signal ends it at once. It must be the last callback, so that the others have seen
    the step.

    Args:
        agree: Function from whether this process was asked to whether any worker was.
    """

    def __init__(self, agree=bool):
        super().__init__()
        self.agree = agree

    def on_train_begin(self, logs=None):
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.ask)

    def ask(self, number, frame):
        """Remember a signal."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def on_train_batch_end(self, batch, logs=None):
        if self.agree(self.asked):
            raise KeyboardInterrupt

    def on_train_end(self, logs=None):
        restore_signals()


def restore_signals():
    """Let signals do again what they do by default."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
