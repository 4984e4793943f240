"""Deliberately bad generators: what a metric says of them is what it can be trusted with."""

import numpy as np

NUM_KNOWN = 10  # different images of the generator that knows only few


def bad_generators(real, training, *, seed=0):
    """Return samples of generators that fail in ways one knows.

    Args:
        real: Real grids that the generators are made of, shape `(n, *grid, 2)`.
        training: Grids that a model was trained on, at least n.
        seed: Seed of choices, translations and noise.

    Returns:
        Dict of arrays shaped as `real`: `copies` of one image and a `few` images again and again,
        both translated at random; `lateral stripes` and `vertical stripes`, real images averaged
        along the other direction; `training images` themselves; `noise` alone; `noisy` and
        `bright` real images; `species apart`, the O of other images than the Ru; `dead`, nearly
        blank.
    """
    rng = np.random.default_rng(seed)
    size = len(real)
    typical = real[np.argmax(real.sum(axis=tuple(range(1, real.ndim - 1))).min(axis=1))]
    few = real[rng.choice(size, NUM_KNOWN, replace=False)][rng.integers(NUM_KNOWN, size=size)]
    apart = real.copy()
    apart[..., 1] = real[rng.permutation(size), ..., 1]
    lateral = tuple(range(1, real.ndim - 2))
    made = {
        "copies": rolled_at_random(np.repeat(typical[None], size, axis=0), rng),
        "few": rolled_at_random(few, rng),
        "lateral stripes": real.mean(axis=lateral, keepdims=True),
        "vertical stripes": real.mean(axis=real.ndim - 2, keepdims=True),
        "training images": training[rng.choice(len(training), size, replace=False)],
        "noise": 0.4 * rng.random(real.shape),
        "noisy": np.clip(real + rng.normal(scale=0.1, size=real.shape), 0, 1),
        "bright": 0.2 + 0.8 * real,
        "species apart": apart,
        "dead": 0.02 + 1e-4 * rng.random(real.shape),
    }
    return {
        name: np.broadcast_to(grids, real.shape).astype(np.float32) for name, grids in made.items()
    }


def rolled_at_random(grids, rng):
    """Return grids, each rolled by random numbers of voxels."""
    shape = grids.shape[1:-1]
    return np.stack(
        [np.roll(grid, rng.integers(shape), axis=tuple(range(len(shape)))) for grid in grids]
    )
