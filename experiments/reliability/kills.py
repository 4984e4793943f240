"""Kill long commands at random moments: python -m experiments.reliability.kills --each=30

Prints a row for each command and signal: how many kills, and in how many anything differed from an
undisturbed command after repeating it (files, leftovers, orphaned processes, tracebacks).
"""

import tempfile
from pathlib import Path

import fire
import numpy as np

from tests.kills import SIGNALS, WORKS, faults, undisturbed


def main(each=30, seed=0, only=None):
    """Kill every command `each` times by each signal."""
    print("| command | seconds | signal | kills | with a difference |\n|---|---|---|---|---|")
    total = 0
    for row, work in enumerate(WORKS):
        if only and work.name != only:
            continue
        with tempfile.TemporaryDirectory() as place:
            whole = Path(place).resolve() / "whole"
            seconds = undisturbed(work, whole)
            for number in SIGNALS:
                rng, bad = np.random.default_rng((seed, row, int(number))), []
                for kill in range(each):
                    folder = whole.with_name(f"{number.name}-{kill}")
                    moment = seconds * float(rng.uniform(0.05, 0.99))
                    if found := faults(work, folder, whole, number, moment):
                        bad.append(f"after {moment:.1f} s: {'; '.join(found)}")
                told = f"| {work.name} | {seconds:.1f} | {number.name} | {each} | {len(bad)} |"
                print("\n".join([told, *bad]), flush=True)
                total += len(bad)
    return int(bool(total))


if __name__ == "__main__":
    raise SystemExit(fire.Fire(main, serialize=lambda _: None))
