"""Numbers for what a person sees when a generator fails, cheap enough to take while it trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import fft

from keras_ruo2.metrics.descriptors import half_space_weights, pair_distances

DIVERSITY_SHIFTS = 8  # partners that each sample is compared with
# Samples among which the nearest is looked for, by dimensions: equally many, or no ratio.
NUM_NEAREST = {2: 256, 3: 64}
EMPTY_QUANTILE = 0.2  # real grids are darker than a tenth of their mean in more than this share
OF_A_CLASS = "Class "  # begins an alarm that is about samples of one class only
FINE = 0.75  # of the highest frequency: above it atoms hold little, independent voxels their share


class Alarm(NamedTuple):
    """When something is wrong and how to say so.

    Args:
        is_raised: Function of the scores; a NaN raises nothing.
        text: Sentence, with the scores to be filled in.
        hides: Alarms that say nothing more once this one is raised.
    """

    is_raised: Callable[[Mapping[str, float]], bool]
    text: str
    hides: tuple[str, ...] = ()


# Where a person begins to see it too, judged by `experiments/benchmarks/controls` and real runs.
ALARMS = {
    "not finite": Alarm(
        lambda scores: scores["finite"] < 1, "Not finite: {finite:.1%} of the values are finite."
    ),
    "dead": Alarm(
        lambda scores: max(scores["contrast_ru"], scores["contrast_o"]) < 0.1,
        "Dead output: samples are blank, Ru and O vary by {contrast_ru:.0%} and {contrast_o:.0%} "
        "of what they do in real data.",
        hides=("no ru", "no o", "collapse", "repeats", "stripes", "echoes", "noise"),
    ),
    "no ru": Alarm(
        lambda scores: scores["contrast_ru"] < 0.1,
        "Dead channel: Ru varies by {contrast_ru:.0%} of what it does in real data.",
    ),
    "no o": Alarm(
        lambda scores: scores["contrast_o"] < 0.1,
        "Dead channel: O varies by {contrast_o:.0%} of what it does in real data.",
    ),
    "collapse": Alarm(
        lambda scores: scores["diversity"] < 0.5,
        "Collapse: two samples differ by {diversity:.0%} of what two real ones do, apart from "
        "translations.",
        hides=("repeats",),
    ),
    "repeats": Alarm(
        lambda scores: scores["spacing"] < 0.3,
        "Repeats: the sample most like another is {spacing:.0%} as far from it as in real data; "
        "few different ones are drawn.",
    ),
    "stripes": Alarm(
        lambda scores: scores["stripes"] > 0.25,
        "Stripes: of the order that real grids have across the axes {stripes:.0%} is gone; "
        "what remains varies along one direction only.",
        hides=("echoes",),
    ),
    # Single real slices reach 0.27, sets of twenty 0.02; the thesis's columns of dashes have 0.64.
    "echoes": Alarm(
        lambda scores: scores["echoes"] > 0.4,
        "Echoes: half a cell further along z the same is drawn again, {echoes:.0%} of what there "
        "is to repeat; a slab beside its vacuum has no such period.",
    ),
    "noise": Alarm(
        lambda scores: scores["noise"] > 0.05,
        "Noise: {noise:.0%} more of the power than in real data is at the finest scale, a voxel "
        "or two.",
    ),
    "background": Alarm(
        lambda scores: scores["background"] > 0.05,
        "Bright background: where real grids are empty, densities are higher by {background:.2f}.",
    ),
}


def grid_statistics(grids: np.ndarray) -> dict[str, float]:
    """Return what is compared, of one set of grids.

    Args:
        grids: Array of shape `(n, *grid, 2)` with at least one sample.

    Returns:
        Dict of floats: `finite`, the share of finite values (the others count as 0);
        `contrast_ru` and `contrast_o`, the root mean square deviation of a channel's voxels from
        their mean in each sample; `background`, the mean over samples of the density that
        `EMPTY_QUANTILE` of the voxels stay below; `stripes`, the share of the Fourier power
        (without the mean) that lies on the axes of the spectrum, where everything varies in one
        direction only; `echoes`, the share at even numbers of waves along z, which is what repeats
        itself after half a cell; `noise`, the share at frequencies above `FINE`; `diversity`, the
        median distance of pairs of samples in Fourier amplitudes, which translations do not
        change, NaN for one sample (a mean would let a few odd samples hide that the
        rest are alike); `spacing`, the median distance of a sample to the nearest of as many as
        `NUM_NEAREST` says, NaN for fewer.
    """
    grids = np.asarray(grids, dtype=np.float32)
    finite = np.isfinite(grids)
    grids = np.where(finite, grids, 0)
    shape = grids.shape[1:-1]
    axes = tuple(range(1, 1 + len(shape)))
    amplitudes = np.abs(fft.rfftn(grids, axes=axes)).astype(np.float32)
    amplitudes *= half_space_weights(shape)[..., None]
    power = np.square(amplitudes).sum(axis=0, dtype=np.float64)
    power[(0,) * len(shape)] = 0
    per_frequency = power.sum(axis=-1)
    total = max(per_frequency.sum(), np.finfo(float).tiny)
    contrast = np.sqrt(power.sum(axis=tuple(range(len(shape)))) / len(grids) / np.prod(shape))
    rows = grids.sum(axis=-1).reshape(len(grids), -1)
    # Neighbours in records are slices of one structure, so the order is mixed.
    vectors = amplitudes.reshape(len(grids), -1)[np.random.default_rng(0).permutation(len(grids))]
    return {
        "finite": float(finite.mean()),
        "contrast_ru": float(contrast[0]),
        "contrast_o": float(contrast[1]),
        "background": float(np.quantile(rows, EMPTY_QUANTILE, axis=1).mean()),
        "stripes": float(per_frequency[on_axes(shape)].sum() / total),
        "echoes": float(per_frequency[..., ::2].sum() / total),
        "noise": float(per_frequency[is_fine(shape)].sum() / total),
        "diversity": median_distance(vectors),
        "spacing": median_nearest(vectors, NUM_NEAREST[len(shape)]),
    }


def frequencies(shape: Sequence[int]) -> tuple[np.ndarray, ...]:
    """Return the absolute frequency along each axis, as a share of the highest one."""
    lines = [2 * np.abs(np.fft.fftfreq(size)) for size in shape[:-1]]
    return np.meshgrid(*lines, 2 * np.fft.rfftfreq(shape[-1]), indexing="ij")


def on_axes(shape: Sequence[int]) -> np.ndarray:
    """Mark the frequencies along one axis alone."""
    return np.sum([frequency > 0 for frequency in frequencies(shape)], axis=0) == 1


def is_fine(shape: Sequence[int]) -> np.ndarray:
    """Mark the frequencies above `FINE` along any axis."""
    return np.maximum.reduce([frequency > FINE for frequency in frequencies(shape)])


def median_distance(vectors: np.ndarray) -> float:
    """Return the median distance of each vector to the next few, on a ring."""
    shifts = range(1, min(DIVERSITY_SHIFTS, len(vectors) - 1) + 1)
    distances = [
        np.linalg.norm(vectors - np.roll(vectors, shift, axis=0), axis=1) for shift in shifts
    ]
    return float(np.median(distances)) if distances else np.nan


def median_nearest(vectors: np.ndarray, count: int) -> float:
    """Return the median distance to the nearest among `count` vectors, NaN for fewer."""
    if len(vectors) < count:
        return np.nan
    apart = pair_distances(vectors[:count], vectors[:count])
    np.fill_diagonal(apart, np.inf)
    return float(np.median(apart.min(axis=1)))


def by_class(
    grids: np.ndarray, labels: np.ndarray | None = None
) -> dict[int | None, dict[str, float]]:
    """Return the `grid_statistics` of all grids and of those of each class.

    Args:
        grids: Array of shape `(n, *grid, 2)`.
        labels: Classes, shape `(n,)`, or `None`.

    Returns:
        Dict: `None` for all, and each class that has at least two grids.
    """
    statistics: dict[int | None, dict[str, float]] = {None: grid_statistics(grids)}
    if labels is not None:
        names, counts = np.unique(labels, return_counts=True)
        for name in names[counts > 1]:
            statistics[int(name)] = grid_statistics(grids[labels == name])
    return statistics


def collapse_scores(generated: Mapping[Any, Any], real: Mapping[Any, Any]) -> dict[Any, Any]:
    """Compare the statistics of generated with those of real grids.

    Args:
        generated: What `grid_statistics` returned, or a set of it by class as from `by_class`.
        real: The same of real grids.

    Returns:
        Dict of floats, to be logged: `diversity`, `spacing`, `contrast_ru` and `contrast_o`,
        ratios to real, 1 is right; `stripes` and `echoes`, 0 where they are as in real data, 1
        where there is nothing else; `noise` and `background`, the excess over real; `finite`. By
        class where by class was given: then each class is compared with the real grids of that
        class.
    """
    if None in generated:
        return {
            name: collapse_scores(generated[name], real[name]) for name in generated if name in real
        }
    scores = {
        name: generated[name] / real[name] if real[name] > 0 else np.nan
        for name in ("diversity", "spacing", "contrast_ru", "contrast_o")
    }
    for name in ("stripes", "echoes"):
        scores[name] = max(0.0, (generated[name] - real[name]) / max(1 - real[name], 1e-9))
    return scores | {
        "noise": max(0.0, generated["noise"] - real["noise"]),
        "background": max(0.0, generated["background"] - real["background"]),
        "finite": generated["finite"],
    }


def alarms(scores: Mapping[Any, Any]) -> list[str]:
    """Say in words what is wrong.

    Args:
        scores: What `collapse_scores` returned.

    Returns:
        List of sentences, empty if nothing is wrong. Classes are named for what is wrong with
        them and not with all samples.
    """
    if None in scores:
        every = raised(scores[None])
        return alarms(scores[None]) + [
            f"{OF_A_CLASS}{name}: {ALARMS[wrong].text.format(**values)}"
            for name, values in scores.items()
            if name is not None
            for wrong in raised(values)
            if wrong not in every
        ]
    return [ALARMS[name].text.format(**scores) for name in raised(scores)]


def raised(scores: Mapping[str, float]) -> list[str]:
    """Return the names in `ALARMS` of what is wrong.

    Args:
        scores: What `collapse_scores` returned of one set.

    Returns:
        List of names, without those that say nothing more beside another.
    """
    names = [name for name, alarm in ALARMS.items() if alarm.is_raised(scores)]
    hidden = {other for name in names for other in ALARMS[name].hides}
    return [name for name in names if name not in hidden]
