"""`dataset.json`, which lies beside the shards and says what is in them. No TensorFlow here."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.errors import ConfigError

SCHEMA_VERSION = 1
FILE_NAME = "dataset.json"
TRAINING, HELD_OUT = "training", "held-out"


@dataclass(frozen=True)
class Description:
    """What a folder of records holds.

    Args:
        schema_version: `SCHEMA_VERSION` of the code that wrote it.
        recipe: Name of the recipe.
        grid_shape: Voxels and channels of a grid.
        dtype: Type in which grids are stored.
        species: Chemical symbols in channel order.
        alpha: Inverse square width of the Gaussians, Å^-2.
        lattice_minimum: Least length in each direction, Å.
        lattice_maximum: Largest length in each direction, Å.
        class_edges: Edges of the energy classes, eV per atom; empty without classes.
        counts: Records in each split.
        structures: Names of the structures in each split.
        shards: For each file its `name`, `split`, `count` and `sha256`.
        source: Where the structures came from: `file`, `sha256`, and settings of the build.
    """

    schema_version: int
    recipe: str
    grid_shape: tuple[int, ...]
    dtype: str
    species: tuple[str, ...]
    alpha: float
    lattice_minimum: tuple[float, ...]
    lattice_maximum: tuple[float, ...]
    class_edges: tuple[float, ...]
    counts: dict
    structures: dict
    shards: tuple
    source: dict

    @property
    def fingerprint(self):
        """Short hash of everything that is in the records."""
        content = json.dumps([shard["sha256"] for shard in self.shards])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def save(self, folder):
        """Write `dataset.json` into `folder`."""
        text = json.dumps(dataclasses.asdict(self), indent=1)
        (Path(folder) / FILE_NAME).write_text(text + "\n")

    def files(self, folder, split):
        """Return the paths of the shards of a split."""
        return [
            str(Path(folder) / shard["name"]) for shard in self.shards if shard["split"] == split
        ]


def load_description(folder):
    """Read and check `dataset.json`.

    Args:
        folder: Folder with records.

    Returns:
        `Description`.

    Raises:
        ConfigError: If the folder, the file or a shard is missing, or of another version.
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        advice = f"Write records first: python -m data_prep records --out={Path(folder) / 'NAME'}"
        if not Path(folder).exists():
            advice = f"Write records first: python -m data_prep records --out={folder}"
        what = "is empty" if Path(folder).is_dir() else "does not exist"
        if Path(folder).is_dir() and any(Path(folder).iterdir()):
            what = f"holds no {FILE_NAME}"
        raise ConfigError(f"The records folder {folder} {what}. {advice}")
    try:
        values = json.loads(path.read_text())
        version = values["schema_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} cannot be read ({error}). Write the records again.") from None
    advice = how_to_rebuild(folder, values)
    if version != SCHEMA_VERSION:
        raise ConfigError(
            f"{path} has schema version {version}, this code reads {SCHEMA_VERSION}. {advice}"
        )
    try:
        description = Description(**{key: as_tuple(value) for key, value in values.items()})
    except TypeError as error:
        raise ConfigError(f"{path} is incomplete ({error}). {advice}") from None
    missing = [s["name"] for s in description.shards if not (Path(folder) / s["name"]).is_file()]
    if missing:
        raise ConfigError(
            f"{folder} lacks {len(missing)} of {len(description.shards)} shards, "
            f"e.g. {missing[0]}. {advice}"
        )
    return description


def how_to_rebuild(folder, values):
    """Return advice with the command that writes the records of a `dataset.json` again."""
    source = values.get("source", {})
    flags = {"structures": source.get("file"), "recipe": values.get("recipe"), "out": folder}
    flags |= {name: source.get(name) for name in ("seed", "holdout")}
    flags["num_classes"] = max(0, len(values.get("class_edges", ())) - 1)
    shown = " ".join(f"--{name}={value}" for name, value in flags.items() if value is not None)
    return f"Write them again: python -m data_prep records {shown} --overwrite"


def verify_shards(folder, description):
    """Raise `ConfigError` if a shard is not what its checksum says."""
    for shard in description.shards:
        if checksum(Path(folder) / shard["name"]) != shard["sha256"]:
            advice = how_to_rebuild(folder, dataclasses.asdict(description))
            raise ConfigError(
                f"The shard {Path(folder) / shard['name']} is damaged: its checksum differs from "
                f"that in {FILE_NAME}. {advice}"
            )


def as_tuple(value):
    """Return a JSON list as a tuple, anything else as it is."""
    return tuple(value) if isinstance(value, list) else value


def checksum(path):
    """Return the SHA-256 of a file as hexadecimal text."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
