"""Files in object storage through TensorFlow's own file system, which tensorflow-io brings.

Nothing imports this module unless an `s3://` address is used and tensorflow-io is installed. A
process in which that file system was used aborts when Python ends
(github.com/tensorflow/io, issue 2039): `keras_ruo2.cli.start` ends such a process itself.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from keras_ruo2.backend import quiet_standard_error
from keras_ruo2.data.stores import (
    CONNECT_SECONDS,
    READ_SECONDS,
    REGION,
    RETRIES,
    check_answers,
    not_found,
    one_line,
    refused,
    unreachable,
)

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.io.paths import RemoteFolder


PIECE = 2**24  # bytes; copies by TensorFlow itself are many times slower
PARALLEL = 4  # files read at a time


@cache
def has_file_system(endpoint: str | None) -> bool:
    """Import tensorflow-io quietly and say whether TensorFlow has its file system for s3://.

    It registers only beside TensorFlow 2.16 and 2.17; beside others its import may pass all the
    same.

    Args:
        endpoint: Address of the server, `None` for Amazon's.
    """
    settings = {
        "AWS_MAX_ATTEMPTS": RETRIES + 1,  # of 10, which take 51 s where no server listens
        "AWS_RETRY_MODE": "standard",
        "S3_CONNECT_TIMEOUT_MSEC": 1000 * CONNECT_SECONDS,
        "S3_REQUEST_TIMEOUT_MSEC": 1000 * READ_SECONDS,
        "AWS_REGION": os.environ.get("AWS_DEFAULT_REGION") or REGION,
        "TF_CPP_MIN_LOG_LEVEL": 3,
    }
    for name, value in settings.items():
        os.environ.setdefault(name, str(value))
    if endpoint is not None:
        os.environ["S3_ENDPOINT"] = endpoint
    try:
        with quiet_standard_error():
            tf = importlib.import_module("tensorflow")
            importlib.import_module("tensorflow_io")
    except Exception:  # whatever a library raises that was built for another TensorFlow
        return False
    return "s3" in tf.io.gfile.get_registered_schemes()


class TensorFlowStore:
    """The files of a folder, through `tf.io`.

    Args:
        folder: `RemoteFolder`.
    """

    reads_into_memory: Literal[True] = True

    def __init__(self, folder: RemoteFolder) -> None:
        self.folder = folder

    def path(self, name: str) -> str:
        """Return the address of a file."""
        return f"{self.folder}/{name}"

    def names(self) -> dict[str, int]:
        """Return the sizes in bytes of all files by their names below the folder."""
        tf = imported_tensorflow()
        with explained_tensorflow_errors(self.folder):
            top = str(self.folder)
            if not tf.io.gfile.isdir(top):
                return {}
            paths = [
                f"{place.rstrip('/')}/{name}".removeprefix(f"{top}/")
                for place, _, names in tf.io.gfile.walk(top)
                for name in names
            ]
            return {name: tf.io.gfile.stat(self.path(name)).length for name in paths}

    def read(self, name: str) -> bytes:
        """Return the content of a small file."""
        with (
            explained_tensorflow_errors(self.folder),
            imported_tensorflow().io.gfile.GFile(self.path(name), "rb") as file,
        ):
            return file.read()

    def get(self, name: str, path: Path) -> None:
        """Copy a file to a path here."""
        tf = imported_tensorflow()
        with explained_tensorflow_errors(self.folder), open(path, "wb") as copy:
            with tf.io.gfile.GFile(self.path(name), "rb") as file:
                while piece := file.read(PIECE):
                    copy.write(piece)

    def put(self, path: Path, name: str) -> None:
        """Copy a file from here; it appears when it is whole."""
        with explained_tensorflow_errors(self.folder):
            imported_tensorflow().io.gfile.copy(str(path), self.path(name), overwrite=True)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with explained_tensorflow_errors(self.folder):
            imported_tensorflow().io.gfile.remove(self.path(name))

    def contents(self, names: Iterable[str]) -> list[np.ndarray]:
        """Read whole files into memory with tf.data, several at a time.

        Returns:
            A read-only array of bytes for each of `names`.
        """
        tf = imported_tensorflow()
        paths = tf.data.Dataset.from_tensor_slices([self.path(name) for name in names])
        with explained_tensorflow_errors(self.folder):
            read = paths.map(tf.io.read_file, num_parallel_calls=PARALLEL)
            return [np.frombuffer(content, np.uint8) for content in read.as_numpy_iterator()]


def imported_tensorflow() -> Any:
    """Return TensorFlow, which `has_file_system` has imported."""
    return importlib.import_module("tensorflow")


@contextmanager
def explained_tensorflow_errors(folder: RemoteFolder) -> Iterator[None]:
    """Turn what TensorFlow raises into one line; a server that is away is told at once."""
    errors = imported_tensorflow().errors
    check_answers(folder)
    try:
        yield
    except errors.NotFoundError as error:
        check_answers(folder)  # it may have gone away meanwhile
        reason = f"{one_line(error.message)}, or these credentials may not read it"
        raise not_found(folder, reason) from None
    except (errors.PermissionDeniedError, errors.UnauthenticatedError) as error:
        raise refused(folder, error.message) from None
    except errors.OpError as error:
        raise unreachable(folder, error.message) from None
