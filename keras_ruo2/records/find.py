"""Records that `train` finds, builds or refuses."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from keras_ruo2 import runs
from keras_ruo2.data.description import SCHEMA_VERSION, read_values
from keras_ruo2.data.labels import class_counts
from keras_ruo2.data.order import phases
from keras_ruo2.errors import Busy, ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.paths import BUNDLED_STRUCTURES, RECORDS, checksum, source_name
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.recipes import VOXEL_STEP

if TYPE_CHECKING:
    from keras_ruo2.config import CompleteTrainConfig, TrainConfig
    from keras_ruo2.data.description import Description
    from keras_ruo2.io.paths import RemoteFolder


PATIENCE = 5.0  # seconds between two looks at records that another command is building
DEFAULT_RECIPE = {2: "gap2d", 3: "gap3d_clean"}


def find_records(config: TrainConfig) -> Path | RemoteFolder:
    """Return the folder of records; those of the bundled structures are built if missing or old."""
    recipe = DEFAULT_RECIPE[VARIANTS[str(config.variant)].ndim]
    default = RECORDS / recipe
    records = config.records or default
    if records != default or not BUNDLED_STRUCTURES.is_file():
        return records
    while (state := state_of_records(records)) != "current":
        from keras_ruo2.config.preparation import RecordsConfig
        from keras_ruo2.records.build import main

        messages.info(
            f"The records in {records} are {state}: building them from the bundled structures."
        )
        try:
            main(RecordsConfig(recipe=recipe, out=records, overwrite=True))
        except Busy:  # another worker of the same training, most likely
            messages.info("Another command is building them. Waiting for it.")
            time.sleep(PATIENCE)
    return records


def state_of_records(records: Path) -> str:
    """Say whether records are `missing`, `current` or `outdated`.

    Outdated are those of the bundled structures that have since changed, or that were written
    with an older schema. Records of other structures are never called so: they are the user's.
    """
    if not records.exists():
        return "missing"
    values = read_values(records)
    source = values.get("source", {})
    is_bundled = source.get("file") == source_name(BUNDLED_STRUCTURES)
    is_old = int(values["schema_version"]) < SCHEMA_VERSION
    if is_bundled and (is_old or source.get("sha256") != checksum(BUNDLED_STRUCTURES)):
        return "outdated"
    return "current"


def check_records(config: CompleteTrainConfig, description: Description) -> None:
    """Raise `ConfigError` unless the records suit the variant and the settings."""
    variant = VARIANTS[config.variant]
    where = f"The records in {config.records}"
    check_grids(config, description, where)
    num_classes = max(0, len(description.class_edges) - 1)
    if num_classes < config.num_classes:
        raise ConfigError(
            f"{where} have {num_classes} energy classes, --num_classes={config.num_classes} were "
            f"asked for. Write them again with --num_classes={config.num_classes}."
        )
    if variant.label:
        check_classes(config, description, where)
    settings = runs.resolve(config)
    plan = phases(
        settings["batch_size"],
        settings["critic_steps"],
        config.grow_batch_every,
        config.grow_batch_until,
    )
    needed = max(samples for _, samples in plan)
    if description.counts["training"] < needed:
        raise ConfigError(
            f"{where} hold {description.counts['training']} training samples, one step takes "
            f"{needed}. Lower --batch_size (now {settings['batch_size']}) or --critic_steps."
        )


def check_grids(config: CompleteTrainConfig, description: Description, where: str) -> None:
    """Raise `ConfigError` unless the records hold grids of the variant's shape."""
    ndim = VARIANTS[config.variant].ndim
    rank = len(description.grid_shape) - 1
    if rank != ndim:
        raise ConfigError(
            f"{where} are {rank}D, {config.variant} takes {ndim}D grids. "
            f"Give --records of another recipe, e.g. {DEFAULT_RECIPE[ndim]}."
        )
    size, *others = description.grid_shape[:-1]
    if set(others) != {size} or size % VOXEL_STEP or description.grid_shape[-1] != 2:
        raise ConfigError(
            f"{where} hold grids of {description.grid_shape}, the networks take two channels of "
            f"as many voxels along each direction, a multiple of {VOXEL_STEP}."
        )


def check_classes(config: CompleteTrainConfig, description: Description, where: str) -> None:
    """Raise `ConfigError` unless the records have the classes that the variant is told."""
    counts = class_counts(description, config.label_by)
    if not counts:
        missing = {
            "energy": "no energy classes. Write them from structures with energies",
            "dmu_o": "no oxygen chemical potentials. Use --label_by=energy",
        }
        raise ConfigError(f"{where} have {missing[config.label_by]}, or train another variant.")
    label = VARIANTS[config.variant].label
    size = runs.resolve(config)["label_size"]
    if label == "onehot" and size < len(counts):
        raise ConfigError(
            f"--label_size={size} is too small for {len(counts)} classes. Expected at least "
            f"{len(counts)}."
        )
