"""How far a search is."""

import time

from keras_ruo2.io import messages


class Progress:
    """Print a line for each trial: what happened, acceptance, rate, time left.

    Chains go on at the same time, so the time left is what remains at the rate of all together, but
    no less than the longest remaining chain takes, whose trials have to wait for each other.
    Starts, of which one may serve many chains, count as one piece of work each.

    Args:
        chains: `Chain` of each.
        steps: Trials of each chain, without its start.
        clock: Function that returns seconds.
    """

    def __init__(self, chains, steps, clock=time.monotonic):
        self.chains, self.steps, self.clock = chains, steps, clock
        self.began, self.done, self.seconds = clock(), 0, 0.0

    def count(self, seconds):
        """Count a piece of work that took this long where it was done."""
        self.done += 1
        self.seconds += seconds

    def show(self, chain, trial, seconds):
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

    def seconds_left(self):
        """Return the time that the rest will take."""
        left = [max(0, self.steps + 1 - chain.trials) for chain in self.chains]
        together = sum(left) * (self.clock() - self.began) / self.done
        return max(together, max(left) * self.seconds / self.done)
