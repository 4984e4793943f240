"""What does a trial of the search cost, and how much of it outside the calculator?

    OMP_NUM_THREADS=1 python experiments/benchmarks/basin_hopping.py              # CHGNet, 72 atoms
    OMP_NUM_THREADS=1 python experiments/benchmarks/basin_hopping.py --size=12.5 --steps=3

Runs one chain and prints a line of JSON. Times are those of the processor, so that other work on
the machine does not count; the start and the loading of the model are left out.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

from keras_ruo2.basin_hopping import search, worker
from keras_ruo2.config.preparation import BasinHoppingConfig


def main():
    """Run a chain and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calculator", default="chgnet")
    parser.add_argument("--start", default="100-stoichiometric")
    parser.add_argument("--size", type=float, default=9.0)
    parser.add_argument("--planes", type=int)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--relax_steps", type=int, default=100)
    options = parser.parse_args()
    clocks = {name: Clock() for name in ("trial", "keep", "calculator")}
    sizes, calls = [], []
    whole = clocks["trial"].around(worker.make_trial)

    def timed_trial(atoms, *rest):
        sizes.append(len(atoms))
        before = clocks["calculator"].seconds, clocks["calculator"].count
        made = whole(atoms, *rest)
        calls.append((clocks["calculator"].seconds - before[0], made.trial.kind))
        calls[-1] += (clocks["calculator"].count - before[1],)
        return made

    def timed_keep(plan, chain, *rest):
        kept = clocks["keep"].around(keep)
        return kept(plan, chain, *rest) if chain.trials else keep(plan, chain, *rest)

    keep, make = search.save_trial, search.make_calculator
    search.make_trial, search.save_trial = timed_trial, timed_keep
    search.make_calculator = lambda name: watched(*make(name), clocks["calculator"])
    with tempfile.TemporaryDirectory() as folder:
        search.main(
            BasinHoppingConfig(out=Path(folder) / "found.extxyz", a=4.516, c=3.164, **vars(options))
        )
    print(json.dumps(figures(options, clocks, sizes, calls)))


class Clock:
    """Processor time that is spent in a function, and how often it is called."""

    def __init__(self):
        self.seconds, self.count = 0.0, 0

    def around(self, function):
        """Return the function with its calls timed."""

        def timed(*arguments, **options):
            began = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds += time.process_time() - began
                self.count += 1

        return timed


def watched(calculator, provenance, clock):
    """Return a calculator whose calculations are timed, and its provenance."""
    calculator.calculate = clock.around(calculator.calculate)
    return calculator, provenance


def figures(options, clocks, sizes, calls):
    """Return what is printed."""
    inside = sum(seconds for seconds, _, _ in calls)
    total = clocks["trial"].seconds + clocks["keep"].seconds
    return {
        "calculator": options.calculator,
        "atoms": sorted(set(sizes)),
        "trials": len(calls),
        "moves": sorted(kind for _, kind, _ in calls),
        "calls_per_trial": round(sum(count for _, _, count in calls) / len(calls), 1),
        "seconds_per_call": round(inside / max(1, sum(count for _, _, count in calls)), 4),
        "trials_per_minute_per_core": round(60 * len(calls) / total, 2),
        "outside_calculator": round(1 - inside / total, 4),
        "seconds_outside_per_trial": round((total - inside) / len(calls), 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
    }


if __name__ == "__main__":
    main()
