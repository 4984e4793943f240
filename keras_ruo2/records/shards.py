"""One shard of records, from prepared structures to its file, and what is counted on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase.io.trajectory import Trajectory
from numpy.typing import NDArray

from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.data.description import TRAINING
from keras_ruo2.data.schema import Schema
from keras_ruo2.data.shards import write_shard
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.state import write_state
from keras_ruo2.records.prepared import proven
from keras_ruo2.records.samples import collect


def build_shard(
    folder: Path,
    name: str,
    split: str,
    members: Sequence[int],
    config: RecordsConfig,
    edges: NDArray[np.float64],
    schema: Schema,
) -> dict[str, Any]:
    """Write a shard; what it holds depends on the arguments and the trajectory only.

    Args:
        folder: Folder of the build, with the trajectory of prepared structures.
        name: The shard's file name.
        split: The split that it belongs to.
        members: Numbers of its structures in the trajectory, in the order of the shard.
        config: `RecordsConfig`.
        edges: Edges of the energy classes, eV per atom; empty without classes.
        schema: `Schema` of the records.

    Returns:
        Dict with `name`, `split`, `count`, `sha256` and `tally`; it is also kept beside the shard.
    """
    seen: list[tuple[Any, ...]] = []
    with Trajectory(folder / "structures.traj") as prepared:
        boxes = ((index, proven(prepared[index], folder)) for index in members)
        drawn = (collect(box, index, config, edges) for index, box in boxes)
        samples = watched(drawn, seen) if split == TRAINING else drawn
        shard = write_shard(folder / "records" / name, samples, schema)
    shard |= {"split": split, "tally": tally_records(seen, max(0, len(edges) - 1))}
    write_state(folder / f"{name}.json", shard)
    return shard


def watched(
    samples: Iterable[list[dict[str, Any]]], seen: list[tuple[Any, ...]]
) -> Iterator[list[dict[str, Any]]]:
    """Pass on lists of samples, and append what is counted of each sample to `seen`."""
    for group in samples:
        seen.extend((sample["lattice"], sample["label"], sample["dmu_o"]) for sample in group)
        yield group


def tally_records(seen: Sequence[tuple[Any, ...]], num_classes: int) -> dict[str, Any] | None:
    """Return bounds and counts of some records as JSON can hold them, `None` without records.

    Args:
        seen: Triples of lattice lengths, label and oxygen chemical potential.
        num_classes: Number of energy classes, 0 without classes.
    """
    if not seen:
        return None
    lattices, labels, potentials = zip(*seen, strict=True)
    known = Counter(float(value) for value in potentials if not np.isnan(value))
    counts = np.bincount(labels, minlength=num_classes).tolist() if num_classes else []
    return {
        "lattice_minimum": np.min(lattices, axis=0).tolist(),
        "lattice_maximum": np.max(lattices, axis=0).tolist(),
        "label_counts": counts,
        "dmu_o_counts": sorted(known.items()),
    }


def dataset_statistics(
    tallies: Iterable[Mapping[str, Any] | None], num_classes: int
) -> dict[str, Any]:
    """Return the bounds and counts of the training records.

    Args:
        tallies: What `tally_records` returned for each shard.
        num_classes: Number of energy classes, 0 without classes.

    Returns:
        Dict of values for `Description`.

    Raises:
        ConfigError: If there are no records.
    """
    counted = [tally for tally in tallies if tally]
    if not counted:
        raise ConfigError("Every slice of the training structures is empty. Use another recipe.")
    known: Counter[float] = Counter()
    for tally in counted:
        known.update(dict(map(tuple, tally["dmu_o_counts"])))
    counts = np.sum([tally["label_counts"] for tally in counted], axis=0).tolist()
    return {
        "lattice_minimum": tuple(np.min([t["lattice_minimum"] for t in counted], axis=0).tolist()),
        "lattice_maximum": tuple(np.max([t["lattice_maximum"] for t in counted], axis=0).tolist()),
        "label_counts": tuple(counts) if num_classes else (),
        "dmu_o_counts": tuple(sorted(known.items())),
    }
