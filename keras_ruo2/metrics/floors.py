"""What a distance between two sets means: its ratio to that of two halves of the real data."""

from __future__ import annotations

from collections.abc import Callable, Sized
from typing import NamedTuple

import numpy as np

MIN_SAMPLES = 20  # of each of the three sets that are compared; fewer say nothing about a distance
NUM_SPLITS, NUM_REPLICATES = 10, 100
INTERVAL = (2.5, 97.5)  # percentiles


class TooFewSamples(ValueError):
    """There are fewer samples than a metric needs to say anything."""


class Score(NamedTuple):
    """A value beside what real data score among themselves.

    Args:
        value: The distance, or the share, of generated to real samples.
        floor: The same of two halves of the real samples.
        ratio: Value over floor: 1 is as good as real data.
        low: Lower end of the 95 % interval of the ratio.
        high: Its upper end.
    """

    value: float
    floor: float
    ratio: float
    low: float
    high: float


def score(
    distance: Callable[[np.ndarray, np.ndarray], float],
    generated: np.ndarray,
    real: np.ndarray,
    *,
    seed: int = 0,
    replicates: int = NUM_REPLICATES,
) -> Score:
    """Compare generated with real samples, and real with real ones in equal numbers.

    The real samples are split at random into halves A and B, again and again: the floor is the mean
    distance of A to B, the value that of as many generated samples to B. Both contain the same
    noise of finite samples. The interval is a bootstrap over samples of both sets; since drawing
    with repeats adds a distance of its own, only the spread of the replicates about their mean is
    used. It does not cover the choice of the real samples themselves.

    Args:
        distance: Function of two arrays of samples.
        generated: Array of shape `(n, ...)`.
        real: Array of shape `(m, ...)`.
        seed: Seed of splits and replicates.
        replicates: Number of bootstrap replicates.

    Returns:
        `Score`, of NaN where a distance is not defined.

    Raises:
        TooFewSamples: If there are fewer than `MIN_SAMPLES` generated or twice as many real ones.
    """
    size = common_size(generated, real)
    rng = np.random.default_rng(seed)
    values, floors, spread = [], [], []
    for number in range(max(NUM_SPLITS, replicates)):
        order = rng.permutation(len(real))
        half, other = real[order[:size]], real[order[size : 2 * size]]
        made = generated[rng.permutation(len(generated))[:size]]
        if number < NUM_SPLITS:
            floors.append(distance(half, other))
            values.append(distance(made, other))
        if number < replicates:
            again = rng.integers(size, size=(2, size))
            spread.append(distance(made[again[0]], other[again[1]]))
    deviations = np.array(spread) - np.mean(spread) if spread else np.zeros(0)
    return over_floor(float(np.mean(values)), float(np.mean(floors)), deviations)


def over_floor(value: float, floor: float, deviations: np.ndarray) -> Score:
    """Return the `Score` of a value, its floor and the deviations of its replicates."""
    low, high = value + np.percentile(deviations, INTERVAL) if len(deviations) else (value, value)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.divide([value, max(0, low), high], floor)
    if value == floor == 0:
        ratios = np.ones(3)
    return Score(float(value), float(floor), *(float(ratio) for ratio in ratios))


def common_size(generated: Sized, real: Sized) -> int:
    """Return how many samples each of the three sets holds, or raise `TooFewSamples`."""
    size = min(len(generated), len(real) // 2)
    if size < MIN_SAMPLES:
        raise TooFewSamples(
            f"{len(generated)} generated and {len(real)} real samples, at least {MIN_SAMPLES} and "
            f"{2 * MIN_SAMPLES} are needed"
        )
    return size
