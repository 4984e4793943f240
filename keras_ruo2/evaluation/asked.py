"""Every condition that a model takes: what was asked for against what it drew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_ruo2.data.labels import draw_classes
from keras_ruo2.generation.draw import load_generator
from keras_ruo2.generation.request import noise_of_cells
from keras_ruo2.models.slabs import CELL
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.structure.facets import recognised_facet
from keras_ruo2.structure.placed import placed_slabs
from keras_ruo2.training.evaluator import predict
from keras_ruo2.training.slabs import load_anchors

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config import EvaluateConfig
    from keras_ruo2.metrics.measure import Measured
    from keras_ruo2.structure.anchors import Anchors


OF_FACET, OF_CELL = 24, 8  # slabs that are drawn of each
SAME_LENGTH = 0.02  # share by which a length may differ from what was asked for
PLACED = ("places", "weights", "cell", "repeats")


def asked_and_got(
    config: EvaluateConfig,
    saved: Mapping[str, Any],
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    measured: Measured,
) -> dict[str, list[dict[str, Any]]]:
    """Return a table for each condition that a run's generator takes.

    Args:
        config: `EvaluateConfig`.
        saved: What `runs.load` returned.
        samples: Dict with `grid` and, where the run is told classes, `label`.
        training: The same of training records.
        measured: `Measured`, with energies of relaxed samples in its metrics where there are any.

    Returns:
        Dict of lists of rows, dicts: `class`, `facet` and `cell`, of those that it takes.
    """
    tables = {}
    if "label" in samples:
        tables["class"] = class_rows(saved["data"]["class_names"], samples, training, measured)
    anchors = load_anchors(config.run)
    if anchors is not None:
        draw = Drawer(config.run, saved, anchors, config.seed)
        tables["facet"] = [facet_row(facet, draw) for facet in sorted(set(anchors.facets))]
        tables["cell"] = [cell_row(cell, draw) for cell in range(len(anchors.cells))]
    return tables


def class_rows(
    names: Sequence[str],
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    measured: Measured,
) -> list[dict[str, Any]]:
    """Return a row for each class that samples were asked for.

    `read_as_asked` is the share in which a classifier of real records reads the class (of held-out
    records: `held_out`), `energy_as_asked` the share whose energy after relaxing lies in it, and
    `ru_share` the mean of Ru : (Ru + O) of the densities, beside that of training records.
    """
    shares = {
        "read_as_asked": shares_found_as_asked(
            measured.metrics.get("conditioning", {}).get("generated")
        ),
        "held_out": shares_found_as_asked(measured.metrics.get("conditioning", {}).get("held_out")),
        "energy_as_asked": shares_found_as_asked(measured.metrics.get("energies")),
    }
    made = measured.generated["ru_share"].values
    sums = training["grid"].sum(axis=tuple(range(1, training["grid"].ndim - 1)), dtype=float)
    real = sums[:, 0] / np.maximum(sums.sum(axis=1), 1e-12)
    rows = []
    for label in np.unique(samples["label"]):
        name = names[label] if 0 <= label < len(names) else "no class of the run"
        row = {"asked": f"{label}: {name}", "count": int((samples["label"] == label).sum())}
        row |= {
            name: values[label] for name, values in shares.items() if values and label < len(values)
        }
        row["ru_share"] = mean(made[samples["label"] == label])
        row["real_ru_share"] = mean(real[training["label"] == label])
        rows.append(row)
    return rows


def shares_found_as_asked(agreement: Mapping[str, Any] | None) -> list[float | None] | None:
    """Return the share of each asked class that is found as asked, `None` where none was asked."""
    if not agreement:
        return None
    pairs = np.array(agreement["confusion"])
    counts = pairs.sum(axis=1)
    return [
        float(pairs[k, k] / count) if count else None for k, count in enumerate(counts.tolist())
    ]


def mean(values: np.ndarray) -> float | None:
    """Return the mean of finite numbers, `None` where there are none."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else None


class Drawer:
    """Draw slabs of some cells only, without their grids.

    Args:
        run: Folder of a run whose generator places atoms.
        saved: What `runs.load` returned.
        anchors: Its `Anchors`.
        seed: Of the noise.
    """

    def __init__(self, run: Path, saved: Mapping[str, Any], anchors: Anchors, seed: int) -> None:
        self.saved, self.anchors, self.rng = saved, anchors, np.random.default_rng(seed)
        generator = load_generator(run, saved)
        made = {name: generator.output[name] for name in PLACED}
        self.network = keras.Model(generator.inputs, made)

    def __call__(self, cells: Sequence[int], count: int) -> dict[str, np.ndarray]:
        """Return `count` slabs as arrays, see `models.slabs.draw_slabs`, of any of some cells."""
        size = self.saved["resolved"]["latent_size"]
        noise = self.rng.normal(size=(count, size)).astype("float32")
        labels = None
        if VARIANTS[self.saved["resolved"]["variant"]].label:
            labels = draw_classes(self.saved["data"]["class_counts"], count, self.rng)
        noise[:, CELL] = noise_of_cells(self.anchors, cells, labels, count, self.rng)
        return predict(self.network, noise, labels)


def facet_row(facet: str, draw: Drawer) -> dict[str, Any]:
    """Return what slabs are recognised as when a facet is asked for."""
    made = draw(draw.anchors.cells_of(facet), OF_FACET)
    names = map(recognised_facet, placed_slabs(made, draw.saved["data"]["species"]))
    got = dict(Counter(names).most_common())
    return {"asked": facet, "count": OF_FACET, "as_asked": got.get(facet, 0) / OF_FACET, "got": got}


def cell_row(cell: int, draw: Drawer) -> dict[str, Any]:
    """Return the lateral lengths and repeats of slabs when a cell is asked for, shorter first."""
    frame, *repeats = draw.anchors.cells[cell]
    made = draw([cell], OF_CELL)
    order = np.argsort(made["cell"][:, :2], axis=1)
    lengths = np.take_along_axis(made["cell"][:, :2], order, axis=1)
    wanted = np.argsort(draw.anchors.lengths[frame])
    expected = draw.anchors.lengths[frame][wanted]
    error = np.abs(lengths / expected - 1).max(axis=1)
    many = np.take_along_axis(made["repeats"].round().astype(int), order, axis=1)
    same = (many == np.array(repeats)[wanted]).all(axis=1) | np.isclose(
        expected[0], expected[1], rtol=1e-3
    )
    return {
        "asked": f"{cell}: {draw.anchors.describe_cells()[cell]}",
        "count": OF_CELL,
        "as_asked": float(((error < SAME_LENGTH) & same).mean()),
        "asked_lengths": expected.tolist(),
        "got_lengths": lengths.mean(axis=0).tolist(),
        "largest_error": float(error.max()),
    }


def condition_sentences(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return the tables as sentences, one for each condition."""
    sentences = []
    for row in tables.get("class", ()):
        parts = [f"Class {row['asked']}, {row['count']} samples"]
        for name, words in (("read_as_asked", "read as asked"), ("energy_as_asked", "by energy")):
            if row.get(name) is not None:
                parts.append(f"{words} {row[name]:.0%}")
        if row.get("held_out") is not None:
            parts.append(f"held-out {row['held_out']:.0%}")
        sentences.append("; ".join(parts) + ".")
    for row in tables.get("facet", ()):
        sentences.append(
            f"Facet {row['asked']}: {row['as_asked']:.0%} of {row['count']} slabs show it."
        )
    if rows := tables.get("cell"):
        kept = np.mean([row["as_asked"] for row in rows])
        worst = max(row["largest_error"] for row in rows)
        sentences.append(
            f"Cells: {kept:.0%} of the slabs of {len(rows)} cells have the lengths and repeats "
            f"asked for; lengths are at most {worst:.1%} off."
        )
    return sentences
