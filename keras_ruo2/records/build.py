"""Structures -> records, in memory that does not grow with their number.

A build goes through the structures twice. `survey` reads, checks and prepares them; then each shard
is written by itself, here or on workers, from the prepared structures. What is finished stays in
`OUT.partial` when the command is interrupted: repeating it goes on there, and ends with the files
that an uninterrupted one writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.data.description import (
    FILE_NAME,
    SCHEMA_VERSION,
    SHARD,
    STATISTICS,
    TRAINING,
    Description,
)
from keras_ruo2.data.schema import Schema
from keras_ruo2.data.shards import shard_names
from keras_ruo2.errors import ConfigError, Interrupted, check_writable
from keras_ruo2.io import messages
from keras_ruo2.io.fields import check_fields, optional, record
from keras_ruo2.io.paths import (
    RECORDS,
    RemoteFolder,
    checksum,
    move_over,
    shown,
    source_name,
    structure_files,
)
from keras_ruo2.io.pool import DaskPool, SerialPool, open_pool
from keras_ruo2.io.progress import Progress
from keras_ruo2.io.state import write_state
from keras_ruo2.records import workplace
from keras_ruo2.records.publish import publish
from keras_ruo2.records.shards import build_shard, dataset_statistics
from keras_ruo2.records.split import (
    chosen_chains,
    count_families,
    split_structures,
    warn_of_few_chains,
    warn_of_few_held_out,
)
from keras_ruo2.records.survey import Survey, count_repeats, survey, survey_from
from keras_ruo2.structure.energies import class_edges

NUM_SHARDS = 16
NOTE = SHARD | {"tally": optional(record(STATISTICS))}  # what is kept of a finished shard
SURVEY, TRAJECTORY, SHARDS = "survey.json", "structures.traj", "records"


def main(config: RecordsConfig) -> None:
    """Check every structure, then voxelise them and write the shards.

    Everything is written to a folder of its own first, which takes its name when it is whole.

    Args:
        config: `RecordsConfig`.

    Raises:
        ConfigError: If the output exists, or a structure cannot be used; nothing is written then.
    """
    if isinstance(config.out, RemoteFolder):
        return publish(config, config.out, main)
    out = (config.out or RECORDS / config.folder_name).resolve()
    folder = out.with_name(f"{out.name}.partial")
    if (out / FILE_NAME).is_file():
        workplace.tidy(folder, SURVEY, SHARDS)
    check_output(out, config.overwrite)
    check_writable(out.parent)
    place = workplace.held(folder, config, SURVEY)
    with open_pool(config.scheduler, config.workers) as pool, place:
        surveyed = survey_once(config, folder)
        description = build(surveyed, config, folder, pool)
        description.save(folder / SHARDS)
        drop_halves(folder / SHARDS)
        move_over(folder / SHARDS, out)
    total = sum(description.counts.values())
    messages.info(f"{shown(out)}: {total:,} records of {len(surveyed.names):,} structures.")


def check_output(out: Path, overwrite: bool) -> None:
    """Raise `ConfigError` if `out` holds anything, or anything but records to be overwritten."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ConfigError(f"--out={shown(out)} is a file. Choose a folder.")
    foreign = [path.name for path in out.iterdir() if not is_record_file(path)]
    if foreign:
        raise ConfigError(
            f"--out={shown(out)} holds other things than records, e.g. {sorted(foreign)[0]}. "
            "Choose another folder."
        )
    if any(out.iterdir()) and not overwrite:
        raise ConfigError(f"--out={shown(out)} exists. Choose another folder or add --overwrite.")


def is_record_file(path: Path) -> bool:
    """Say whether a file is one that `main` writes."""
    return path.is_file() and (path.name == FILE_NAME or path.suffix == ".tfrecord")


def survey_once(config: RecordsConfig, folder: Path) -> Survey:
    """Return the `Survey` of the structures, an earlier one if the folder has it."""
    path = folder / SURVEY
    if path.is_file():
        try:
            return survey_from(workplace.read_json(path))
        except ConfigError as error:
            messages.warning(f"Warning: {error} It is made again.")
    surveyed = survey(config, folder / TRAJECTORY)
    write_state(path, surveyed.as_dict())
    return surveyed


def build(
    surveyed: Survey, config: RecordsConfig, folder: Path, pool: SerialPool | DaskPool
) -> Description:
    """Write the shards of both splits that are not there yet, and return the `Description`.

    Args:
        surveyed: `Survey`.
        config: `RecordsConfig`.
        folder: Where an interrupted command goes on.
        pool: Who writes them, see `keras_ruo2.io.pool`.
    """
    recipe = config.rules
    edges = np.array([])
    if config.num_classes:
        edges = class_edges(surveyed.energies, config.num_classes, surveyed.names)
    schema = Schema((*recipe.grid_shape, len(config.pair)))
    splits = split_structures(surveyed.families, config.holdout, config.seed)
    warn_of_few_chains(surveyed.families, config)
    warn_of_few_held_out(count_families(surveyed.families, splits), config)
    dealt = list(deal_shards(splits))
    shards = {name: finished_shard(folder, name) for name, *_ in dealt}
    missing = [k for k, (name, *_) in enumerate(dealt) if shards[name] is None]
    left = sum(len(dealt[k][2]) for k in missing)
    try:
        check_writable(folder / SHARDS, left * recipe.records_per_structure * schema.num_bytes)
    except ConfigError as error:
        raise Interrupted(f"{error} What is finished stays in {shown(folder)}.") from None
    for number in missing:
        name, split, members = dealt[number]
        work = (folder, name, split, members.tolist(), config, edges, schema)
        pool.submit(name, number, build_shard, *work)
    finished = finish_shards(shards, pool, folder)
    return make_description(surveyed, edges, config, schema, splits, finished)


def finished_shard(folder: Path, name: str) -> dict[str, Any] | None:
    """Return what an earlier command noted of a shard, `None` if it is not there as noted."""
    note, shard = folder / f"{name}.json", folder / SHARDS / name
    if not (note.is_file() and shard.is_file()):
        return None
    try:
        known = workplace.read_json(note)
        check_fields(known, NOTE, shown(note), "It is not used.")
    except ConfigError as error:
        messages.warning(f"Warning: {error} It is written again.")
        return None
    return known if checksum(shard) == known["sha256"] else None


def deal_shards(
    splits: Mapping[str, NDArray[np.intp]],
) -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    """Yield `(name, split, members)` of every shard; structures are dealt out in turn."""
    for split, members in splits.items():
        num_shards = min(NUM_SHARDS, len(members))
        for k, name in enumerate(shard_names(split, num_shards)):
            yield name, split, members[k::num_shards]


def finish_shards(
    shards: Mapping[str, dict[str, Any] | None], pool: SerialPool | DaskPool, folder: Path
) -> list[dict[str, Any]]:
    """Wait for the shards that are not there yet and return what is known of all, in order."""
    known = {name: shard for name, shard in shards.items() if shard is not None}
    if known:
        messages.info(
            f"Going on in {shown(folder)}: {len(known)} of {len(shards)} shards are there."
        )
    progress = Progress(len(shards), done=len(known), every=1.0)
    for name, shard in pool.results():
        known[name] = shard
        progress.step(f"{name}: {shard['count']:,} records")
    return [known[name] for name in shards]


def make_description(
    surveyed: Survey,
    edges: NDArray[np.float64],
    config: RecordsConfig,
    schema: Schema,
    splits: Mapping[str, NDArray[np.intp]],
    shards: Sequence[Mapping[str, Any]],
) -> Description:
    """Return the `Description` of finished shards."""
    tallies = [shard["tally"] for shard in shards if shard["split"] == TRAINING]
    kept = ("name", "split", "count", "sha256")
    return Description(
        schema_version=SCHEMA_VERSION,
        recipe=config.recipe,
        grid_shape=schema.grid_shape,
        dtype=schema.dtype,
        species=config.pair,
        alpha=config.rules.alpha,
        class_edges=tuple(edges.tolist()),
        **dataset_statistics(tallies, max(0, len(edges) - 1)),
        counts={split: sum(s["count"] for s in shards if s["split"] == split) for split in splits},
        structures={
            split: [surveyed.names[index] for index in members] for split, members in splits.items()
        },
        shards=tuple({key: shard[key] for key in kept} for shard in shards),
        source=describe_source(config, surveyed, splits),
    )


def describe_source(
    config: RecordsConfig, surveyed: Survey, splits: Mapping[str, NDArray[np.intp]]
) -> dict[str, Any]:
    """Return where records came from: file, settings and cells, for `Description.source`."""
    return {
        "file": source_name(config.structures),
        "sha256": checksum(*structure_files("structures", config.structures)),
        "seed": config.seed,
        "holdout": config.holdout,
        "held_out_chains": sorted(chosen_chains(surveyed.families, config.holdout, config.seed)),
        "held_out_families": count_families(surveyed.families, splits),
        "translate": config.translate,
        "num_voxels": config.rules.num_voxels,
        "largest_voxel": float(surveyed.longest.max()) / config.rules.num_voxels,
        "lateral_repeats": count_repeats(surveyed.repeats[splits[TRAINING]]),
    }


def drop_halves(folder: Path) -> None:
    """Remove what killed workers have left of shards that were written again."""
    for path in folder.glob("*.partial"):
        path.unlink(missing_ok=True)
