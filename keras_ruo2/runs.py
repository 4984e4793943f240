"""Run folders: where things lie in them and what their config.json says. No backend here."""

import csv
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
from pathlib import Path

from keras_ruo2 import __version__
from keras_ruo2.architectures import ARCHITECTURES, default_for
from keras_ruo2.backend import ONEDNN
from keras_ruo2.config import TrainConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.variants import LABEL_SIZES, VARIANTS

CONFIG = "config.json"
METRICS = "metrics.csv"
ANCHORS = "anchors.json"
CHECKPOINTS = "checkpoints"
PICTURES = "pictures"
TRAINING_WEIGHTS = "training.weights.h5"
GENERATOR_WEIGHTS = "generator.weights.h5"
STEP_NAME = "step-{:08d}"

SCORES = "scores.json"

DEFAULT_STEPS = 2000
FOR_ATOMS = ("environment_weight", "energy_weight", "misfit_weight")
FROM_ARCHITECTURE = (
    "learning_rate",
    "critic_steps",
    "average",
    "lattice_gradient",
    *FOR_ATOMS,
)
FIXED = (
    "variant",
    "arch",
    "width",
    "latent_size",
    "label_size",
    "label_by",
    "batch_size",
    "grow_batch_every",
    "critic_steps",
    "spectral",
    "minibatch_kernels",
    "seed",
)
BACKENDS = ("tensorflow", "tensorflow-cpu", "jax", "torch")


def resolve(config):
    """Return every setting of a run: those of the config, and the architecture's for the rest."""
    variant, values = VARIANTS[config.variant], config.as_dict()
    arch = config.arch or default_for(variant.ndim)
    row = ARCHITECTURES[arch]
    defaults = (
        {"arch": arch}
        | {name: getattr(row, name) for name in FROM_ARCHITECTURE}
        | {
            "width": row.width_in(variant.ndim),
            "batch_size": row.batch_size_in(variant.ndim),
            "label_size": LABEL_SIZES.get(variant.label),
        }
    )
    for name, value in defaults.items():
        if values[name] is None:
            values[name] = value
    if not row.places_atoms:
        values |= dict.fromkeys(FOR_ATOMS, 0.0)
    return values | {"beta_1": row.beta_1}


def places_atoms(resolved):
    """Say whether the generator of a resolved configuration places atoms."""
    return ARCHITECTURES[resolved["arch"]].places_atoms


def total_steps(config, num_records, phases):
    """Return the generator updates that a run makes in all.

    Args:
        config: `TrainConfig`.
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


def exists(run):
    """Say whether a folder holds a run that has been saved."""
    return has_begun(run) and last_checkpoint(run) is not None


def has_begun(run):
    """Say whether a folder is that of a run, perhaps stopped before its first checkpoint."""
    return (Path(run) / CONFIG).is_file()


def checkpoints(run):
    """Return the checkpoint folders of a run, oldest first."""
    return sorted((Path(run) / CHECKPOINTS).glob("step-????????"))


def last_checkpoint(run):
    """Return the newest checkpoint folder of a run, or `None`."""
    return (checkpoints(run) or [None])[-1]


def best_checkpoint(run):
    """Return the checkpoint folder with the least held-out distance, or `None`."""
    scored = [(score_of(folder), folder) for folder in checkpoints(run)]
    scored = [(score, folder) for score, folder in scored if score is not None]
    return min(scored)[1] if scored else None


def score_of(checkpoint):
    """Return the held-out distance that was measured at a checkpoint, or `None`."""
    path = Path(checkpoint) / SCORES
    return json.loads(path.read_text()).get("held_out_distance") if path.is_file() else None


def step_of(checkpoint):
    """Return the step that a checkpoint folder was saved at."""
    return int(checkpoint.name.rpartition("-")[2])


def save(config, description, classes, anchors=None):
    """Write `config.json`: the whole configuration, versions and what the data are.

    Args:
        config: `TrainConfig`.
        description: `Description` of the records.
        classes: Dict of `class_counts` and `class_names`.
        anchors: `Anchors` of a generator that places atoms; they are written to `anchors.json`.
    """
    if anchors is not None:
        write_text(Path(config.run) / ANCHORS, json.dumps(anchors.as_dict()) + "\n")
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
    write_text(Path(config.run) / CONFIG, json.dumps(content, indent=1) + "\n")


def write_text(path, text):
    """Write a file, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    os.replace(partial, path)


def code_fingerprint(folder=Path(__file__).parent):
    """Return a short hash of a package's source, of this one by default."""
    files = sorted(folder.rglob("*.py"))
    content = b"".join(path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()[:12]


def version(name):
    """Return the version of an installed package, or `None`."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def load(run):
    """Return what `save` wrote.

    Raises:
        ConfigError: If the file cannot be read.
    """
    return load_file(Path(run) / CONFIG, "Choose another --run.")


def load_trained(run):
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


def load_file(path, advice):
    """Return the content of a config.json.

    Raises:
        ConfigError: If it cannot be read.
    """
    try:
        saved = json.loads(path.read_text())
        if {"config", "resolved", "data"} <= set(saved):
            return saved
        reason = "parts are missing"
    except ValueError as error:
        reason = error
    raise ConfigError(f"{path} cannot be read ({reason}). {advice}")


def merge(config, saved):
    """Return the config with which a run goes on.

    Flags that were given override the run's; the others are the run's. New --steps or --epochs
    replace all of the run's limits.

    Raises:
        ConfigError: If a flag would change the networks or the data's order.
    """
    for name in config.given & set(FIXED):
        given, known = getattr(config, name), saved["resolved"].get(name)
        if given != known:
            raise ConfigError(
                f"The run {config.run} was started with --{name}={known}, not {given}. "
                "Leave the flag out, or choose another --run."
            )
    return combine(config, saved["config"])


def based_on(config, path):
    """Return a config with the values of another run's config.json where none were given.

    Raises:
        ConfigError: If the file cannot be read or names another flag than those of now.
    """
    values = load_file(path, "Give the config.json of a run.")["config"]
    values = {name: value for name, value in values.items() if name not in ("run", "resume")}
    return combine(config, values)


def combine(config, known):
    """Return `known` values overridden by those that were given on the command line."""
    values = dict(known)
    if config.given & {"steps", "epochs"}:
        values |= {"steps": None, "epochs": None, "minutes": None}
    values |= {name: getattr(config, name) for name in config.given}
    names = {field.name for field in dataclasses.fields(TrainConfig)}
    foreign = sorted(name for name in values if name not in names)
    if foreign:
        raise ConfigError(
            f"The saved configuration has {foreign[0]!r}, which is no flag of train. "
            "It is of another version of this package."
        )
    return TrainConfig(**{name: value for name, value in values.items() if name != "config"})


def repeats_of(source):
    """Return the lateral repeats in a description's `source`, `None` where they are unknown."""
    counts = source.get("lateral_repeats")
    return {int(count): number for count, number in counts.items()} if counts else None


def translated(source):
    """Return the axes along which the records were moved at random, from their `source`."""
    return source.get("translate", "xyz")


def read_metrics(path):
    """Return the rows of a metrics.csv as dicts of text, without one that was cut off."""
    with open(path, newline="") as file:
        text = file.read()
    whole = text[: text.rfind("\n") + 1]
    return list(csv.DictReader(whole.splitlines()))


def metrics_table(rows):
    """Return what `read_metrics` returned as lists of floats by column, NaN where empty."""
    return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
