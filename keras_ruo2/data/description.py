"""`dataset.json`, which lies beside the shards and says what is in them. No TensorFlow here."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.fields import (
    ANY_DICT,
    check_fields,
    integer,
    listed,
    number,
    one_of,
    record,
    text,
)
from keras_ruo2.io.paths import RemoteFolder, checksum, folder_at
from keras_ruo2.io.state import parse_json, parse_state, write_state
from keras_ruo2.species import DEFAULT, Pair

Place = str | Path | RemoteFolder
SCHEMA_VERSION = 3
FILE_NAME = "dataset.json"
TRAINING, HELD_OUT = "training", "held-out"
FEWEST_HELD_OUT = 5  # structures; distances to fewer are those to a few single slabs
SPLITS = (TRAINING, HELD_OUT)
EDGES = listed(number(), most=1001)
SHARD = {"name": text(200), "split": one_of(SPLITS), "count": integer(), "sha256": text(64)}
STATISTICS = {
    "lattice_minimum": listed(number(0, 1e4), most=3),
    "lattice_maximum": listed(number(0, 1e4), most=3),
    "label_counts": listed(integer(), most=1000),
    "dmu_o_counts": listed(listed(number(), least=2, most=2)),
}
KINDS = {
    "recipe": text(200),
    "grid_shape": listed(integer(1, 512), least=3, most=4),
    "dtype": one_of(("float16", "float32", "uint8")),
    "species": listed(text(2), least=2, most=2),
    "alpha": number(1e-3, 1e3),
    **STATISTICS,
    "class_edges": EDGES,
    "counts": record({split: integer() for split in SPLITS}),
    "structures": record({split: listed(text()) for split in SPLITS}),
    "shards": listed(record(SHARD)),
    "source": ANY_DICT,
}


@dataclass(frozen=True)
class Description:
    """What a folder of records holds.

    Bounds and counts are those of the training split: nothing that a network is given tells of
    the held-out one, whose scaled lengths may therefore lie slightly outside [0, 1].

    Args:
        schema_version: `SCHEMA_VERSION` of the code that wrote it.
        recipe: Name of the recipe.
        grid_shape: Voxels and channels of a grid.
        dtype: Type in which grids are stored.
        species: Chemical symbols in channel order.
        alpha: Inverse square width of the Gaussians, Å^-2.
        lattice_minimum: Least length in each direction among the training records, Å.
        lattice_maximum: Largest length in each direction among the training records, Å.
        class_edges: Edges of the energy classes, eV per atom; empty without classes.
        label_counts: Training records in each energy class; empty without classes.
        dmu_o_counts: Pairs of an oxygen chemical potential, eV, and the number of training
            records that have it, ascending; empty where it is unknown.
        counts: Records in each split.
        structures: Names of the structures in each split.
        shards: For each file its `name`, `split`, `count` and `sha256`.
        source: Where the structures came from: `file`, `sha256`, and settings of the build; how
            often training cells were repeated along x or y (`lateral_repeats`); chains of a search
            that were held out whole (`held_out_chains`), and how many structures and chains that
            are kept from training together were held out (`held_out_families`).
    """

    schema_version: int
    recipe: str
    grid_shape: tuple[int, ...]
    dtype: str
    species: Pair
    alpha: float
    lattice_minimum: tuple[float, ...]
    lattice_maximum: tuple[float, ...]
    class_edges: tuple[float, ...]
    label_counts: tuple[int, ...]
    dmu_o_counts: tuple[tuple[float, int], ...]
    counts: dict[str, int]
    structures: dict[str, list[str]]
    shards: tuple[dict[str, Any], ...]
    source: dict[str, Any]

    @property
    def num_held_out(self) -> int:
        """How many held-out structures are independent: snapshots of a chain count as one."""
        families = self.source.get("held_out_families")
        return len(self.structures[HELD_OUT]) if families is None else families

    @property
    def is_yardstick(self) -> bool:
        """Say whether enough is held out for a distance to it to mean something."""
        return self.num_held_out >= FEWEST_HELD_OUT

    @property
    def fingerprint(self) -> str:
        """Short hash of everything that is in the records."""
        content = json.dumps([shard["sha256"] for shard in self.shards])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def save(self, folder: Path) -> None:
        """Write `dataset.json` into `folder`."""
        write_state(Path(folder) / FILE_NAME, dataclasses.asdict(self))

    def files(self, folder: Path, split: str) -> list[str]:
        """Return the paths of the shards of a split."""
        return [
            str(Path(folder) / shard["name"]) for shard in self.shards if shard["split"] == split
        ]


def load_description(folder: Place) -> Description:
    """Read and check `dataset.json`.

    Args:
        folder: Folder with records, a path or an address.

    Returns:
        `Description`.

    Raises:
        ConfigError: If the folder, the file or a shard is missing, or of another version.
    """
    folder = folder_at(folder)
    values = read_values(folder)
    path, version = f"{folder}/{FILE_NAME}", values["schema_version"]
    advice = how_to_rebuild(folder, values)
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"{path} has schema version {version}, this code reads {SCHEMA_VERSION}. {advice}"
        )
    try:
        description = Description(**{key: as_tuple(value) for key, value in values.items()})
    except TypeError as error:
        raise ConfigError(f"{path} is incomplete ({error}). {advice}") from None
    check_fields(values, KINDS, path, advice)
    if isinstance(folder, RemoteFolder):  # its shards are looked for when they are copied
        return description
    elsewhere = [s["name"] for s in description.shards if Path(s["name"]).name != s["name"]]
    if elsewhere:
        raise ConfigError(f"{path} names a shard in another folder, {elsewhere[0]!r}. {advice}")
    missing = [s["name"] for s in description.shards if not (Path(folder) / s["name"]).is_file()]
    if missing:
        raise ConfigError(
            f"{folder} lacks {len(missing)} of {len(description.shards)} shards, "
            f"e.g. {missing[0]}. {advice}"
        )
    return description


def read_values(folder: Place) -> dict[str, Any]:
    """Return what `dataset.json` says, of whatever schema version, as a dict.

    Raises:
        ConfigError: If the folder or the file is missing, or cannot be read.
    """
    content, path = read_text(folder_at(folder)).encode(), f"{folder}/{FILE_NAME}"
    advice = "Write the records again."
    values = parse_json(content, path, advice)
    check_fields(values, {"schema_version": integer()}, path, advice)
    if values["schema_version"] != SCHEMA_VERSION:
        return values
    return parse_state(content, path, advice, of_earlier_version)


def of_earlier_version(values: Mapping[str, Any]) -> bool:
    """Say whether a `dataset.json` with these values may have been written without a seal."""
    names = {field.name for field in dataclasses.fields(Description)}
    return set(values) <= names


def read_text(folder: Place) -> str:
    """Return the content of `dataset.json`.

    Raises:
        ConfigError: If the folder or the file is missing.
    """
    if isinstance(folder, RemoteFolder):
        from keras_ruo2.data import remote  # which imports this module

        return remote.read_description(folder)
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        advice = f"Write records first: python -m data_prep records --out={Path(folder) / 'NAME'}"
        if Path(folder).is_file():
            raise ConfigError(
                f"--records={folder} is a file, expected a folder of records. Write them first: "
                f"python -m data_prep records --structures={folder} --out=tfrecords/mine, then "
                "--records=tfrecords/mine"
            )
        if not Path(folder).exists():
            advice = f"Write records first: python -m data_prep records --out={folder}"
        what = "is empty" if Path(folder).is_dir() else "does not exist"
        if Path(folder).is_dir() and any(Path(folder).iterdir()):
            what = f"holds no {FILE_NAME}"
        raise ConfigError(f"The records folder {folder} {what}. {advice}")
    return path.read_bytes().decode(errors="replace")


def how_to_rebuild(folder: Place, values: Mapping[str, Any]) -> str:
    """Return advice with the command that writes the records of a `dataset.json` again."""
    source = values.get("source", {})
    if not isinstance(source, dict):
        return "Write them again: python -m data_prep records --help"
    flags = {"structures": source.get("file"), "recipe": values.get("recipe"), "out": folder}
    flags |= {name: source.get(name) for name in ("seed", "holdout", "translate", "num_voxels")}
    edges, species = (values.get(name, ()) for name in ("class_edges", "species"))
    flags["num_classes"] = max(0, len(edges) - 1) if EDGES.fits(edges) else 0
    named = ",".join(species) if KINDS["species"].fits(species) else ""
    flags["species"] = named if named not in ("", DEFAULT) else None
    known = {name: value for name, value in flags.items() if value is not None}
    shown = " ".join(f"--{n}={value}" for n, value in known.items() if text().fits(str(value)))
    return f"Write them again: python -m data_prep records {shown} --overwrite"


def verify_shards(folder: Place, description: Description) -> None:
    """Raise `ConfigError` if a shard is not what its checksum says; copy those not here yet."""
    folder = folder_at(folder)
    if isinstance(folder, RemoteFolder):
        from keras_ruo2.data import remote  # which imports this module

        return remote.verify(folder, description)
    for shard in description.shards:
        if checksum(Path(folder) / shard["name"]) != shard["sha256"]:
            advice = how_to_rebuild(folder, dataclasses.asdict(description))
            raise ConfigError(
                f"The shard {Path(folder) / shard['name']} is damaged: its checksum differs from "
                f"that in {FILE_NAME}. {advice}"
            )


def as_tuple(value: Any) -> Any:
    """Return a JSON list, and lists within it, as tuples, anything else as it is."""
    return tuple(as_tuple(part) for part in value) if isinstance(value, list) else value
