"""Files that a command leaves for itself and reads again: written whole, and each proves itself.

A state file is JSON with a `seal`, the SHA-256 of everything else in it. Of a file that grows a
state file notes how much is finished, and its checksum. What is not what was written is refused by
name.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.paths import atomic_write, shown

VERSION = 1
SEAL = "seal"
MOST_BYTES = 1_000_000_000  # of a state file
BLOCK = 1 << 20


def atomic_write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that its name stands for all of the content or for what was there before.

    Args:
        path: The file.
        content: Bytes.
    """
    path = Path(path)
    with atomic_write(path, path.with_name(f"{path.name}.partial")) as partial:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder down to the disk, where its file system can do that."""
    try:
        number = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(number)
    except OSError:
        pass
    finally:
        os.close(number)


def write_state(path: Path, values: Mapping[str, Any]) -> None:
    """Write a dict, which JSON can hold, as a state file."""
    atomic_write_bytes(path, state_text(values).encode())


def state_text(values: Mapping[str, Any]) -> str:
    """Return the text of a state file."""
    plain = json.loads(json.dumps(values))
    sealed = {SEAL: {"version": VERSION, "sha256": digest(plain)}} | plain
    return json.dumps(sealed, indent=1) + "\n"


def digest(values: object) -> str:
    """Return the SHA-256 of values as JSON holds them, whatever their order and layout."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_state(
    path: Path, advice: str, unsealed: Callable[[dict[str, Any]], bool] | None = None
) -> dict[str, Any]:
    """Return what `write_state` wrote.

    Args:
        path: The file.
        advice: What to do about a damaged one: a sentence.
        unsealed: Function that says of a dict whether an earlier version may have written it,
            without a seal; such a file is read with a word that nothing vouches for it. `None`
            where there never were any.

    Raises:
        ConfigError: If it cannot be read, or is not what was written.
    """
    try:
        if os.path.getsize(path) > MOST_BYTES:
            raise ConfigError(f"{shown(path)} is damaged: it is far too large. {advice}")
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{shown(path)} cannot be read ({error.strerror or error}). {advice}"
        ) from None
    return parse_state(content, shown(path), advice, unsealed)


def parse_state(
    content: bytes,
    name: object,
    advice: str,
    unsealed: Callable[[dict[str, Any]], bool] | None = None,
) -> dict[str, Any]:
    """Return the values of a state file's bytes; see `read_state`. `name` is for messages."""
    values = parse_json(content, name, advice)
    seal = values.pop(SEAL, None)
    if seal is None:
        if unsealed is None or not unsealed(values):
            raise ConfigError(
                f"{name} cannot be read: it is damaged, or no such file (it has no seal). {advice}"
            )
        warn_unsealed(name)
        return values
    known = isinstance(seal, dict) and isinstance(seal.get("version"), int)
    if known and seal["version"] > VERSION:
        raise ConfigError(
            f"{name} is of a newer version of this package ({seal['version']}; this one reads "
            f"{VERSION}), or damaged. {advice}"
        )
    if not known or seal.get("sha256") != digest(values):
        raise ConfigError(
            f"{name} is damaged or was changed by hand: its content is not what its seal says. "
            f"{advice}"
        )
    return values


def parse_json(content: bytes, name: object, advice: str) -> dict[str, Any]:
    """Return the dict that bytes of JSON hold, or raise `ConfigError`."""
    try:
        values = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0] if content.strip() else "it is empty"
        raise ConfigError(f"{name} is damaged and cannot be read ({reason}). {advice}") from None
    if not isinstance(values, dict):
        raise ConfigError(
            f"{name} cannot be read: it holds {type(values).__name__}, expected names and values. "
            f"{advice}"
        )
    return values


SAID: set[str] = set()


def say_once(text: str) -> None:
    """Print a line on standard error, the first time that a process has it to say."""
    if text not in SAID:
        SAID.add(text)
        messages.warning(text)


def warn_unsealed(name: object) -> None:
    """Say once that a file has no seal."""
    say_once(f"Note: {name} has no seal (an earlier version wrote it): damage may go unseen.")


class Grown:
    """A file that is only appended to, and the checksum of what is finished of it.

    Args:
        path: The file; it appears with the first piece.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.size, self.sum = 0, hashlib.sha256()

    def take_up(self, size: int, sha256: str | None, advice: str) -> None:
        """Go on with a file of which `size` bytes are finished; what lies beyond is dropped.

        Args:
            size: Bytes.
            sha256: Their checksum, `None` where an earlier version wrote none.
            advice: What to do about a damaged file: a sentence.

        Raises:
            ConfigError: If the file is shorter, or something else.
        """
        self.size, self.sum = size, prove(self.path, size, sha256, advice)
        if self.path.exists() and self.path.stat().st_size > size:
            self.restore()

    def append(self, content: bytes) -> None:
        """Append bytes, down to the disk; if that fails the file is as it was before."""
        try:
            with open(self.path, "ab") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.restore()
            raise
        self.size += len(content)
        self.sum.update(content)

    def restore(self) -> None:
        """Drop what was not appended whole; a file with nothing in it goes."""
        if self.path.exists():
            os.truncate(self.path, self.size)
            if not self.size:
                self.path.unlink()

    def note(self) -> dict[str, int | str]:
        """Return what `take_up` needs to know."""
        return {"size": self.size, "sha256": self.sum.hexdigest()}


def prove(path: Path, size: int, sha256: str | None, advice: str) -> hashlib._Hash:
    """Return the running SHA-256 of the first `size` bytes of a file.

    Args:
        path: The file; none at all has no bytes.
        size: Bytes that were written.
        sha256: Their checksum, or `None`.
        advice: What to do about a damaged file: a sentence.

    Raises:
        ConfigError: If the file is shorter, or something else.
    """
    there = path.stat().st_size if path.exists() else 0
    if there < size:
        raise ConfigError(
            f"{shown(path)} has {there} bytes, {size} were written: it was cut off by something "
            f"else. {advice}"
        )
    digest = sum_of(path, size) if size else hashlib.sha256()
    if sha256 is not None and digest.hexdigest() != sha256:
        raise ConfigError(
            f"{shown(path)} is damaged or was changed by hand: its content is not what was "
            f"written. {advice}"
        )
    return digest


def sum_of(path: Path, size: int) -> hashlib._Hash:
    """Return the running SHA-256 of the first bytes of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while size > 0 and (block := file.read(min(BLOCK, size))):
            digest.update(block)
            size -= len(block)
    return digest
