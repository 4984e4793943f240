"""Slabs with atoms, their grids and slices drawn by the bundled models.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.drawing [--count=100] [--slices=1000]

Core seconds, from what three times as many cost more: loading the model does not count. *slabs*
come from the bundled `joint3d` through `kr.load("joint3d").sample`, with cells and atoms; *grids*
are the same as voxels. *slices* with their lengths come from `kr.load("lattice2d").grids`.
"""

import argparse

from experiments.benchmarks.machine import core_seconds, report

MANY = 3
BARS = {"slabs": 100, "slices": 1000}  # a second, on two cores


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--slices", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(words)
    import keras_ruo2 as kr

    run, flat = kr.load("joint3d"), kr.load("lattice2d")
    draws = {
        "slabs": (run.sample, given.count),
        "grids": (run.grids, given.count),
        "slices": (flat.grids, given.slices),
    }
    ways = {
        (name, factor): lambda draw=draw, size=factor * count: draw(size)
        for name, (draw, count) in draws.items()
        for factor in (1, MANY)
    }
    seconds, figures = core_seconds(ways, given.repeats), {}
    for name, (_, count) in draws.items():
        spent = max(seconds[name, MANY] - seconds[name, 1], 1e-6)
        rate = (MANY - 1) * count / spent
        figures[f"{name}_a_second_and_core"] = float(f"{rate:.3g}")
    figures |= {f"bar_{name}_on_two_cores": bar for name, bar in BARS.items()}
    report("drawing", figures)


if __name__ == "__main__":
    main()
