"""Files in object storage, by whichever road this environment has. No TensorFlow here.

A store lists, reads and writes the files of one `RemoteFolder`. Where TensorFlow has a file system
for `s3://` (tensorflow-io, see `tensorflow_store`) that one is used, elsewhere s3fs.
"""

from __future__ import annotations

import errno
import os
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

from keras_ruo2.backend import is_installed
from keras_ruo2.errors import ConfigError
from keras_ruo2.extras import install

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.data.tensorflow_store import TensorFlowStore
    from keras_ruo2.io.paths import RemoteFolder


ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "S3_ENDPOINT")  # the first one that is set
REGION = "us-east-1"  # what servers other than Amazon's take by default
CONNECT_SECONDS, READ_SECONDS, RETRIES = 5, 60, 2
Store: TypeAlias = "FsspecStore | TensorFlowStore"
INSTALL = f"{install('remote')} (or the environment of make test-tfio)"


class Unreachable(ConfigError):
    """The server does not answer."""


def open_store(folder: RemoteFolder) -> Store:
    """Return the store of a folder: that of TensorFlow's file system where it has one.

    Args:
        folder: `RemoteFolder`.

    Raises:
        ConfigError: If this environment has neither, or the endpoint is not an address.
    """
    endpoint = find_endpoint(os.environ)
    if is_installed("tensorflow_io"):
        from keras_ruo2.data import tensorflow_store

        if tensorflow_store.has_file_system(endpoint):
            return tensorflow_store.TensorFlowStore(folder)
    if not is_installed("s3fs"):
        raise ConfigError(f"{folder}: nothing here reads object storage. Install it: {INSTALL}")
    return FsspecStore(folder, endpoint)


def find_endpoint(environment: Mapping[str, str]) -> str | None:
    """Return the address of the S3 server that the environment names, `None` for Amazon's.

    Raises:
        ConfigError: If it has no scheme, which tensorflow-io would take for https.
    """
    name = next((name for name in ENDPOINTS if environment.get(name)), None)
    if name is None:
        return None
    endpoint = environment[name]
    if not endpoint.startswith(("http://", "https://")):
        raise ConfigError(
            f"{name}={endpoint}: expected http:// or https:// in front, e.g. {name}=http://{endpoint}"
        )
    return endpoint.rstrip("/")


def check_answers(folder: RemoteFolder) -> None:
    """Raise `Unreachable` if nobody answers at the address of the server.

    TensorFlow's file system tries for seconds and then says that a file does not exist.
    """
    region = os.environ.get("AWS_REGION", REGION)
    address = urlsplit(find_endpoint(os.environ) or f"https://s3.{region}.amazonaws.com")
    host, scheme = address.hostname, address.scheme
    if scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host or ""):
        return  # another machine would answer for it
    port = address.port or {"http": 80, "https": 443}[scheme]
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise unreachable(folder, error.strerror or error) from None


class FsspecStore:
    """The files of a folder, through s3fs.

    Args:
        folder: `RemoteFolder`.
        endpoint: Address of the server, `None` for Amazon's.
    """

    reads_into_memory: Literal[False] = False

    def __init__(self, folder: RemoteFolder, endpoint: str | None) -> None:
        import s3fs

        self.folder = folder
        self.files = s3fs.S3FileSystem(
            endpoint_url=endpoint,
            use_listings_cache=False,  # others may write
            config_kwargs={
                "connect_timeout": CONNECT_SECONDS,
                "read_timeout": READ_SECONDS,
                "retries": {"max_attempts": RETRIES},
            },
        )
        self.files.retries = RETRIES

    def path(self, name: str = "") -> str:
        """Return where s3fs has a file."""
        return f"{self.folder.bucket}/{self.folder.key}/{name}"

    def names(self) -> dict[str, int]:
        """Return the sizes in bytes of all files by their names below the folder."""
        with explained_errors(self.folder):
            entries = self.files.find(self.path(), detail=True)
        start = len(self.path())
        return {path[start:]: entry["size"] for path, entry in entries.items() if path[start:]}

    def read(self, name: str) -> bytes:
        """Return the content of a small file."""
        with explained_errors(self.folder):
            return self.files.cat_file(self.path(name))

    def get(self, name: str, path: Path) -> None:
        """Copy a file to a path here."""
        with explained_errors(self.folder):
            self.files.get_file(self.path(name), str(path))

    def put(self, path: Path, name: str) -> None:
        """Copy a file from here; it appears when it is whole."""
        with explained_errors(self.folder):
            self.files.put_file(str(path), self.path(name))

    def remove(self, name: str) -> None:
        """Remove a file."""
        with explained_errors(self.folder):
            self.files.rm_file(self.path(name))


@contextmanager
def explained_errors(folder: RemoteFolder) -> Iterator[None]:
    """Turn what s3fs raises into one line."""
    import aiohttp
    from botocore.exceptions import BotoCoreError, NoCredentialsError

    try:
        yield
    except FileNotFoundError as error:
        raise not_found(folder, error) from None
    except (PermissionError, NoCredentialsError) as error:
        raise refused(folder, error) from None
    except (OSError, BotoCoreError, aiohttp.ClientError) as error:
        if getattr(error, "errno", None) == errno.ENOSPC:  # the disk here, not the server
            raise
        raise unreachable(folder, error) from None


def not_found(folder: RemoteFolder, reason: Exception | str) -> ConfigError:
    """Return the error that tells of a bucket or a file that does not exist."""
    return ConfigError(f"{folder}: {one_line(reason)}. Check the names of bucket and folder.")


def refused(folder: RemoteFolder, reason: Exception | str) -> ConfigError:
    """Return the error that tells of credentials."""
    return ConfigError(
        f"{folder}: access refused ({one_line(reason)}). Check AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) and what they may do with this bucket."
    )


def unreachable(folder: RemoteFolder, reason: Exception | str) -> Unreachable:
    """Return the error that tells of a server that does not answer."""
    server = find_endpoint(os.environ) or "Amazon S3 (AWS_ENDPOINT_URL is not set)"
    return Unreachable(
        f"{folder}: no answer from {server} ({one_line(reason)}). What is finished is kept: "
        "repeat the command when the server is back."
    )


def one_line(reason: Exception | str) -> str:
    """Return the text of an error in one line without its full stop."""
    return " ".join(str(reason).split())[:200].rstrip(". ") or type(reason).__name__
