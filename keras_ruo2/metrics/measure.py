"""Every metric of a set of samples, with its cost, beside the same of held-out real grids."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import numpy as np

from keras_ruo2.metrics.collapse import alarms, by_class, collapse_scores
from keras_ruo2.metrics.conditioning import LARGEST_TRAINING, conditioning_scores
from keras_ruo2.metrics.descriptors import profile_spectra, spectra
from keras_ruo2.metrics.distributions import mean_sorted_difference, project
from keras_ruo2.metrics.floors import NUM_REPLICATES, Score, TooFewSamples, common_size, score
from keras_ruo2.metrics.marginals import Marginal, marginal_scores, marginals
from keras_ruo2.metrics.matches import Matches, best_matches, share_above
from keras_ruo2.metrics.neighbours import nearest_records, neighbour_scores
from keras_ruo2.metrics.radial import radial_difference, radial_distributions

THRESHOLD_PERCENTILE = 99  # of the held-out grids' similarities: 1 % of new grids lie above it
LEAST_REAL = 1000  # training grids that stand for all of them, so that halves make a steady floor
SHOWN_PERCENTILES = (5, 50, 95, 99, 100)

Radial = dict[str, Any]  # what `radial_distributions` returns


class Measured(NamedTuple):
    """What `measure` found.

    Args:
        metrics: Nested dict of figures and sentences.
        matches: `Matches` of the samples in the training grids.
        null: The same of held-out grids, `None` if there are none.
        generated: Dict of `Marginal` of the samples.
        real: The same of training grids.
        nearest: Number of the training grid nearest to each sample, and the distance.
        radial: Pair of `radial_distributions`, of the samples and of training grids.
    """

    metrics: dict[str, Any]
    matches: Matches
    null: Matches | None
    generated: dict[str, Marginal]
    real: dict[str, Marginal]
    nearest: tuple[np.ndarray, np.ndarray]
    radial: tuple[Radial, Radial]


def measure(
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
    *,
    compared: int,
    align: bool = False,
    seed: int = 0,
    replicates: int = NUM_REPLICATES,
    num_classes: int = 0,
) -> Measured:
    """Measure samples against the grids that a model was trained on and those it never saw.

    Args:
        samples: Dict with `grid`, `(n, *grid, 2)`, and, where there are any, `lattice` in A and
            `label`. Every value of `grid` is finite.
        training: Dict with `grid`, `lattice` and `label` of training records.
        held_out: The same of held-out records; may be empty.
        compared: Samples, and held-out grids, that are compared with every training grid.
        align: Align pairs before they are compared.
        seed: Seed of every choice.
        replicates: Bootstrap replicates of each distance.
        num_classes: Number of classes, where samples were drawn of classes.

    Returns:
        `Measured`. Parts that lack samples are left out and named under `notes`.
    """
    metrics: dict[str, Any] = {"alarms": [], "notes": [], "seconds": {}}
    part = timed(metrics)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(training["grid"]))[: max(LEAST_REAL, 2 * len(samples["grid"]))]
    real = {name: values[chosen] for name, values in training.items()}
    with part("collapse"):
        metrics["collapse"], metrics["alarms"] = collapse_part(samples, real)
    null = None
    with part("overfitting"):
        matches = best_matches(samples["grid"][:compared], training["grid"], align=align)
        null = null_matches(held_out, training, compared, align)
        metrics["overfitting"] = similarity(matches, null)
    with part("nearest"):
        nearest = nearest_records(samples["grid"], training["grid"])
    with_lengths = "lattice" in samples
    with part("described"):
        made, expected = (describe_grids(grids, with_lengths) for grids in (samples, real))
    for group, compare in COMPARISONS.items():
        with part(group):
            scores = compare(made, expected, seed, replicates)
            metrics[group] = {name: score._asdict() for name, score in scores.items()}
    for name, entry in metrics.get("marginals", {}).items():
        entry |= {"title": made.marginals[name].title, "unit": made.marginals[name].unit}
    with part("radial"):
        radial, metrics["radial"] = radial_part(samples, real, with_lengths)
    if "label" in samples and num_classes > 1:
        with part("conditioning"):
            metrics["conditioning"] = conditioning_part(
                samples, training, held_out, num_classes, seed
            )
    with part("held_out"):
        common_size(held_out["grid"], real["grid"])
        new = describe_grids(held_out, with_lengths)
        metrics["held_out"] = {
            group: {name: score.ratio for name, score in compare(new, expected, seed, 0).items()}
            for group, compare in COMPARISONS.items()
        }
    return Measured(metrics, matches, null, made.marginals, expected.marginals, nearest, radial)


class Described(NamedTuple):
    """What is compared of a set of grids.

    Args:
        marginals: Dict of `Marginal`.
        projections: Random projections, `(n, 128)`, of the grids, their spectra and z profiles.
        spectra: Fourier amplitudes, `(n, d)`.
    """

    marginals: dict[str, Marginal]
    projections: dict[str, np.ndarray]
    spectra: np.ndarray


def describe_grids(sample: Mapping[str, np.ndarray], with_lengths: bool) -> Described:
    """Return the `Described` of a dict with `grid` and `lattice`."""
    grids = sample["grid"]
    amplitudes = spectra(grids)
    vectors = {"images": grids, "spectra": amplitudes, "z_profile": profile_spectra(grids)}
    return Described(
        marginals=marginals(grids, sample["lattice"] if with_lengths else None),
        projections={name: project(values) for name, values in vectors.items()},
        spectra=amplitudes,
    )


def compare_projections(
    made: Described, real: Described, seed: int, replicates: int
) -> dict[str, Score]:
    """Return the `Score` of sliced Wasserstein distances."""
    return {
        name: score(
            mean_sorted_difference, values, real.projections[name], seed=seed, replicates=replicates
        )
        for name, values in made.projections.items()
    }


COMPARISONS = {
    "marginals": lambda made, real, seed, replicates: marginal_scores(
        made.marginals, real.marginals, seed=seed, replicates=replicates
    ),
    "distances": compare_projections,
    "neighbours": lambda made, real, seed, replicates: neighbour_scores(
        made.spectra, real.spectra, seed=seed
    ),
}


def timed(metrics: dict[str, Any]) -> Callable[[str], AbstractContextManager[None]]:
    """Return a context that takes a part's time and notes when it lacks samples."""

    @contextmanager
    def part(name: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        except TooFewSamples as error:
            metrics["notes"].append(f"Left out, {name.replace('_', '-')}: {error}.")
        metrics["seconds"][name] = round(time.perf_counter() - begin, 2)

    return part


def collapse_part(
    samples: Mapping[str, np.ndarray], real: Mapping[str, np.ndarray]
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Return the scores, by class where samples have labels, and the alarms."""
    labels = samples.get("label")
    scores = collapse_scores(
        by_class(samples["grid"], labels),
        by_class(real["grid"], None if labels is None else real["label"]),
    )
    named = {"all" if name is None else f"class {name}": values for name, values in scores.items()}
    return named, alarms(scores)


def radial_part(
    samples: Mapping[str, np.ndarray], real: Mapping[str, np.ndarray], with_lengths: bool
) -> tuple[tuple[Radial, Radial], dict[str, dict[str, float]]]:
    """Return the radial distributions of samples and real grids, and how unlike they are."""
    count = min(len(samples["grid"]), len(real["grid"]) // 2)
    sets = {"made": (samples, slice(0, count)), "real": (real, slice(0, count))}
    sets["other"] = (real, slice(count, 2 * count))
    distributions = {
        name: radial_distributions(
            sample["grid"][rows], sample["lattice"][rows] if with_lengths else None
        )
        for name, (sample, rows) in sets.items()
    }
    values = radial_difference(distributions["made"], distributions["real"])
    floors = radial_difference(distributions["other"], distributions["real"])
    scores = {name: {"value": values[name], "floor": floors[name]} for name in values}
    return (distributions["made"], distributions["real"]), scores


def conditioning_part(
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
    num_classes: int,
    seed: int,
) -> dict[str, Any]:
    """Return the `conditioning_scores` from random projections of Fourier amplitudes."""
    chosen = np.random.default_rng(seed).permutation(len(training["grid"]))[:LARGEST_TRAINING]
    known = {name: training[name][chosen] for name in ("grid", "label")}
    sets = [
        (project(spectra(sample["grid"])), sample["label"]) for sample in (samples, known, held_out)
    ]
    return conditioning_scores(
        *(value for pair in sets for value in pair), num_classes=num_classes, seed=seed
    )


def null_matches(
    held_out: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    compared: int,
    align: bool,
) -> Matches | None:
    """Return the `Matches` of held-out grids, `None` if there are none."""
    if not len(held_out["grid"]):
        return None
    return best_matches(held_out["grid"][:compared], training["grid"], align=align)


def similarity(matches: Matches, null: Matches | None) -> dict[str, Any]:
    """Return how similar the best matches are, and how many samples are more so than new grids.

    A sample counts as similar if both channels of its best match are above the threshold.
    """
    shares = {"compared": len(matches.index), "generated": percentiles(matches.similarity)}
    if null is not None:
        threshold = float(np.percentile(null.similarity, THRESHOLD_PERCENTILE))
        shares |= {
            "held_out": percentiles(null.similarity),
            "threshold": threshold,
            "similar": int((matches.similarity > threshold).sum()),
            "similar_share": share_above(matches, threshold),
            "similar_share_held_out": share_above(null, threshold),
        }
    return shares


def percentiles(values: np.ndarray) -> dict[str, float]:
    """Return some percentiles as a dict."""
    return {str(rank): float(np.percentile(values, rank)) for rank in SHOWN_PERCENTILES}
