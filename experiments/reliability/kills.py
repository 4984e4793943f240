"""Kill long commands at random moments: python -m experiments.reliability.kills --each=30

Prints a row for each command and signal: how many kills, how many of them met the command still
running, and in how many anything differed from an undisturbed command after repeating it (files,
leftovers, orphaned processes, tracebacks). --only=NAME,NAME takes some commands.
"""

import tempfile
from pathlib import Path

import fire
import numpy as np

from tests.kill_works import WORKS
from tests.kills import SIGNALS, kill, undisturbed

HEAD = "| command | seconds | signal | kills | met it running | with a difference |"


def main(each=30, seed=0, only=None):
    """Kill every command `each` times by each signal."""
    names = {only} if isinstance(only, str) else set(only or ())
    print(f"{HEAD}\n|---|---|---|---|---|---|", flush=True)
    total = 0
    for row, work in enumerate(WORKS):
        if not names or work.name in names:
            with tempfile.TemporaryDirectory() as place:
                total += kills_of(work, Path(place).resolve(), each, (seed, row))
    return int(bool(total))


def kills_of(work, place, each, seed):
    """Kill a command by each signal and print what came of it; return how often it differed."""
    times, total = undisturbed(work, place / "whole"), 0
    for number in SIGNALS:
        rng, bad, met = np.random.default_rng((*seed, int(number))), [], 0
        for count in range(each):
            share = float(rng.uniform())
            folder = place / f"{number.name}-{count}"
            found = kill(work, folder, place / "whole", number, times, share)
            met += found.met
            if found.faults:
                bad.append(f"at {share:.2f}: {'; '.join(found.faults)}")
        row = (work.name, f"{times.end:.1f}", number.name, each, met, len(bad))
        print("\n".join([f"| {' | '.join(map(str, row))} |", *bad]), flush=True)
        total += len(bad)
    return total


if __name__ == "__main__":
    raise SystemExit(fire.Fire(main, serialize=lambda _: None))
