"""`train`: check the run and its records, build the bundled ones if needed, then train."""

import dataclasses
import json
import os

from keras_ruo2 import runs
from keras_ruo2.backend import start_backend
from keras_ruo2.commands.records import check_records, find_records
from keras_ruo2.data.description import load_description, verify_shards
from keras_ruo2.errors import ConfigError, check_file, check_writable
from keras_ruo2.paths import RUNS

RUN_BYTES = 300_000_000  # checkpoints, pictures and events of a run, about


def main(config):
    """Check the run and its records, then train.

    Args:
        config: `TrainConfig`.

    Raises:
        ConfigError: Before anything slow starts.
    """
    config = complete(config)
    description = load_description(config.records)
    check_records(config, description)
    verify_shards(config.records, description)
    check_writable(config.run, RUN_BYTES)
    if config.strategy == "multiworker":
        check_cluster(os.environ)
    start_backend(config.backend, config.devices, config.deterministic)
    from keras_ruo2.training.run import train

    train(config, description)


def complete(config):
    """Return a config with its run, its records and what it takes from another run's."""
    if config.config is not None and not resumes(config):
        check_file("config", config.config)
        config = runs.based_on(config, config.config)
    variant = config.variant
    if variant is None and not (config.run and resumes(config)):
        raise ConfigError("--variant is missing. Name one: python -m keras_ruo2 variants")
    run = config.run or RUNS / variant
    config = replace(config, run=run)
    if resumes(config):
        config = replace(runs.merge(config, runs.load(run)), run=run)
    else:
        check_vacant(config)
    return replace(config, records=find_records(config))


def replace(config, **changes):
    """Return a config with changed fields that still knows which were given."""
    changed = dataclasses.replace(config, **changes)
    object.__setattr__(changed, "given", config.given)
    return changed


def resumes(config):
    """Say whether an existing run is to go on."""
    run = config.run or (config.variant and RUNS / config.variant)
    return bool(config.resume and run and runs.has_begun(run))


def check_vacant(config):
    """Raise `ConfigError` if the run folder holds something already."""
    if config.run.exists() and (config.run.is_file() or any(config.run.iterdir())):
        raise ConfigError(
            f"The run folder {config.run} exists"
            + (", but holds no run" if config.resume else "")
            + ". Choose another --run, or add --resume to go on with a run."
        )


def check_cluster(environment):
    """Raise `ConfigError` unless TF_CONFIG or Slurm says which workers there are.

    Args:
        environment: Mapping of environment variables.
    """
    if "TF_CONFIG" not in environment:
        if "SLURM_PROCID" in environment:
            return
        raise ConfigError(
            "--strategy=multiworker needs TF_CONFIG or a Slurm job step. "
            "Start it with srun, or set TF_CONFIG for every worker (see the README)."
        )
    try:
        values = json.loads(environment["TF_CONFIG"])
        workers, index = values["cluster"]["worker"], values["task"]["index"]
        if not 0 <= index < len(workers):
            raise ValueError(f"task {index} of {len(workers)} workers")
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"TF_CONFIG cannot be used ({type(error).__name__}: {error}). Expected JSON like "
            '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}.'
        ) from None
