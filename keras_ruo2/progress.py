"""How far long work is, how fast it goes and when it ends."""

import time


class Progress:
    """A line for each finished piece of work.

    Args:
        total: Number of pieces.
        done: Pieces that an earlier command has finished; they do not count for the rate.
        clock: Function that returns seconds.
    """

    def __init__(self, total, done=0, clock=time.monotonic):
        self.total, self.done, self.begun_at, self.clock = total, done, done, clock
        self.started = clock()

    def step(self, text):
        """Print a line about the piece that was just finished."""
        self.done += 1
        width = len(str(self.total))
        print(f"{self.done:{width}d}/{self.total} {text}  {self.rate()}", flush=True)

    def rate(self):
        """Return the rate in pieces a minute and the time that the rest will take."""
        seconds = (self.clock() - self.started) / (self.done - self.begun_at)
        left = seconds * (self.total - self.done)
        return f"{60 / max(seconds, 1e-9):.3g}/min, {duration(left)} left"


def duration(seconds):
    """Return a time as people read it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
