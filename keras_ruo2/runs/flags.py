"""Flags of `train` that come from a file: of a run that goes on, of another run, or of its user."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_ruo2 import runs
from keras_ruo2.config import TrainConfig
from keras_ruo2.config.base import field_names, flag_of
from keras_ruo2.errors import ConfigError, did_you_mean
from keras_ruo2.io.paths import MODELS, run_named, shown
from keras_ruo2.io.state import SEAL, parse_json

FROM_MODEL = (  # what the weights of a model fit
    "variant",
    "arch",
    "width",
    "latent_size",
    "label_size",
    "label_by",
    "minibatch_kernels",
)
RETIRED = {"penalty_every": 1, "spectral": False}  # flags of old versions, and their rest
FIXED = (*FROM_MODEL, "batch_size", "grow_batch_every", "critic_steps", "seed", "from_")
LARGEST = 1_000_000  # bytes of a file of flags
OF_A_RUN = {SEAL, "config", "resolved", "data"}  # what a config.json holds, and no file of flags
ADVICE = 'Give flags of train as JSON, e.g. {"variant": "lattice2d"}, or the config.json of a run.'


def merge(config: TrainConfig, saved: Mapping[str, Any]) -> TrainConfig:
    """Return the config with which a run goes on.

    Flags that were given override the run's; the others are the run's. New --steps or --epochs
    replace all of the run's limits.

    Raises:
        ConfigError: If a flag would change the networks or the data's order.
    """
    for name in config.given & set(FIXED):
        given, known = config.as_dict()[name], saved["resolved"].get(name)
        if given != known:
            raise ConfigError(
                f"The run {config.run} was started with --{flag_of(name)}={known}, not {given}. "
                "Leave the flag out, or choose another --run."
            )
    return combine(config, saved["config"])


def based_on(config: TrainConfig, path: Path) -> TrainConfig:
    """Return a config with the values of another run's config.json where none were given.

    Raises:
        ConfigError: If the file cannot be read or names another flag than those of now.
    """
    values = runs.load_file(path, "Give the config.json of a run.")["config"]
    values = {name: value for name, value in values.items() if name not in ("run", "resume")}
    return combine(config, values)


def with_flags(config: TrainConfig, path: Path) -> TrainConfig | None:
    """Return a config with the flags of a file where none were given; `None` for a config.json.

    Raises:
        ConfigError: If the file cannot be read, or holds what is no flag of train or no value of
            one.
    """
    where = shown(path)
    if Path(path).stat().st_size > LARGEST:
        raise ConfigError(f"{where} cannot be read: it is too large for flags. {ADVICE}")
    values = parse_json(Path(path).read_bytes(), where, ADVICE)
    if OF_A_RUN & set(values):
        return None
    if not values:
        raise ConfigError(f"{where} cannot be read: it holds no flags. {ADVICE}")
    fields = {flag_of(name): name for name in field_names(TrainConfig) - {"config"}}
    values = {name.replace("-", "_"): value for name, value in values.items()}
    for name in sorted(set(values) - set(fields)):
        raise ConfigError(
            f"{where} has {name!r}, which is no flag of train.{did_you_mean(name, fields)}"
        )
    values = {fields[name]: value for name, value in values.items()}
    try:
        TrainConfig(**{"variant": config.variant, "run": config.run} | values | {"config": path})
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return combine(config, values)


def from_model(config: TrainConfig) -> TrainConfig:
    """Return a config with the networks of the model that --from names.

    Raises:
        ConfigError: If it is no trained run, or other networks are asked for.
    """
    asked = str(config.from_)
    folder = run_named(asked)
    if not runs.exists(folder):
        names = sorted(path.name for path in MODELS.iterdir() if path.is_dir())
        raise ConfigError(
            f"--from={asked}: no trained run, and no model of the package "
            f"({', '.join(names)}).{did_you_mean(asked, names)}"
        )
    known = runs.load(folder)["resolved"]
    for name in FROM_MODEL:
        given = getattr(config, name)
        if name in config.given and given not in (None, known[name]):
            raise ConfigError(
                f"--{name}={given}: the model {asked} has {name}={known[name]}. Leave "
                f"--{name} out, or --from."
            )
    values = {name: getattr(config, name) for name in config.given}
    return TrainConfig(**values | {name: known[name] for name in FROM_MODEL})


def combine(config: TrainConfig, known: Mapping[str, Any]) -> TrainConfig:
    """Return `known` values overridden by those that were given on the command line."""
    values = {name: value for name, value in known.items() if RETIRED.get(name, ...) != value}
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
