"""Whether a budget of minutes will reach a usable number of steps, said while there is time."""

import math

import keras

from keras_ruo2.io import messages

USABLE = 1000  # steps; with the default, 1,048 gave good slices and 410 poor ones
FIRST, LAST = 3, 20  # steps that the pace is measured between; earlier ones compile


class Pace(keras.callbacks.Callback):
    """Say early, once, if `--minutes` will end the run before it has made enough steps.

    Args:
        recorder: `Recorder`, which must come before this callback.
        batch_size: Samples of a critic update.
    """

    def __init__(self, recorder, batch_size):
        super().__init__()
        self.recorder, self.batch_size, self.made = recorder, batch_size, 0

    def on_train_batch_end(self, batch, logs=None):
        self.made += 1
        if self.made == FIRST:
            self.start = self.recorder.seconds
        if self.made == LAST and not math.isinf(self.recorder.limit):
            pace = (self.recorder.seconds - self.start) / (LAST - FIRST)
            left = max(self.recorder.limit - self.recorder.seconds, 0) / max(pace, 1e-9)
            reached = min(self.recorder.step + int(left), self.recorder.last_step)
            if text := shortfall(pace, reached, self.recorder, self.batch_size):
                messages.warning(f"Warning: {text}")


def shortfall(pace, reached, recorder, batch_size):
    """Return what is wrong with the pace, in words; empty if nothing is.

    Args:
        pace: Seconds a step.
        reached: Step at which the run will end.
        recorder: With the `limit` in seconds and the `last_step`.
        batch_size: Samples of a critic update.
    """
    wanted = min(USABLE, recorder.last_step)
    if reached >= wanted:
        return ""
    minutes = recorder.limit / 60
    needed = math.ceil(minutes * wanted / max(reached, 1))
    text = (
        f"at {pace:.2g} s a step --minutes={minutes:g} ends this run near step {reached}; with "
        f"fewer than about {wanted} its pictures will be poor. Let it go on afterwards with "
        f"--resume --minutes={needed}"
    )
    smaller = batch_size // 2
    return text + (
        f", or begin anew with --batch_size={smaller}, which makes about twice the steps."
        if smaller >= 8
        else "."
    )
