"""Where the bundled data are, what a path stands for, and how output gets there whole."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from keras_ruo2.errors import ConfigError, check_choice, check_file

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "keras_ruo2"
MODELS = PACKAGE / "bundled"  # run folders that come with the package
BUNDLED = "bundled:"  # begins the name of a file of structures that comes with the package
DEFAULT_MODEL = "joint3d"
RECORDS = Path("tfrecords")
RUNS = Path("runs")
PACKED = (".gz", ".bz2", ".xz")
STRUCTURE_ENDINGS = (".extxyz", ".xyz", ".traj", ".db", ".cif", ".vasp", ".xsf")
VASP = ("POSCAR", "CONTCAR")  # beginnings of names that need no ending
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

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.key.rpartition("/")[2]


def folder_at(place: str | Path | RemoteFolder, name: str = "records") -> Path | RemoteFolder:
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


def is_address(place: object) -> bool:
    """Say whether `place` begins with a scheme, as `s3://bucket` does."""
    return ADDRESS.match(str(place)) is not None


def cache_folder() -> Path:
    """Return the folder for copies of what lies in object storage: KERAS_RUO2_CACHE, if set."""
    given = os.environ.get("KERAS_RUO2_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(base) / "keras_ruo2"


@overload
def shown(path: str | Path) -> Path: ...


@overload
def shown(path: RemoteFolder) -> RemoteFolder: ...


def shown(path: str | Path | RemoteFolder) -> Path | RemoteFolder:
    """Return `path` relative to the working directory where it lies below it."""
    if isinstance(path, RemoteFolder):
        return path
    path = Path(path)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


@contextmanager
def atomic_write(path: Path, partial: Path | None = None) -> Iterator[Path]:
    """Give a path beside `path` to write to; what was written replaces `path` at the end.

    If the writing fails, `path` is as it was.

    Args:
        path: The file.
        partial: Where to write instead, in the same folder, if several processes may write at once;
            by default a name with the same ending, which some writers go by.
    """
    partial = partial or Path(path).with_name(f".partial.{Path(path).name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file of text whole or not at all."""
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")


def move_over(new: Path, old: Path) -> None:
    """Give a file or a folder the name `old`; a folder of that name goes once it has it."""
    aside = old.with_name(f"{old.name}.{os.getpid()}.old.partial")
    if old.is_dir():
        os.replace(old, aside)
    os.replace(new, old)
    shutil.rmtree(aside, ignore_errors=True)


def structures_folder() -> Path:
    """Return the folder of the bundled structures: a wheel has them inside, a clone beside it."""
    inside = PACKAGE / "tfrecords"
    return inside if inside.is_dir() else REPOSITORY / "tfrecords"


STRUCTURES = structures_folder()
BUNDLED_STRUCTURES = STRUCTURES / "gap.extxyz"


def bundled_file(name: str) -> Path:
    """Return the path of bundled structures: `gap`, `gap_7net-0` or `basin_hopping`.

    Raises:
        ConfigError: If there are none of this name; those that there are are named.
    """
    bundled = {path.stem: path for path in sorted(STRUCTURES.glob("*.extxyz"))}
    if (STRUCTURES / "basin_hopping").is_dir():
        bundled["basin_hopping"] = STRUCTURES / "basin_hopping"
    check_choice("bundled structures", name, bundled)
    return bundled[name]


def path_of(text: str | Path) -> Path:
    """Return the path that a user's text names; `bundled:gap_7net-0` is one of the package."""
    text = str(text)
    return bundled_file(text.removeprefix(BUNDLED)) if text.startswith(BUNDLED) else Path(text)


def source_name(path: str | Path) -> str:
    """Return the name that records keep of their structures: the same from a wheel and a clone."""
    path = Path(path).resolve()
    for root in (STRUCTURES.parent, REPOSITORY):
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
    return str(path)


def structure_files(name: str, path: str | Path) -> list[Path]:
    """Return the files of structures that a path stands for, in the order of their names.

    Args:
        name: The flag that the path came with.
        path: A file of any kind, a folder whose files of structures (by `STRUCTURE_ENDINGS`,
            packed or not, or POSCAR) are the parts of one set, or a pattern such as
            `parts/*.extxyz.xz`, `*/POSCAR`. Of several files those that are hidden or half written
            (`.partial`) are passed over.

    Returns:
        List of `Path`, without empty files if there are several.

    Raises:
        ConfigError: If there is none.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if holds_structures(file))
    elif glob.has_magic(str(path)) and not path.exists():
        files = sorted(map(Path, glob.glob(str(path))))
    else:
        check_file(name, path)
        return [path]
    files = [file for file in files if is_whole(file) and file.is_file() and file.stat().st_size]
    if not files:
        raise ConfigError(
            f"--{name}={path} holds no file of structures. Expected a file, a folder of files that "
            f"end in {', '.join(STRUCTURE_ENDINGS)} (with {' or '.join(PACKED)} where they are "
            "packed) or begin with POSCAR, or a pattern for such files."
        )
    return files


def check_structures(name: str, path: str | Path, out: Path | None = None) -> None:
    """Raise `ConfigError` unless a path stands for files of structures, `out` not among them.

    Args:
        name: The flag that the path came with.
        path: See `structure_files`.
        out: A file that will be written, if any.
    """
    structure_files(name, path)
    if out is None or Path(path).is_file():
        return
    pattern = os.path.normpath(os.path.join(glob.escape(os.getcwd()), path))
    new = Path(os.path.abspath(out))
    if new.parent == Path(os.path.abspath(path)) or new.match(pattern):
        raise ConfigError(f"--out={out} would be among --{name}={path}. Choose another folder.")


def holds_structures(file: Path) -> bool:
    """Say by its name whether a file holds structures."""
    return unpacked(file)[1] in STRUCTURE_ENDINGS or file.name.startswith(VASP)


def is_whole(file: Path) -> bool:
    """Say by its name whether a file is neither hidden nor half written."""
    return not file.name.startswith(".") and ".partial" not in file.suffixes


def name_in(file: Path, files: Sequence[Path]) -> str:
    """Return what tells a file from the others: its path below their folder, without ending."""
    folder = os.path.commonpath([other.parent for other in files])
    return "-".join(file.relative_to(folder).with_name(unpacked(file)[0]).with_suffix("").parts)


def unpacked(file: Path) -> tuple[str, str]:
    """Return the name of a file without the ending of its compression, and its ending then."""
    inner = Path(file.stem if file.suffix in PACKED else file.name)
    return str(inner), inner.suffix


def checksum(*paths: Path) -> str:
    """Return the SHA-256 of a file, or of several one after the other, as hexadecimal text."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def model_folder(name: str) -> Path:
    """Return the run folder of a bundled model.

    Raises:
        ConfigError: If there is no such model; those that there are are named.
    """
    check_choice("model", name, sorted(path.name for path in MODELS.iterdir() if path.is_dir()))
    return MODELS / name


def run_named(name: str | Path) -> Path:
    """Return the folder of a bundled model, or of a run where there is no such model.

    Args:
        name: Name or path.
    """
    bundled = MODELS / name
    return bundled if bundled.is_dir() and not Path(name).exists() else Path(name)


def run_or_model(run: Path | None, model: str | None) -> Path:
    """Return the folder of a run, or of the bundled model that is meant where none is given.

    Raises:
        ConfigError: If both are given, or there is no such model.
    """
    if model is None and run is not None:
        return run
    folder = model_folder(model or DEFAULT_MODEL)
    if run not in (None, folder):
        raise ConfigError(f"--run={run} and --model={model} exclude each other. Give one of them.")
    return folder
