"""Where the bundled data are, where output goes by default, and folders in object storage."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.errors import ConfigError

REPOSITORY = Path(__file__).resolve().parents[1]
RECORDS = Path("tfrecords")
RUNS = Path("runs")
ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/", re.IGNORECASE)  # a scheme has two letters or more


@dataclass(frozen=True)
class RemoteFolder:
    """A folder in object storage. It is text: whatever opens it is in `keras_ruo2.data`.

    Args:
        bucket: Name of the bucket.
        key: Path within the bucket, without slashes around it.
    """

    bucket: str
    key: str

    def __str__(self):
        return f"s3://{self.bucket}/{self.key}"

    @property
    def name(self):
        """The last part of the path."""
        return self.key.rpartition("/")[2]


def folder_at(place, name="records"):
    """Return the folder that a path or an address names.

    Args:
        place: Path, `s3://bucket/folder` as text, or what this function returned.
        name: Flag that messages name.

    Returns:
        `Path` or `RemoteFolder`.

    Raises:
        ConfigError: If it is an address of another kind, or one without bucket or folder.
    """
    if isinstance(place, RemoteFolder) or not is_address(place):
        return place if isinstance(place, RemoteFolder) else Path(place)
    scheme, _, rest = str(place).partition(":")
    if scheme.lower() != "s3":
        raise ConfigError(
            f"--{name}={place}: {scheme}:// is not supported. Expected a local folder or "
            "s3://bucket/folder."
        )
    bucket, _, key = rest.strip("/").partition("/")  # a Path has made one slash of two
    if not bucket or not key or {".", "..", ""} & set(key.split("/")):
        raise ConfigError(f"--{name}={place}: expected s3://bucket/folder.")
    return RemoteFolder(bucket, key)


def is_address(place):
    """Say whether `place` begins with a scheme, as `s3://bucket` does."""
    return ADDRESS.match(str(place)) is not None


def cache_folder():
    """Return the folder for copies of what lies in object storage: KERAS_RUO2_CACHE, if set."""
    given = os.environ.get("KERAS_RUO2_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(base) / "keras_ruo2"


def shown(path):
    """Return `path` relative to the working directory where it lies below it."""
    if isinstance(path, RemoteFolder):
        return path
    path = Path(path)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


BUNDLED_STRUCTURES = REPOSITORY / "tfrecords" / "gap.extxyz"
