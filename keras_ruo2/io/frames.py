"""A file of structures that grows one by one and survives being cut off anywhere.

A file beside it has a line for each structure: where it ends, and the checksum of its text.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import ase.io
from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.io import database, messages
from keras_ruo2.io.extxyz import extxyz_text, restored, restored_frame
from keras_ruo2.io.paths import shown
from keras_ruo2.io.state import atomic_write_bytes, warn_unsealed

COUNT = re.compile(rb"[0-9]{1,9}")
ROW = re.compile(rb"[0-9]{1,18} [0-9a-f]{64}")


def seals_of(path: Path) -> Path:
    """Return the path of the checksums of a file's structures."""
    return path.with_name(f"{path.name}.seals")


def append_frame(path: Path, atoms: Atoms) -> None:
    """Append a structure to an extxyz file, in one piece and down to the disk."""
    content = extxyz_text([atoms]).encode()
    size = path.stat().st_size if path.exists() else 0
    every = read_seals(path)
    kept = [row for row in every if row.end <= size]
    if len(kept) < len(every):
        write_seals(path, kept)
    if not size:
        append(seals_of(path), b"")  # first, since a structure without the file would be refused
    append(path, content)
    append(seals_of(path), line(Seal(size + len(content), seal(content, len(kept)))))


def append(path: Path, content: bytes) -> None:
    """Append bytes to a file, down to the disk."""
    with open(path, "ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def seal(content: bytes, number: int) -> str:
    """Return the checksum of a structure's text and of its number in the file."""
    return hashlib.sha256(f"{number}\n".encode() + content).hexdigest()


class Seal(NamedTuple):
    """Where a structure ends in its file, and its checksum."""

    end: int
    sha256: str


def line(row: Seal) -> bytes:
    """Return the line of a `Seal`."""
    return f"{row.end} {row.sha256}\n".encode()


def read_seals(path: Path) -> list[Seal]:
    """Return the `Seal` of each structure, without one that was cut off.

    Raises:
        ConfigError: If one is damaged.
    """
    seals = seals_of(path)
    if not seals.exists():
        return []
    content = seals.read_bytes()
    rows = content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
    if not all(map(ROW.fullmatch, rows)):
        raise damaged_file(seals, "it does not hold checksums")
    return [Seal(int(end), sha256.decode()) for end, sha256 in map(bytes.split, rows)]


def write_seals(path: Path, rows: Iterable[Seal]) -> None:
    """Replace the seals of a file."""
    atomic_write_bytes(seals_of(path), b"".join(map(line, rows)))


def whole_frames(path: Path, needs_seals: bool = False) -> list[Atoms]:
    """Return the structures of a file that `append_frame` wrote, without one that was cut off.

    The file is left with the whole ones only, so that appending may go on.

    Args:
        path: An extxyz file; none at all is a file without structures.
        needs_seals: Whether it must have its seals. Otherwise a file without them is taken for an
            earlier version's, and gets them.

    Returns:
        List of `ase.Atoms`.

    Raises:
        ConfigError: If a structure is not what was written.
    """
    if not path.exists():
        seals_of(path).unlink(missing_ok=True)
        return []
    content = path.read_bytes()
    if not seals_of(path).exists():
        if needs_seals and content:
            raise damaged_file(path, f"{seals_of(path).name} is missing")
        write_seals(path, found_rows(path, content))
    start, texts = 0, []
    for row in read_seals(path):
        if row.end > len(content):
            break
        texts.append(content[start : row.end])
        if seal(texts[-1], len(texts) - 1) != row.sha256:
            known = f"its checksum in {seals_of(path).name}"
            raise damaged_file(path, f"structure {len(texts) - 1} is not what {known} says")
        start = row.end
    if start < len(content):
        dropped = f"{shown(path)}: dropping an unfinished structure"
        messages.warning(f"{dropped}, not in {seals_of(path).name}.")
        atomic_write_bytes(path, content[:start])
    return [parse_frame(text.decode(), path, number) for number, text in enumerate(texts)]


def found_rows(path: Path, content: bytes) -> list[Seal]:
    """Return what the seals of an earlier version's file would be."""
    rows: list[Seal] = []
    lines, place, end = content.splitlines(keepends=True), 0, 0
    while place < len(lines):
        count = lines[place].strip()
        following = place + 2 + int(count) if COUNT.fullmatch(count) else len(lines) + 1
        if following > len(lines) or not lines[following - 1].endswith(b"\n"):
            break
        text = b"".join(lines[place:following])
        end += len(text)
        rows.append(Seal(end, seal(text, len(rows))))
        place = following
    if content:
        warn_unsealed(shown(path))
    return rows


def parse_frame(text: str, path: Path, number: int) -> Atoms:
    """Return the structure of a text, or raise `ConfigError`."""
    try:
        return restored_frame(text)
    except Exception as error:  # ASE raises whatever damage makes it raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise damaged_file(path, f"structure {number} cannot be read ({reason})") from None


def read_frames(path: Path) -> list[Atoms]:
    """Return the structures of an extxyz file that was written here."""
    text = path.read_text(encoding="utf-8")
    return [restored(atoms) for atoms in ase.io.read(io.StringIO(text), ":", format="extxyz")]


def damaged_file(path: Path, reason: str) -> ConfigError:
    """Return the error about a file that is not what was written."""
    return ConfigError(
        f"{shown(path)} is damaged or was changed by hand: {reason}. Restore it, or delete it to "
        "begin anew."
    )


def remove_frames(path: Path) -> None:
    """Remove a file of structures and its seals, the seals last."""
    Path(path).unlink(missing_ok=True)
    seals_of(Path(path)).unlink(missing_ok=True)


def write_frames(path: Path, frames: Iterable[Atoms]) -> None:
    """Write an extxyz file, or an ASE database by its ending, whole or not at all."""
    if Path(path).suffix == database.ENDING:
        return database.write_database(path, frames)
    atomic_write_bytes(path, extxyz_text(frames).encode())


def write_or_empty(path: Path, frames: Sequence[Atoms]) -> None:
    """Write an extxyz file, an empty one where there is no structure."""
    if frames:
        write_frames(path, frames)
    else:
        path.write_text("")
