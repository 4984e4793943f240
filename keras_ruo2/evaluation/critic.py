"""What a run's critic says of samples and of real records, and a path through its latent space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.errors import ConfigError
from keras_ruo2.evaluation.attribution import (
    critic_outputs,
    grad_cam,
    load_trained_model,
    occlusion,
)
from keras_ruo2.generation.draw import draw_path
from keras_ruo2.metrics.floors import TooFewSamples, common_size
from keras_ruo2.metrics.lattice import (
    lattice_opinions,
    lattice_scores,
    opinion_scores,
    ratio_names,
    ratios,
)
from keras_ruo2.metrics.measure import timed
from keras_ruo2.models.tensors import Network
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.structure.cells import unscale_lengths

if TYPE_CHECKING:
    from keras_ruo2.config import EvaluateConfig


NUM_JUDGED = {2: 2000, 3: 200}  # records of a split, by dimensions
NUM_EXTREMES = 5  # structures that are named
NUM_MAPPED = {2: 4, 3: 2}  # samples, and as many real records, whose maps are drawn
PATH_POINTS, NUM_PATHS = 8, 2


class Inside(NamedTuple):
    """What `look_inside` found; parts are empty where there is nothing to look at.

    Args:
        scores: Critic's scores, `(n,)`, of `generated`, `training` and `held_out`.
        opinions: `lattice_opinions` of `generated` and of `held_out`.
        maps: `grids`, their `titles`, and `maps`, a dict of names to arrays.
        paths: List of samples, each on a path.
    """

    scores: dict[str, np.ndarray]
    opinions: dict[str, dict[str, np.ndarray]]
    maps: dict[str, Any]
    paths: list[dict[str, np.ndarray]]


def look_inside(
    config: EvaluateConfig,
    saved: Mapping[str, Any],
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
    metrics: dict[str, Any],
) -> Inside:
    """Ask the run's critic, and note scores, times and what is left out in `metrics`.

    Args:
        config: `EvaluateConfig`.
        saved: What `runs.load` returned.
        samples: Dict with `grid` and perhaps `lattice` and `label`.
        training: The same of training records, with `structure`.
        held_out: The same of held-out records; may be empty.
        metrics: Those of `measure`, to which is added.

    Returns:
        `Inside`.
    """
    part = timed(metrics)
    real = held_out if len(held_out["grid"]) else training
    inside = Inside({}, {}, {}, [])
    with part("latent paths"):
        inside = inside._replace(paths=draw_paths(config, saved, metrics))
    model = find_model(config, saved, samples, metrics)
    if model is None:
        if "lattice" in samples:
            inside = inside._replace(opinions=opinions_of(None, saved, samples, real))
    else:
        with part("critic"):
            inside = inside._replace(scores=ask(model, saved, samples, training, held_out))
            metrics["critic"] = critic_part(inside.scores, training)
        with part("maps"):
            inside = inside._replace(maps=attribution_maps(model, saved, samples, real, metrics))
        if "lattice" in samples:
            inside = inside._replace(opinions=opinions_of(model, saved, samples, real))
    if inside.opinions:
        with part("lattice"):
            metrics["lattice"] = lattice_part(inside.opinions, config.seed)
    return inside


def find_model(
    config: EvaluateConfig,
    saved: Mapping[str, Any],
    samples: Mapping[str, np.ndarray],
    metrics: dict[str, Any],
) -> Network | None:
    """Return the run's model; `None`, and a note, where it cannot be asked about the samples."""
    if VARIANTS[saved["resolved"]["variant"]].label and "label" not in samples:
        metrics["notes"].append("Left out, critic: the samples have no classes to tell it.")
        return None
    if not (runs.trained_checkpoint(config.run) / runs.TRAINING_WEIGHTS).is_file():
        metrics["notes"].append(
            "Left out, critic: this model was exported with its generator only."
        )
        return None
    try:
        return load_trained_model(config.run, saved)
    except (ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0]
        metrics["notes"].append(f"Left out, critic: its weights cannot be loaded ({reason}).")
        return None


def draw_paths(
    config: EvaluateConfig, saved: Mapping[str, Any], metrics: dict[str, Any]
) -> list[dict[str, np.ndarray]]:
    """Return samples on paths between latent vectors; none where the weights do not fit."""
    try:
        return [
            draw_path(config.run, saved, PATH_POINTS, config.seed + number)
            for number in range(NUM_PATHS)
        ]
    except (ValueError, KeyError):
        metrics["notes"].append("Left out, latent paths: the run's weights cannot be loaded.")
        return []


def critic_classes(
    saved: Mapping[str, Any], sample: Mapping[str, np.ndarray], rows: slice = slice(None)
) -> np.ndarray | None:
    """Return the classes that the critic is to be told, `None` where it is told none."""
    condition = VARIANTS[saved["resolved"]["variant"]].label
    return sample["label"][rows].astype("int32") if condition else None


def critic_inputs(
    saved: Mapping[str, Any], sample: Mapping[str, np.ndarray], count: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the first grids and classes, as arguments after a model."""
    rows = slice(0, count)
    return sample["grid"][rows].astype("float32"), critic_classes(saved, sample, rows)


def ask(
    model: Network,
    saved: Mapping[str, Any],
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return the critic's scores of samples and of records."""
    count = NUM_JUDGED[samples["grid"].ndim - 2]
    sets = {"generated": samples, "training": training, "held_out": held_out}
    return {
        name: critic_outputs(model, *critic_inputs(saved, sample, count))["score"]
        for name, sample in sets.items()
        if len(sample["grid"])
    }


def critic_part(
    scores: Mapping[str, np.ndarray], training: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Return mean scores and the training structures with the lowest and the highest ones."""
    names, places = np.unique(training["structure"][: len(scores["training"])], return_inverse=True)
    means = np.bincount(places, scores["training"]) / np.bincount(places)
    order = np.argsort(means)
    listed = [{"structure": names[k].decode(), "score": float(means[k])} for k in order]
    return {
        "mean_scores": {name: float(values.mean()) for name, values in scores.items()},
        "deviations": {name: float(values.std()) for name, values in scores.items()},
        "lowest_structures": listed[:NUM_EXTREMES],
        "highest_structures": listed[::-1][:NUM_EXTREMES],
    }


def attribution_maps(
    model: Network,
    saved: Mapping[str, Any],
    samples: Mapping[str, np.ndarray],
    real: Mapping[str, np.ndarray],
    metrics: dict[str, Any],
) -> dict[str, Any]:
    """Return maps of what raises the score, of the first samples and real records."""
    if saved["resolved"].get("minibatch_kernels"):
        metrics["notes"].append(
            "Left out, maps: with minibatch discrimination the score of a grid depends on others."
        )
        return {}
    count = NUM_MAPPED[samples["grid"].ndim - 2]
    pairs = [critic_inputs(saved, sample, count) for sample in (samples, real)]
    grids = np.concatenate([grids for grids, _ in pairs])
    labels = None if pairs[0][1] is None else np.concatenate([known for _, known in pairs])
    scores = critic_outputs(model, grids, labels)["score"]
    names = ["Generated"] * len(pairs[0][0]) + ["Real"] * len(pairs[1][0])
    return {
        "grids": grids,
        "titles": [f"{name}, score {score:.2f}" for name, score in zip(names, scores, strict=True)],
        "maps": {
            "GradCAM": grad_cam(model, grids, labels),
            "Occlusion": occlusion(model, grids, labels),
        },
    }


def opinions_of(
    model: Network | None,
    saved: Mapping[str, Any],
    samples: Mapping[str, np.ndarray],
    real: Mapping[str, np.ndarray],
) -> dict[str, dict[str, np.ndarray]]:
    """Return the `lattice_opinions` of samples and of real records; without a critic if no model.

    Raises:
        ConfigError: If the samples' lengths are not positive.
    """
    if not (samples["lattice"] > 0).all():
        raise ConfigError("The samples hold lattice lengths that are not positive, in Å.")
    data, opinions = saved["data"], {}
    bounds = [np.array(data[f"lattice_{name}"]) for name in ("minimum", "maximum")]
    count = NUM_JUDGED[samples["grid"].ndim - 2]
    for name, sample in (("generated", samples), ("held_out", real)):
        grids, labels = critic_inputs(saved, sample, count)
        said = {} if model is None else critic_outputs(model, grids, labels)
        read = unscale_lengths(said["lattice"], *bounds) if "lattice" in said else None
        opinions[name] = lattice_opinions(grids, sample["lattice"][:count], read, data["alpha"])
    return opinions


def lattice_part(opinions: Mapping[str, Mapping[str, np.ndarray]], seed: int) -> dict[str, Any]:
    """Return distances of joint distributions, means of ratios, and how far opinions are apart.

    Raises:
        TooFewSamples: If there are too few samples.
    """
    made, true = opinions["generated"]["own"], opinions["held_out"]["own"]
    distances = {name: opinion_scores(values) for name, values in opinions.items()}
    names = ratio_names(made.shape[1])
    for name, values in (("generated", ratios(made)), ("held_out", ratios(true))):
        distances[name]["ratios"] = {
            ratio: {"mean": float(column.mean()), "deviation": float(column.std())}
            for ratio, column in zip(names, values.T, strict=True)
        }
    try:
        common_size(made, true)
    except TooFewSamples:
        return distances
    return distances | {
        name: score._asdict() for name, score in lattice_scores(made, true, seed=seed).items()
    }
