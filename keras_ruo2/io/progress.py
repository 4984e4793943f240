"""How far long work is, how fast it goes and when it ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from keras_ruo2.io import messages

# tqdm redraws its line ten times a second, in a log file too.
IN_A_PIPE = 30.0  # seconds that at least lie between two lines which nobody watches


class Progress:
    """A line for each finished piece of work; in a pipe or a file one in half a minute.

    Args:
        total: Number of pieces.
        done: Pieces that an earlier command has finished; they do not count for the rate.
        every: Seconds that at least lie between two lines, but for the last one.
        clock: Function that returns seconds.
    """

    def __init__(
        self,
        total: int,
        done: int = 0,
        every: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.done, self.begun_at, self.clock = total, done, done, clock
        self.started = self.shown = clock()
        self.every = every if sys.stdout.isatty() else max(every, IN_A_PIPE)

    def step(self, text: str) -> None:
        """Print a line about the piece that was just finished."""
        self.done += 1
        if self.done < self.total and self.clock() - self.shown < self.every:
            return
        self.shown = self.clock()
        width = len(str(self.total))
        messages.info(f"{self.done:{width}d}/{self.total} {text}  {self.rate()}")

    def rate(self) -> str:
        """Return the rate in pieces a minute and the time that the rest will take."""
        seconds = (self.clock() - self.started) / (self.done - self.begun_at)
        left = seconds * (self.total - self.done)
        return f"{60 / max(seconds, 1e-9):.3g}/min, {duration(left)} left"


class Counting:
    """Pieces of work whose number is not known before, counted in one line of a terminal.

    Args:
        text: What is done.
        clock: Function that returns seconds.
    """

    def __init__(self, text: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.text, self.done, self.clock = text, 0, clock
        self.started = self.shown = clock()

    def step(self) -> None:
        """Count a piece."""
        self.done += 1
        if sys.stdout.isatty() and self.clock() - self.shown > 0.2:
            self.shown = self.clock()
            print(self, end="\r", flush=True)

    def end(self) -> None:
        """Print how many there were."""
        messages.info(self)

    def __str__(self) -> str:
        seconds = max(self.clock() - self.started, 1e-9)
        return f"{self.text}: {self.done:,} in {duration(seconds)}, {self.done / seconds:.3g}/s"


class Trial(Protocol):
    """What is told of a trial of a chain."""

    kind: str
    outcome: str

    @property
    def snapshots(self) -> Sequence[object]: ...


class Chain(Protocol):
    """What is told of a chain."""

    number: int

    @property
    def trials(self) -> int: ...

    @property
    def accepted(self) -> int: ...


class ChainProgress:
    """Print a line for each trial: what happened, acceptance, rate, time left.

    Chains go on at the same time, so the time left is what remains at the rate of all together, but
    no less than the longest remaining chain takes, whose trials have to wait for each other.
    Starts, of which one may serve many chains, count as one piece of work each.

    Args:
        chains: `Chain` of each.
        steps: Trials of each chain, without its start.
        clock: Function that returns seconds.
    """

    def __init__(
        self, chains: Sequence[Chain], steps: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.chains, self.steps, self.clock = chains, steps, clock
        self.began, self.done, self.seconds = clock(), 0, 0.0

    def count(self, seconds: float) -> None:
        """Count a piece of work that took this long where it was done."""
        self.done += 1
        self.seconds += seconds

    def show(self, chain: Chain, trial: Trial, seconds: float) -> None:
        """Print the line of a trial that its chain has just kept."""
        rate = self.done / max(self.clock() - self.began, 1e-9)
        tried = sum(max(0, other.trials - 1) for other in self.chains)
        accepted = sum(other.accepted for other in self.chains)
        share = f"{100 * accepted / tried:.0f} %" if tried else "-"
        hours, minutes = divmod(round(self.seconds_left() / 60), 60)
        messages.info(
            f"chain {chain.number:3d} trial {chain.trials - 1:4d}/{self.steps} {trial.kind:8s} "
            f"{trial.outcome:17s} {len(trial.snapshots):3d} snapshots {seconds:6.1f} s | "
            f"accepted {share}, {60 * rate:.1f} trials/min, {hours} h {minutes:02d} min left",
        )

    def seconds_left(self) -> float:
        """Return the time that the rest will take."""
        left = [max(0, self.steps + 1 - chain.trials) for chain in self.chains]
        together = sum(left) * (self.clock() - self.began) / self.done
        return max(together, max(left) * self.seconds / self.done)


def duration(seconds: float) -> str:
    """Return a time as people read it."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
