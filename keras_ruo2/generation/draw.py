"""What a generator draws when it is asked for a class, a cell or a kind of slab."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.generation.request import Request, noise_and_labels
from keras_ruo2.generation.sieve import sieve
from keras_ruo2.models.latent import spherical_path
from keras_ruo2.models.networks import build_generator
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.structure.cells import unscale_lengths
from keras_ruo2.training.assembly import load_weights
from keras_ruo2.training.evaluator import predict, sigmoid
from keras_ruo2.training.slabs import load_anchors

Network = Any  # a `keras.Model`; Keras is imported where networks are built and trained


class Drawn(NamedTuple):
    """Samples as a generator makes them.

    Args:
        made: Dict of arrays.
        labels: Their classes `(n,)`, or `None`.
        tried: How many were drawn for them.
    """

    made: dict[str, np.ndarray]
    labels: np.ndarray | None
    tried: int


def draw_request(request: Request, saved: Mapping[str, Any]) -> Drawn:
    """Return the `Drawn` samples of a request; fewer than asked for where no more can be had.

    Args:
        request: `Request`.
        saved: What `runs.load` returned.

    Raises:
        ConfigError: If no slab of those drawn is as asked for.
    """
    rng = np.random.default_rng(request.seed)
    generator = load_generator(request.run, saved, request.checkpoint)
    if request.variety != 1.0:
        generator.get_layer("occupy").variety *= request.variety
    if request.sieved:
        noise, labels, tried = sieve(request, saved, generator, rng)
    else:
        (noise, labels), tried = noise_and_labels(request, saved, rng), request.count
    return Drawn(predict(generator, noise, labels), labels, tried)


def draw_samples(
    run: Path,
    saved: Mapping[str, Any],
    count: int,
    seed: int,
    label: int | None = None,
    checkpoint: str = "last",
) -> dict[str, np.ndarray]:
    """Return `count` samples as the samples file holds them.

    Args:
        run: Folder of a run.
        saved: What `runs.load` returned.
        count: Number of samples.
        seed: Seed of the noise.
        label: Class of all samples; `None` for classes in the training data's proportions.
        checkpoint: `last` or `best`.

    Returns:
        Dict: `grid` float32 `(n, *grid, 2)` and, where the variant has them, `lattice` float32 in
        Å and `label` int32 `(n,)`.
    """
    request = Request(run, count, seed=seed, label=label, checkpoint=checkpoint)
    return as_samples(draw_request(request, saved), saved)


def draw_path(
    run: Path,
    saved: Mapping[str, Any],
    count: int,
    seed: int,
    label: int | None = None,
    checkpoint: str = "last",
) -> dict[str, np.ndarray]:
    """Return samples on a spherical path between two latent vectors, of one class.

    Without `label` that is the class of most training records; for the rest see `draw_samples`.
    """
    rng = np.random.default_rng(seed)
    first, last = rng.normal(size=(2, saved["resolved"]["latent_size"]))
    noise = spherical_path(first, last, count).astype("float32")
    labels = None
    if VARIANTS[saved["resolved"]["variant"]].label:
        counts = saved["data"]["class_counts"]
        label = int(np.argmax(counts)) if label is None else label
        labels = np.full(len(noise), label, "int32")
    made = predict(load_generator(run, saved, checkpoint), noise, labels)
    return as_samples(Drawn(made, labels, count), saved)


def as_samples(drawn: Drawn, saved: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return `Drawn` samples as `draw_samples` does."""
    made, labels, _ = drawn
    samples = {"grid": made["grid"].astype("float32")}
    if "lattice" in made:
        bounds = [np.array(saved["data"][f"lattice_{name}"]) for name in ("minimum", "maximum")]
        samples["lattice"] = unscale_lengths(sigmoid(made["lattice"]), *bounds).astype("float32")
    if labels is not None:
        samples["label"] = labels
    return samples


def load_generator(run: Path, saved: Mapping[str, Any], checkpoint: str = "last") -> Network:
    """Return the averaged generator of a run's last or best checkpoint.

    Raises:
        ConfigError: If the run has none.
    """
    folder = runs.trained_checkpoint(run, best=checkpoint == "best")
    resolved, data = saved["resolved"], saved["data"]
    generator = build_generator(
        resolved["variant"],
        arch=resolved["arch"],
        latent_size=resolved["latent_size"],
        width=resolved["width"],
        num_voxels=data["grid_shape"][0],
        repeats=runs.repeats_of(data["source"]),
        translated=runs.translated_axes_of(data["source"]),
        anchors=load_anchors(run),
        bounds=(data["lattice_minimum"], data["lattice_maximum"]),
        label_size=resolved["label_size"],
        num_classes=len(data["class_counts"]),
    )
    load_weights(generator, folder / runs.GENERATOR_WEIGHTS)
    return generator
