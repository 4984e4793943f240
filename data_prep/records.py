"""Structures -> records."""

import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from data_prep.publish import publish
from data_prep.samples import collect, energy_per_atom
from keras_ruo2.data.description import (
    FILE_NAME,
    HELD_OUT,
    SCHEMA_VERSION,
    TRAINING,
    Description,
    checksum,
)
from keras_ruo2.data.schema import Schema
from keras_ruo2.data.shards import write_shards
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.paths import RECORDS, REPOSITORY, RemoteFolder, shown, structure_files
from keras_ruo2.species import SPECIES
from keras_ruo2.structure import cells
from keras_ruo2.structure.energies import class_edges
from keras_ruo2.structure.files import read_structures
from keras_ruo2.structure.filters import broken
from keras_ruo2.structure.voxels import check_species

NUM_SHARDS = 16


def main(config):
    """Check every structure, then voxelise them and write the shards.

    Everything is written to a folder of its own first, which takes its name when it is whole.

    Args:
        config: `RecordsConfig`.

    Raises:
        ConfigError: If the output exists, or a structure cannot be used; nothing is written then.
    """
    if isinstance(config.out, RemoteFolder):
        return publish(config, main)
    recipe = config.rules
    out = (config.out or RECORDS / config.folder_name).resolve()
    check_output(out, config.overwrite)
    structures = prepare_all(config.structures, recipe, config.pair)
    energies = np.array([energy_per_atom(atoms) for atoms in structures])
    names = [atoms.info["name"] for atoms in structures]
    edges = class_edges(energies, config.num_classes, names) if config.num_classes else np.array([])
    schema = Schema((*recipe.grid_shape, len(config.pair)))
    num_bytes = len(structures) * recipe.records_per_structure * schema.num_bytes
    check_writable(out.parent, num_bytes)
    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    partial.mkdir()
    try:
        description = write(structures, edges, config, schema, partial)
        description.save(partial)
        replace_folder(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    total = sum(description.counts.values())
    print(f"{shown(out)}: {total:,} records of {len(structures)} structures.")


def check_output(out, overwrite):
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


def is_record_file(path):
    """Say whether a file is one that `main` writes."""
    return path.is_file() and (path.name == FILE_NAME or path.suffix == ".tfrecord")


def write(structures, edges, config, schema, folder):
    """Write the shards of both splits into `folder` and return their `Description`."""
    shards, seen = [], []
    splits = split_structures(structures, config.holdout, config.seed)
    report = progress(len(structures))
    for split, members in splits.items():
        samples = (collect(structures[index], index, config, edges, report) for index in members)
        if split == TRAINING:
            samples = watched(samples, seen)
        if len(members):
            num_shards = min(NUM_SHARDS, len(members))
            shards.extend(write_shards(folder, split, num_shards, samples, schema))
    return Description(
        schema_version=SCHEMA_VERSION,
        recipe=config.recipe,
        grid_shape=schema.grid_shape,
        dtype=schema.dtype,
        species=config.pair,
        alpha=config.rules.alpha,
        class_edges=tuple(edges.tolist()),
        **statistics(seen, max(0, len(edges) - 1)),
        counts={split: sum(s["count"] for s in shards if s["split"] == split) for split in splits},
        structures={
            split: [structures[index].info["name"] for index in members]
            for split, members in splits.items()
        },
        shards=tuple(shards),
        source=describe_source(config, structures, splits[TRAINING]),
    )


def describe_source(config, structures, training):
    """Return where records came from: file, settings and cells, for `Description.source`."""
    return {
        "file": source_name(config.structures),
        "sha256": checksum(*structure_files("structures", config.structures)),
        "seed": config.seed,
        "holdout": config.holdout,
        "translate": config.translate,
        "num_voxels": config.rules.num_voxels,
        "largest_voxel": largest_voxel(structures, config.rules),
        "lateral_repeats": count_repeats([structures[index] for index in training]),
    }


def watched(samples, seen):
    """Pass on lists of samples, and append what is counted of each sample to `seen`."""
    for found in samples:
        seen.extend((sample["lattice"], sample["label"], sample["dmu_o"]) for sample in found)
        yield found


def statistics(seen, num_classes):
    """Return the bounds and counts of the training records.

    Args:
        seen: Triples of lattice lengths, label and oxygen chemical potential.
        num_classes: Number of energy classes, 0 without classes.

    Returns:
        Dict of values for `Description`.

    Raises:
        ConfigError: If there are no records.
    """
    if not seen:
        raise ConfigError("Every slice of the training structures is empty. Use another recipe.")
    lattices, labels, potentials = zip(*seen, strict=True)
    known = Counter(value for value in potentials if not np.isnan(value))
    counts = np.bincount(labels, minlength=num_classes).tolist() if num_classes else []
    return {
        "lattice_minimum": tuple(np.min(lattices, axis=0).tolist()),
        "lattice_maximum": tuple(np.max(lattices, axis=0).tolist()),
        "label_counts": tuple(counts),
        "dmu_o_counts": tuple(sorted(known.items())),
    }


def prepare_all(path, recipe, species=SPECIES):
    """Read, check and prepare every structure: orthogonal, extended, its vacuum cut.

    Returns:
        List of `ase.Atoms` with `info["name"]`.

    Raises:
        ConfigError: If the file cannot be read or a structure cannot be used; it is named.
    """
    prepared = []
    for number, atoms in enumerate(read_structures(path)):
        name = str(atoms.info.get("name", f"{Path(path).stem}-{number}"))
        try:
            check_species(atoms, species)
            if recipe.whole_only and broken(atoms):
                continue
            box = prepare(atoms, recipe)
        except ConfigError as error:
            raise ConfigError(f"{path}, structure {number} ({name}): {error}") from None
        box.info["name"] = name
        prepared.append(box)
    if not prepared:
        raise ConfigError(f"{path} holds no structure that the recipe can use.")
    warn_of_coarse_voxels(prepared, recipe)
    return prepared


def prepare(atoms, recipe):
    """Return `atoms` in the cell that the recipe voxelises."""
    box = cells.orthogonalise(atoms)
    if not recipe.extend:
        return box
    box = cells.set_vacuum(box, recipe.vacuum)
    repeats = cells.lateral_repeats(box.cell.lengths(), recipe.num_voxels)
    box = cells.repeat(box, (*repeats, 1))
    box.info["lateral_repeats"] = repeats
    return box


def count_repeats(structures):
    """Return how many cells were repeated how often along x or y, `{"3": 95, ...}` for JSON."""
    found = [count for box in structures for count in box.info.get("lateral_repeats", (1, 1))]
    return {str(count): number for count, number in sorted(Counter(found).items())}


def largest_voxel(structures, recipe):
    """Return the longest voxel edge among `structures`, Å."""
    return max(float(atoms.cell.lengths().max()) for atoms in structures) / recipe.num_voxels


def warn_of_coarse_voxels(structures, recipe):
    """Say how many structures have voxels in which neighbouring O atoms merge."""
    limit = cells.LARGEST_VOXEL * recipe.num_voxels
    coarse = [atoms for atoms in structures if atoms.cell.lengths().max() > limit]
    if coarse:
        print(
            f"Warning: {len(coarse)} of {len(structures)} structures have voxels above "
            f"{cells.LARGEST_VOXEL} Å (up to {largest_voxel(structures, recipe):.2f} Å), where "
            "neighbouring O atoms begin to merge.",
            file=sys.stderr,
        )


def split_structures(structures, holdout, seed):
    """Split structures, never slices, into training and held-out; both in random order.

    Returns:
        Dict of index arrays, keyed `TRAINING` and `HELD_OUT`.
    """
    order = np.random.default_rng(seed).permutation(len(structures))
    num_held_out = round(holdout * len(structures))
    return {TRAINING: order[num_held_out:], HELD_OUT: order[:num_held_out]}


def source_name(path):
    """Return the path of the structures, relative to the repository where it lies in it."""
    path = Path(path).resolve()
    return str(path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path)


def replace_folder(new, old):
    """Give the folder `new` the name of `old`, which is removed once the new one is in place."""
    aside = old.with_name(f"{old.name}.{os.getpid()}.old.partial")
    if old.exists():
        os.replace(old, aside)
    os.replace(new, old)
    shutil.rmtree(aside, ignore_errors=True)


def progress(total):
    """Return a function that counts structures and shows how far it is."""
    done = 0

    def report():
        nonlocal done
        done += 1
        end = "\n" if done == total else "\r"
        if sys.stdout.isatty() or done == total:
            print(f"Voxelising structures: {done}/{total}", end=end, flush=True)

    return report
