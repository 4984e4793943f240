"""Slabs with atoms and grids drawn by a bundled model, and slices of the default architecture.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.drawing [--count=100] [--slices=1000]

Core seconds, from what three times as many cost more: loading the model does not count. *slabs*
come from the bundled `joint3d` through `kr.load("joint3d").sample`, with cells and atoms; *grids*
are the same as voxels. *slices* of `lattice2d` with their lengths are drawn by an untrained
generator, which costs what a trained one does.
"""

import argparse

import numpy as np

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

    run = kr.load("joint3d")
    draws = {
        "slabs": (run.sample, given.count),
        "grids": (run.grids, given.count),
        "slices": (slices(MANY * given.slices), given.slices),
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


def slices(count):
    """Return a function that draws up to `count` slices with their lengths."""
    import keras

    from keras_ruo2.backend import find_backend, start_backend

    start_backend(find_backend("tensorflow"))
    from keras_ruo2.models.networks import LATENT_SIZE, build_generator
    from keras_ruo2.training.evaluator import predict

    keras.utils.set_random_seed(0)
    generator = build_generator("lattice2d")
    noise = np.random.default_rng(0).normal(size=(count, LATENT_SIZE)).astype("float32")
    return lambda size: predict(generator, noise[:size], None)


if __name__ == "__main__":
    main()
