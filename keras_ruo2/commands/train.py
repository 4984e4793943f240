"""`train`: check the run and its records, build the bundled ones if needed, then train."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from keras_ruo2 import runs
from keras_ruo2.backend import name_backend, start_backend
from keras_ruo2.config import CompleteTrainConfig
from keras_ruo2.data.description import load_description, verify_shards
from keras_ruo2.errors import ConfigError, check_file, check_writable
from keras_ruo2.extras import check_tracker
from keras_ruo2.io.locks import one_at_a_time
from keras_ruo2.io.paths import RUNS, run_named
from keras_ruo2.records.find import check_records, find_records
from keras_ruo2.runs import flags
from keras_ruo2.training.cluster import find_cluster
from keras_ruo2.training.relaxed import read_relaxed

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config import TrainConfig
    from keras_ruo2.data.description import Description
    from keras_ruo2.training.relaxed import Relaxed


Kind = TypeVar("Kind", bound="TrainConfig")
RUN_BYTES = 300_000_000  # checkpoints, pictures and events of a run, about


def main(config: TrainConfig) -> None:
    """Check the run and its records, then train.

    Args:
        config: `TrainConfig`.

    Raises:
        ConfigError: Before anything slow starts.
    """
    check_tracker(config.tracker)
    config = complete(config)
    name_backend(config.backend)
    description = load_description(config.records)
    check_records(config, description)
    if config.from_ is not None and not runs.exists(config.run):
        check_grids_of(config.from_, description)
    verify_shards(config.records, description)
    relaxed = relaxed_slabs(config, description)
    check_writable(config.run, RUN_BYTES)
    if config.strategy == "multiworker":
        check_cluster(config, os.environ)
    alone = config.strategy != "multiworker"  # whose workers share the folder
    with one_at_a_time(config.run) if alone else nullcontext():
        start_backend(config.backend, config.devices, config.deterministic)
        from keras_ruo2.training.run import train

        if cheaper := train(config, description, relaxed):
            shutil.rmtree(config.run)
            config.run.mkdir()
            train(replace(config, cheaper_if_slow=False, **cheaper), description, relaxed)


def relaxed_slabs(config: CompleteTrainConfig, description: Description) -> Relaxed:
    """Return the slabs of --relaxed, see `read_relaxed`, or raise `ConfigError`."""
    if config.relaxed is None:
        return ()
    if not runs.places_atoms(runs.resolve(config)):
        raise ConfigError(
            f"--relaxed={config.relaxed} tells where atoms rest, and --arch="
            f"{runs.resolve(config)['arch']} places none. Leave it out, or give --arch=atoms."
        )
    return read_relaxed(config.relaxed, description.species)


def complete(config: TrainConfig) -> CompleteTrainConfig:
    """Return a config with its run, its records and what it takes from another run's."""
    config = with_file(config)
    if config.from_ is not None and not resumes(config):
        config = flags.from_model(config)
    variant = config.variant
    if variant is None and not (config.run and resumes(config)):
        raise ConfigError("--variant is missing. Name one: python -m keras_ruo2 variants")
    run = config.run or RUNS / str(variant)
    config = replace(config, run=run)
    if resumes(config):
        config = replace(flags.merge(config, runs.load(run)), run=run)
    else:
        check_vacant(run, config.resume)
    known: dict[str, Any] = vars(config) | {"records": find_records(config)}
    given = known.pop("given")
    completed = CompleteTrainConfig(**known)
    object.__setattr__(completed, "given", given)
    return completed


def with_file(config: TrainConfig) -> TrainConfig:
    """Return a config with what --config says; a run that goes on needs no other run's."""
    if config.config is None:
        return config
    check_file("config", config.config)
    completed = flags.with_flags(config, config.config)
    if completed is not None:
        return completed
    return config if resumes(config) else flags.based_on(config, config.config)


def replace(config: Kind, **changes: Any) -> Kind:
    """Return a config with changed fields that still knows which were given."""
    changed = dataclasses.replace(config, **changes)
    object.__setattr__(changed, "given", config.given)
    return changed


def check_grids_of(model: Path, description: Description) -> None:
    """Raise `ConfigError` unless a model draws grids as large as those of the records."""
    drawn = runs.load(run_named(model))["data"]["grid_shape"][0]
    if drawn != description.grid_shape[0]:
        raise ConfigError(
            f"--from={model} draws grids of {drawn} voxels along an axis, the records hold "
            f"{description.grid_shape[0]}. Write them with data_prep records --num_voxels={drawn}, "
            "or leave out --from."
        )


def resumes(config: TrainConfig) -> bool:
    """Say whether an existing run is to go on."""
    run = config.run or (config.variant and RUNS / config.variant)
    return bool(config.resume and run and runs.has_begun(run))


def check_vacant(run: Path, resume: bool) -> None:
    """Raise `ConfigError` if the run folder holds something already."""
    if run.exists() and (run.is_file() or any(run.iterdir())):
        raise ConfigError(
            f"The run folder {run} exists"
            + (", but holds no run" if resume else "")
            + ". Choose another --run, or add --resume to go on with a run."
        )


def check_cluster(config: TrainConfig, environment: Mapping[str, str]) -> None:
    """Raise `ConfigError` unless several workers can make this run together.

    Args:
        config: `TrainConfig`.
        environment: Mapping of environment variables.
    """
    find_cluster(environment)
    if config.minutes is not None:
        raise ConfigError(
            "--minutes is not possible with --strategy=multiworker, whose workers would not stop "
            "at the same step. Give --steps."
        )
