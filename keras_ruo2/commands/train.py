"""`train`: check the run and its records, build the bundled ones if needed, then train."""

import dataclasses

from keras_ruo2 import runs
from keras_ruo2.backend import start_backend
from keras_ruo2.data.description import (
    SCHEMA_VERSION,
    checksum,
    load_description,
    read_values,
    verify_shards,
)
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.paths import BUNDLED_STRUCTURES, RECORDS, REPOSITORY, RUNS
from keras_ruo2.variants import VARIANTS

DEFAULT_RECIPE = {2: "gap2d", 3: "gap3d"}
RUN_BYTES = 300_000_000  # checkpoints, pictures and events of a run, about


def main(config):
    """Check the run and its records, then train.

    Args:
        config: `TrainConfig`.

    Raises:
        ConfigError: Before anything slow starts.
    """
    run = config.run or RUNS / config.variant
    if config.resume and runs.has_begun(run):
        config = runs.merge(config, runs.load(run))
    config = dataclasses.replace(config, run=run)
    if not (config.resume and runs.has_begun(run)):
        check_vacant(config)
    config = dataclasses.replace(config, records=find_records(config))
    description = load_description(config.records)
    check_records(config, description)
    verify_shards(config.records, description)
    check_writable(config.run, RUN_BYTES)
    start_backend(config.backend)
    from keras_ruo2.training.run import train

    train(config, description)


def check_vacant(config):
    """Raise `ConfigError` if the run folder holds something already."""
    if config.run.exists() and (config.run.is_file() or any(config.run.iterdir())):
        raise ConfigError(
            f"The run folder {config.run} exists"
            + (", but holds no run" if config.resume else "")
            + ". Choose another --run, or add --resume to go on with a run."
        )


def find_records(config):
    """Return the folder of records; those of the bundled structures are built if missing or old."""
    recipe = DEFAULT_RECIPE[VARIANTS[config.variant].ndim]
    default = RECORDS / recipe
    records = config.records or default
    if records != default or not BUNDLED_STRUCTURES.is_file():
        return records
    state = state_of_records(records)
    if state != "current":
        from data_prep.config import RecordsConfig
        from data_prep.records import main

        print(f"The records in {records} are {state}: building them from the bundled structures.")
        main(RecordsConfig(recipe=recipe, out=records, overwrite=True))
    return records


def state_of_records(records):
    """Say whether records are `missing`, `current` or `outdated`.

    Outdated are those of the bundled structures that have since changed, or that were written
    with an older schema. Records of other structures are never called so: they are the user's.
    """
    if not records.exists():
        return "missing"
    values = read_values(records)
    source = values.get("source", {})
    is_bundled = source.get("file") == BUNDLED_STRUCTURES.relative_to(REPOSITORY).as_posix()
    is_old = int(values["schema_version"]) < SCHEMA_VERSION
    if is_bundled and (is_old or source.get("sha256") != checksum(BUNDLED_STRUCTURES)):
        return "outdated"
    return "current"


def check_records(config, description):
    """Raise `ConfigError` unless the records suit the variant and the settings."""
    variant = VARIANTS[config.variant]
    ndim = len(description.grid_shape) - 1
    where = f"The records in {config.records}"
    if ndim != variant.ndim:
        raise ConfigError(
            f"{where} are {ndim}D, {config.variant} takes {variant.ndim}D grids. "
            "Give --records of another recipe."
        )
    if set(description.grid_shape[:-1]) != {32} or description.grid_shape[-1] != 2:
        raise ConfigError(
            f"{where} hold grids of {description.grid_shape}, the networks take "
            f"{(32,) * ndim + (2,)}. Write them again with a recipe of 32 voxels."
        )
    num_classes = max(0, len(description.class_edges) - 1)
    if num_classes < config.num_classes:
        raise ConfigError(
            f"{where} have {num_classes} energy classes, --num_classes={config.num_classes} were "
            f"asked for. Write them again with --num_classes={config.num_classes}."
        )
    settings = runs.resolve(config)
    needed = settings["batch_size"] * settings["critic_steps"]
    if description.counts["training"] < needed:
        raise ConfigError(
            f"{where} hold {description.counts['training']} training samples, one step takes "
            f"{needed}. Lower --batch_size (now {settings['batch_size']}) or --critic_steps."
        )
