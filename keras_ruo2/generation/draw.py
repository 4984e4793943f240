"""What a generator draws when it is asked for a class, a cell or a kind of slab."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from keras_ruo2 import runs
from keras_ruo2.data.labels import draw_classes
from keras_ruo2.errors import ConfigError
from keras_ruo2.models.latent import spherical_path
from keras_ruo2.models.networks import build_generator
from keras_ruo2.models.placing import placing
from keras_ruo2.models.slabs import ALWAYS_EQUAL, CELL, FACES, NEVER_EQUAL
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.structure.cells import unscale_lengths
from keras_ruo2.structure.equivalent import SlabKeys
from keras_ruo2.structure.facets import miller_name
from keras_ruo2.training.assembly import load_weights
from keras_ruo2.training.evaluator import predict, sigmoid
from keras_ruo2.training.slabs import load_anchors

MOST_TRIES = 30  # slabs drawn for each one that is wanted
VICINITY = 0.5  # of a class's width: how far from the wanted energy classes still are drawn


@dataclass(frozen=True)
class Request:
    """What samples are asked for.

    Args:
        run: Folder of a run.
        count: Number of samples.
        seed: Of the noise.
        label: Class of all of them; `None` for classes in the training data's proportions.
        energy: Energy that they should have, eV per atom, instead: classes near it are drawn.
        checkpoint: `last` or `best`.
        cells: Where the generator places atoms, as all below: numbers of the cells that samples
            may have, `None` for all.
        variety: How many times as evenly as in training contested sites are occupied.
        faces: `equal`, `different` or `any`.
        oxygen: Least and largest number of anions for each metal atom, or `None`.
        distinct: Whether no slab is drawn twice, turned or mirrored ones included.
    """

    run: Path
    count: int
    seed: int = 0
    label: int | None = None
    energy: float | None = None
    checkpoint: str = "last"
    cells: list | None = None
    variety: float = 1.0
    faces: str = "any"
    oxygen: tuple | None = None
    distinct: bool = False


class Drawn(NamedTuple):
    """Samples as a generator makes them.

    Args:
        made: Dict of arrays.
        labels: Their classes `(n,)`, or `None`.
        tried: How many were drawn for them.
    """

    made: dict
    labels: np.ndarray | None
    tried: int


def request_of(config):
    """Return the `Request` of a `GenerateConfig`."""
    names = ("run", "count", "seed", "label", "energy", "checkpoint", "variety", "faces")
    common = {name: getattr(config, name) for name in names}
    return Request(
        **common, cells=cells_of(config), oxygen=config.oxygen_range, distinct=config.distinct
    )


def cells_of(config):
    """Return the numbers of the cells that flags allow, `None` for all."""
    anchors = load_anchors(config.run)
    if config.cell is not None:
        return [config.cell]
    if anchors is None:
        return None
    cells = list(range(len(anchors.cells)))
    if config.facet is not None:
        cells = anchors.cells_of(miller_name(config.facet))
    if config.faces == "equal":
        cells = anchors.with_equal_faces(cells)
    return None if len(cells) == len(anchors.cells) else cells


def draw(request, saved):
    """Return the `Drawn` samples of a request; fewer than asked for where no more can be had.

    Args:
        request: `Request`.
        saved: What `runs.load` returned.

    Raises:
        ConfigError: If no slab of those drawn is as asked for.
    """
    rng = np.random.default_rng(request.seed)
    noise, labels = begin(request, saved, rng)
    generator = load_generator(request.run, saved, request.checkpoint)
    if request.variety != 1.0:
        generator.get_layer("occupy").variety *= request.variety
    tried = request.count
    if request.distinct or request.oxygen:
        noise, labels, tried = sieve(request, saved, generator, rng, noise, labels)
    return Drawn(predict(generator, noise, labels), labels, tried)


def begin(request, saved, rng):
    """Return noise `(count, latent_size)` and classes `(count,)` or `None` for a request."""
    count = request.count
    noise = rng.normal(size=(count, saved["resolved"]["latent_size"])).astype("float32")
    labels = None
    if VARIANTS[saved["resolved"]["variant"]].label:
        counts = saved["data"]["class_counts"]
        if request.energy is not None:
            counts = near(request.energy, counts, saved["data"]["class_edges"])
        if request.label is None:
            labels = draw_classes(counts, count, rng)
        else:
            labels = np.full(count, request.label, "int32")
    if request.cells is not None:
        anchors = load_anchors(request.run)
        noise[:, CELL] = noise_of_cells(anchors, request.cells, labels, count, rng)
    if request.faces != "any":
        noise[:, FACES] = ALWAYS_EQUAL if request.faces == "equal" else NEVER_EQUAL
    return noise, labels


def near(energy, counts, edges):
    """Return weights of classes by how near their middle is to an energy, `(classes,)`.

    The nearest class always counts; those without training records never do.
    """
    edges = np.asarray(edges)
    middles, width = (edges[1:] + edges[:-1]) / 2, VICINITY * np.diff(edges).mean()
    apart = np.where(np.asarray(counts) > 0, np.abs(middles - energy), np.inf)
    return np.exp(-0.5 * (apart**2 - apart.min() ** 2) / width**2)


def sieve(request, saved, generator, rng, noise, labels):
    """Return noise and classes of slabs that are as asked for, and how many were drawn."""
    anchors = load_anchors(request.run)
    network = placing(generator, ("choice", "weights"))
    key_of, keys, kept, tried = SlabKeys(anchors), set(), [], 0
    while len(kept) < request.count and tried < MOST_TRIES * request.count:
        made = predict(network, noise, labels)
        tried += len(noise)
        there = made["weights"][:, : anchors.num_sites] > 0.5
        for row in np.flatnonzero(fits(there, request.oxygen)):
            key = len(kept)
            if request.distinct:
                key = key_of(int(made["choice"][row].argmax()), there[row].any(axis=1))
            if key not in keys and len(kept) < request.count:
                keys.add(key)
                kept.append((noise[row], None if labels is None else labels[row]))
        noise, labels = begin(request, saved, rng)
    if not kept:
        low, high = request.oxygen
        raise ConfigError(
            f"--oxygen={low:g}:{high:g}: none of {tried} slabs drawn has so many "
            f"{saved['data']['species'][1]} for each {saved['data']['species'][0]}. Give a wider "
            "range, or leave --label, --energy, --facet and --cell out."
        )
    noise, labels = zip(*kept, strict=True)
    return np.stack(noise), None if labels[0] is None else np.array(labels), tried


def fits(there, oxygen):
    """Say which slabs have a number of anions for each metal atom within a range, `(n,)`.

    Args:
        there: Whether sites hold a metal atom or an anion, bool `(n, sites, 2)`.
        oxygen: Least and largest, or `None` for any.
    """
    if oxygen is None:
        return np.ones(len(there), bool)
    metal, anions = there.sum(axis=1).T
    ratio = anions / np.maximum(metal, 1)
    return (ratio >= oxygen[0] - 1e-6) & (ratio <= oxygen[1] + 1e-6)


def noise_of_cells(anchors, cells, labels, count, rng):
    """Return noise numbers `(count, 1)` that make `ChooseCell` choose some cells only.

    Args:
        anchors: `Anchors`.
        cells: Numbers of the cells.
        labels: Classes `(count,)`, or `None`.
        count: Samples.
        rng: NumPy random generator.
    """
    numbers = np.empty((count, 1), "float32")
    for row in range(count):
        chances = anchors.overall if labels is None else anchors.chances[:, labels[row]]
        cell = rng.choice(cells, p=chances[cells] / chances[cells].sum())
        below = chances[:cell].sum()
        numbers[row] = norm.ppf(below + rng.uniform(0.01, 0.99) * chances[cell])
    return numbers


def draw_samples(run, saved, count, seed, label=None, checkpoint="last"):
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
    return as_samples(draw(request, saved), saved)


def draw_path(run, saved, count, seed, label=None, checkpoint="last"):
    """Return samples on a spherical path between two latent vectors, of one class.

    Without `label` that is the class of most training records; for the rest see `draw_samples`.
    """
    rng = np.random.default_rng(seed)
    ends = rng.normal(size=(2, saved["resolved"]["latent_size"]))
    noise = spherical_path(*ends, count).astype("float32")
    labels = None
    if VARIANTS[saved["resolved"]["variant"]].label:
        counts = saved["data"]["class_counts"]
        label = int(np.argmax(counts)) if label is None else label
        labels = np.full(len(noise), label, "int32")
    made = predict(load_generator(run, saved, checkpoint), noise, labels)
    return as_samples(Drawn(made, labels, count), saved)


def as_samples(drawn, saved):
    """Return `Drawn` samples as `draw_samples` does."""
    made, labels, _ = drawn
    samples = {"grid": made["grid"].astype("float32")}
    if "lattice" in made:
        bounds = [np.array(saved["data"][f"lattice_{name}"]) for name in ("minimum", "maximum")]
        samples["lattice"] = unscale_lengths(sigmoid(made["lattice"]), *bounds).astype("float32")
    if labels is not None:
        samples["label"] = labels
    return samples


def load_generator(run, saved, checkpoint="last"):
    """Return the averaged generator of a run's last or best checkpoint."""
    resolved, data = saved["resolved"], saved["data"]
    generator = build_generator(
        resolved["variant"],
        arch=resolved["arch"],
        latent_size=resolved["latent_size"],
        width=resolved["width"],
        num_voxels=data["grid_shape"][0],
        repeats=runs.repeats_of(data["source"]),
        translated=runs.translated(data["source"]),
        anchors=load_anchors(run),
        bounds=(data["lattice_minimum"], data["lattice_maximum"]),
        label_size=resolved["label_size"],
        num_classes=len(data["class_counts"]),
    )
    folder = runs.sound_checkpoint(run, best=checkpoint == "best")
    load_weights(generator, folder / runs.GENERATOR_WEIGHTS)
    return generator
