"""Run folders: where things lie in them and what their config.json says. No backend here."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_ruo2 import __version__
from keras_ruo2.backend import ONEDNN
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import shown
from keras_ruo2.io.state import read_state, write_state
from keras_ruo2.models.architectures import ARCHITECTURES, DEFAULT
from keras_ruo2.models.variants import LABEL_SIZES, VARIANTS
from keras_ruo2.runs.checkpoint import (
    CHECKPOINTS as CHECKPOINTS,  # for all who ask what a run holds
)
from keras_ruo2.runs.checkpoint import GENERATOR_WEIGHTS as GENERATOR_WEIGHTS
from keras_ruo2.runs.checkpoint import SCORES as SCORES
from keras_ruo2.runs.checkpoint import STEP_NAME as STEP_NAME
from keras_ruo2.runs.checkpoint import TRAINING_WEIGHTS as TRAINING_WEIGHTS
from keras_ruo2.runs.checkpoint import best_checkpoint as best_checkpoint
from keras_ruo2.runs.checkpoint import checkpoints as checkpoints
from keras_ruo2.runs.checkpoint import drop_training_state as drop_training_state
from keras_ruo2.runs.checkpoint import last_checkpoint as last_checkpoint
from keras_ruo2.runs.checkpoint import proven_rows as proven_rows
from keras_ruo2.runs.checkpoint import score_of as score_of
from keras_ruo2.runs.checkpoint import sound_checkpoint as sound_checkpoint
from keras_ruo2.runs.checkpoint import step_of as step_of
from keras_ruo2.runs.checkpoint import trained_checkpoint as trained_checkpoint
from keras_ruo2.runs.metrics import METRICS as METRICS
from keras_ruo2.runs.metrics import metrics_table as metrics_table
from keras_ruo2.runs.metrics import read_metrics as read_metrics
from keras_ruo2.runs.values import check_run, looks_unsealed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keras_ruo2.config import CompleteTrainConfig
    from keras_ruo2.data.description import Description
    from keras_ruo2.structure.anchors import Anchors


CONFIG = "config.json"
ANCHORS = "anchors.json"
ENERGIES = "energies.json"  # reads energies off atoms, of a generator that places them
FREED = "freed.json"  # reads off atoms how much energy relaxing will set free
KNOWN = "known.json"  # the training slabs by the sites that they occupy
PICTURES = "pictures"

DEFAULT_STEPS = 2000
FOR_ATOMS = ("environment_weight", "energy_weight", "misfit_weight", "rest_weight")
FROM_ARCHITECTURE = (
    "learning_rate",
    "critic_steps",
    "average",
    "lattice_gradient",
    *FOR_ATOMS,
)
BACKENDS = ("tensorflow", "tensorflow-cpu", "jax", "torch")


def resolve(config: CompleteTrainConfig) -> dict[str, Any]:
    """Return every setting of a run: those of the config, and the architecture's for the rest."""
    variant, values = VARIANTS[config.variant], config.as_dict()
    arch = config.arch or DEFAULT
    row = ARCHITECTURES[arch]
    defaults = (
        {"arch": arch}
        | {name: getattr(row, name) for name in FROM_ARCHITECTURE}
        | {
            "width": row.width_in(variant.ndim),
            "batch_size": row.batch_size_in(variant.ndim),
            "label_size": LABEL_SIZES.get(variant.label or ""),
        }
    )
    for name, value in defaults.items():
        if values[name] is None:
            values[name] = value
    if not row.places_atoms:
        values |= dict.fromkeys(FOR_ATOMS, 0.0)
    return values | {"beta_1": row.beta_1}


def places_atoms(resolved: Mapping[str, Any]) -> bool:
    """Say whether the generator of a resolved configuration places atoms."""
    return ARCHITECTURES[resolved["arch"]].places_atoms


def total_steps(
    config: CompleteTrainConfig, num_records: int, phases: Sequence[tuple[int, int]]
) -> int:
    """Return the generator updates that a run makes in all.

    Args:
        config: `CompleteTrainConfig`.
        num_records: Training records.
        phases: Pairs of a first step and the samples of a step from there on.
    """
    if config.epochs is None:
        return config.steps or DEFAULT_STEPS
    wanted, step = config.epochs * num_records, 0
    ends = [first for first, _ in phases[1:]] + [None]
    for (first, samples), end in zip(phases, ends, strict=True):
        length = wanted // samples if end is None else min(end - first, wanted // samples)
        step, wanted = first + length, wanted - length * samples
        if step != end:
            break
    return max(step, 1)


def exists(run: Path) -> bool:
    """Say whether a folder holds a run that has been saved."""
    return has_begun(run) and last_checkpoint(run) is not None


def has_begun(run: Path) -> bool:
    """Say whether a folder is that of a run, perhaps stopped before its first checkpoint."""
    return (Path(run) / CONFIG).is_file()


def save(
    config: CompleteTrainConfig,
    description: Description,
    classes: Mapping[str, Any],
    anchors: Anchors | None = None,
) -> None:
    """Write `config.json`: the whole configuration, versions and what the data are.

    Args:
        config: `CompleteTrainConfig`.
        description: `Description` of the records.
        classes: Dict of `class_counts` and `class_names`.
        anchors: `Anchors` of a generator that places atoms; they are written to `anchors.json`.
    """
    if anchors is not None:
        write_state(Path(config.run) / ANCHORS, anchors.as_dict())
    content = {
        "config": config.as_dict(),
        "resolved": resolve(config),
        "data": {
            "records": str(config.records),
            "fingerprint": description.fingerprint,
            "grid_shape": description.grid_shape,
            "alpha": description.alpha,
            "species": description.species,
            "lattice_minimum": description.lattice_minimum,
            "lattice_maximum": description.lattice_maximum,
            "class_edges": description.class_edges,
            **classes,
            "counts": description.counts,
            "source": description.source,
        },
        "versions": {
            "keras_ruo2": __version__,
            "code": code_fingerprint(),
            "python": platform.python_version(),
        }
        | {name: version(name) for name in ("keras", "numpy", *BACKENDS)},
        "environment": {ONEDNN: os.environ.get(ONEDNN)},
    }
    write_state(Path(config.run) / CONFIG, content)


def code_fingerprint(folder: Path = Path(__file__).parents[1]) -> str:
    """Return a short hash of a package's source, of this one by default."""
    files = sorted(folder.rglob("*.py"))
    content = b"".join(path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()[:12]


def version(name: str) -> str | None:
    """Return the version of an installed package, or `None`."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def load(run: Path) -> dict[str, Any]:
    """Return what `save` wrote.

    Raises:
        ConfigError: If the file cannot be read.
    """
    return load_file(Path(run) / CONFIG, "Restore it, or choose another --run.")


def load_trained(run: Path) -> dict[str, Any]:
    """Return what `save` wrote of a run that has a checkpoint.

    Raises:
        ConfigError: If the folder holds none.
    """
    if not exists(run):
        raise ConfigError(
            f"{run} holds no trained run. Train one: "
            f"python -m keras_ruo2 train --variant=lattice2d --run={run}"
        )
    return load(run)


def load_file(path: Path, advice: str) -> dict[str, Any]:
    """Return the content of a config.json.

    Raises:
        ConfigError: If it cannot be read, or holds what no run may have.
    """
    saved = read_state(path, advice, looks_unsealed)
    check_run(saved, shown(path), advice)
    return saved


def repeats_of(source: Mapping[str, Any]) -> dict[int, int] | None:
    """Return the lateral repeats in a description's `source`, `None` where they are unknown."""
    counts = source.get("lateral_repeats")
    return {int(count): number for count, number in counts.items()} if counts else None


def translated_axes_of(source: Mapping[str, Any]) -> str:
    """Return the axes along which the records were moved at random, from their `source`."""
    return source.get("translate", "xyz")
