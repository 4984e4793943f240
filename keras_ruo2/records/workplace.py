"""The folder in which records are built, kept when a build is interrupted."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from keras_ruo2 import runs
from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.errors import Busy, ConfigError, Interrupted
from keras_ruo2.io import locks, messages
from keras_ruo2.io.paths import checksum, shown, structure_files
from keras_ruo2.io.state import read_state, write_state

REQUEST, LOCK = "request.json", "lock"
ELSEWHERE = ("out", "overwrite", "scheduler", "workers")  # settings that change no record


@contextmanager
def held(folder: Path, config: RecordsConfig, first: str) -> Iterator[None]:
    """Hold a folder for one build and this process alone; it is empty unless a build was cut off.

    It is removed when the build is done or refuses its input, and stays if anything else ends it.

    Args:
        folder: The folder; it is made.
        config: `RecordsConfig`. What an interrupted build with other settings, structures or code
            has left is of no use and is removed.
        first: Name of what a build leaves in it first, see `remove`.
    """
    folder.mkdir(exist_ok=True)
    with only_user(folder):
        request, earlier = records_request(config), read_request(folder)
        if earlier != request:
            if earlier is not None:
                changed = [name for name in request if earlier.get(name) != request[name]]
                messages.info(
                    f"{shown(folder)}: begun with another {', '.join(changed) or 'request'}. "
                    "Beginning again.",
                )
            clear(folder)
            write_state(folder / REQUEST, request)
        try:
            yield
        except Interrupted:
            raise
        except ConfigError:
            remove(folder, first)
            raise
        remove(folder, first)


def remove(folder: Path, first: str) -> None:
    """Remove a folder, what is left in it first at the end, so that `tidy` knows a rest of it.

    Args:
        folder: The folder.
        first: Name of what a build leaves in it first.
    """
    with suppress(OSError):
        clear(folder, {LOCK, first})
    shutil.rmtree(folder, ignore_errors=True)


def tidy(folder: Path, first: str, last: str) -> None:
    """Remove a folder whose build was killed when its records had their name already.

    Args:
        folder: The folder, if it is there.
        first: Name of what a build leaves in it first.
        last: Name of what takes its own name at the end.
    """
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {last}
    if last not in names and (first in names or names <= {LOCK}):
        with suppress(Busy), only_user(folder):
            remove(folder, first)


def records_request(config: RecordsConfig) -> dict[str, Any]:
    """Return what the content of records depends on, as JSON can hold it."""
    values = {name: value for name, value in config.as_dict().items() if name not in ELSEWHERE}
    return values | {
        "sha256": checksum(*structure_files("structures", config.structures)),
        "code": runs.code_fingerprint(),
    }


def read_request(folder: Path) -> dict[str, Any] | None:
    """Return what the records in a folder are built for, `None` where that is unknown."""
    path = folder / REQUEST
    return read_json(path) if path.is_file() else None


def clear(folder: Path, kept: Collection[str] = frozenset({LOCK})) -> None:
    """Remove what is in a folder, but for its lock or what else is named."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in kept:
            path.unlink()


def read_json(path: Path) -> dict[str, Any]:
    """Return the values of a file that a build has kept.

    Raises:
        ConfigError: If they are not what was written.
    """
    return read_state(path, f"Delete {shown(path.parent)} to build anew.")


def only_user(folder: Path) -> AbstractContextManager[None]:
    """Hold a folder for this process alone; see `keras_ruo2.io.locks.only_user`."""
    return locks.only_user(folder / LOCK)
