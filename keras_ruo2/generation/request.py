"""What samples are asked for, and the noise and classes that such samples begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from keras_ruo2.config import GenerateConfig
from keras_ruo2.data.labels import draw_classes
from keras_ruo2.models.slabs import ALWAYS_EQUAL, CELL, FACES, NEVER_EQUAL
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.structure.anchors import Anchors
from keras_ruo2.structure.facets import miller_name
from keras_ruo2.training.slabs import anchors_of, load_anchors

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
        novel: Whether no slab is drawn that occupies the sites of a training slab.
        candidates: Slabs drawn for each sample, of which one is taken whose energy, as read off its
            atoms, is that of its class.
    """

    run: Path
    count: int
    seed: int = 0
    label: int | None = None
    energy: float | None = None
    checkpoint: str = "last"
    cells: list[int] | None = None
    variety: float = 1.0
    faces: str = "any"
    oxygen: tuple[float, float] | None = None
    distinct: bool = False
    novel: bool = False
    candidates: int = 1

    @property
    def sieved(self) -> bool:
        """Whether some of the slabs that are drawn are left out."""
        return bool(self.distinct or self.novel or self.oxygen or self.candidates > 1)


def request_of(config: GenerateConfig) -> Request:
    """Return the `Request` of a `GenerateConfig`."""
    names = "run count seed label energy checkpoint variety faces distinct novel candidates".split()
    common = {name: getattr(config, name) for name in names}
    return Request(**common, cells=requested_cells(config), oxygen=config.oxygen_range)


def requested_cells(config: GenerateConfig) -> list[int] | None:
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


def noise_and_labels(
    request: Request, saved: Mapping[str, Any], rng: np.random.Generator, candidates: int = 1
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return noise `(n, latent_size)` and classes `(n,)` or `None` for a request.

    There are `candidates` rows of one class for each of the `count` samples, one after the other.
    """
    count = request.count * candidates
    noise = rng.normal(size=(count, saved["resolved"]["latent_size"])).astype("float32")
    labels = None
    if VARIANTS[saved["resolved"]["variant"]].label:
        counts = saved["data"]["class_counts"]
        if request.energy is not None:
            counts = near(request.energy, counts, saved["data"]["class_edges"])
        if request.label is None:
            labels = np.repeat(draw_classes(counts, request.count, rng), candidates)
        else:
            labels = np.full(count, request.label, "int32")
    if request.cells is not None:
        anchors = anchors_of(request.run)
        noise[:, CELL] = noise_of_cells(anchors, request.cells, labels, count, rng)
    if request.faces != "any":
        noise[:, FACES] = ALWAYS_EQUAL if request.faces == "equal" else NEVER_EQUAL
    return noise, labels


def near(energy: float, counts: Sequence[int], edges: Sequence[float]) -> np.ndarray:
    """Return weights of classes by how near their middle is to an energy, `(classes,)`.

    The nearest class always counts; those without training records never do.
    """
    ends = np.asarray(edges)
    middles, width = (ends[1:] + ends[:-1]) / 2, VICINITY * np.diff(ends).mean()
    apart = np.where(np.asarray(counts) > 0, np.abs(middles - energy), np.inf)
    return np.exp(-0.5 * (apart**2 - apart.min() ** 2) / width**2)


def noise_of_cells(
    anchors: Anchors,
    cells: Sequence[int],
    labels: np.ndarray | None,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
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
