"""Damage every kind of file and see what its reader does: python -m experiments.reliability.damage

Prints a table; --each=N damages of each kind (3,000 in all by default), --seed, and --show=OUTCOME
prints the details of one outcome.
"""

import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import fire
import numpy as np

from tests.damage_cases import CASES, OUTCOMES, REFUSED, SAME, SILENT, TOLD, outcomes


def main(each=97, seed=0, show=None):
    """Damage files and print what became of it, a row for each kind."""
    warnings.simplefilter("ignore")
    started, total = time.perf_counter(), Counter()
    print(f"| file | ours | cases | {' | '.join(OUTCOMES)} |")
    print("|---" * (3 + len(OUTCOMES)) + "|")
    for number, case in enumerate(CASES):
        with tempfile.TemporaryDirectory() as place:
            rng = np.random.default_rng((seed, number))
            found = list(outcomes(case, each, rng, Path(place)))
        counts = Counter(outcome for outcome, _ in found)
        total.update((case.ours, outcome) for outcome, _ in found)
        numbers = " | ".join(str(counts[name]) for name in OUTCOMES)
        print(f"| {case.name} | {'yes' if case.ours else 'no'} | {len(found)} | {numbers} |")
        for outcome, detail in found:
            if outcome == show:
                print(detail.strip()[:300])
    for ours, told in ((True, "of our own"), (False, "of users")):
        numbers = ", ".join(f"{total[ours, name]} {name}" for name in OUTCOMES)
        print(f"\n{sum(n for (o, _), n in total.items() if o is ours)} files {told}: {numbers}.")
    print(f"\n{time.perf_counter() - started:.0f} s.")
    good = {(ours, name) for ours in (True, False) for name in (REFUSED, SAME, TOLD)}
    return int(bool(set(total) - good - {(False, SILENT)}))


if __name__ == "__main__":
    raise SystemExit(fire.Fire(main, serialize=lambda _: None))
