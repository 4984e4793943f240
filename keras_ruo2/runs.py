"""Run folders: where things lie in them and what their config.json says. No backend here."""

import csv
import dataclasses
import importlib.metadata
import json
import os
import platform
from pathlib import Path

from keras_ruo2 import __version__
from keras_ruo2.architectures import ARCHITECTURES
from keras_ruo2.config import TrainConfig
from keras_ruo2.errors import ConfigError

CONFIG = "config.json"
METRICS = "metrics.csv"
CHECKPOINTS = "checkpoints"
PICTURES = "pictures"
TRAINING_WEIGHTS = "training.weights.h5"
GENERATOR_WEIGHTS = "generator.weights.h5"
STEP_NAME = "step-{:08d}"

DEFAULT_STEPS = 2000
FROM_ARCHITECTURE = (
    "width",
    "batch_size",
    "learning_rate",
    "critic_steps",
    "average",
    "lattice_gradient",
)
FIXED = ("variant", "arch", "width", "latent_size", "batch_size", "critic_steps", "seed")


def resolve(config):
    """Return every setting of a run: those of the config, and the architecture's for the rest."""
    row = ARCHITECTURES[config.arch]
    values = config.as_dict()
    for name in FROM_ARCHITECTURE:
        if values[name] is None:
            values[name] = getattr(row, name)
    return values | {"beta_1": row.beta_1}


def total_steps(config, description, samples_per_step):
    """Return the generator updates that a run makes in all."""
    if config.epochs is not None:
        return config.epochs * (description.counts["training"] // samples_per_step)
    return config.steps or DEFAULT_STEPS


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


def step_of(checkpoint):
    """Return the step that a checkpoint folder was saved at."""
    return int(checkpoint.name.rpartition("-")[2])


def save(config, description):
    """Write `config.json`: the whole configuration, versions and what the data are."""
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
            "counts": description.counts,
            "source": description.source,
        },
        "versions": {"keras_ruo2": __version__, "python": platform.python_version()}
        | {name: version(name) for name in ("keras", "tensorflow", "tensorflow-cpu", "numpy")},
    }
    partial = Path(config.run) / f".{CONFIG}.partial"
    partial.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(partial, Path(config.run) / CONFIG)


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
    path = Path(run) / CONFIG
    try:
        saved = json.loads(path.read_text())
        if {"config", "resolved", "data"} <= set(saved):
            return saved
        reason = "parts are missing"
    except ValueError as error:
        reason = error
    raise ConfigError(f"{path} cannot be read ({reason}). Choose another --run.")


def merge(config, saved):
    """Return the config with which a run goes on.

    Flags that were given override the run's; the others are the run's. New --steps or --epochs
    replace all of the run's limits.

    Raises:
        ConfigError: If a flag would change the networks or the data's order.
    """
    values = dict(saved["config"])
    for name in config.given & set(FIXED):
        given, known = getattr(config, name), saved["resolved"][name]
        if given != known:
            raise ConfigError(
                f"The run {config.run} was started with --{name}={known}, not {given}. "
                "Leave the flag out, or choose another --run."
            )
    if config.given & {"steps", "epochs"}:
        values |= {"steps": None, "epochs": None, "minutes": None}
    values |= {name: getattr(config, name) for name in config.given}
    names = {field.name for field in dataclasses.fields(TrainConfig)}
    return TrainConfig(**{name: value for name, value in values.items() if name in names})


def repeats_of(source):
    """Return the lateral repeats in a description's `source`, `None` where they are unknown."""
    counts = source.get("lateral_repeats")
    return {int(count): number for count, number in counts.items()} if counts else None


def read_metrics(path):
    """Return the rows of a metrics.csv as dicts of text."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
