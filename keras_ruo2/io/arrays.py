"""Arrays in .npz files: plain numbers or text, and no more than a file of that size may hold."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import IO

import numpy as np

MUCH = 1_000_000_000  # bytes that a file may unpack to in any case
SWELLING = 100  # times its own size that a larger one may unpack to
MOST_ARRAYS = 100


def read_arrays(path: Path, names: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Return the arrays of a .npz file, those of `names` if any are given, by their names.

    Args:
        path: The file.
        names: Names of the arrays that are wanted.

    Raises:
        ValueError: If it is no such file, holds pickles, or announces more than it may hold; with
            the reason, in one line.
        OSError: If it cannot be opened.
    """
    with open(path, "rb"):  # what is no file or cannot be opened is said so
        pass
    try:
        with zipfile.ZipFile(path) as archive:
            check_sizes(archive, os.path.getsize(path))
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files if not names or name in names}
    except Swollen:
        raise
    except Exception as error:  # damage makes zipfile, zlib and NumPy raise whatever they like
        reason = str(error)
        what = "it holds pickles" if "allow_pickle" in reason else "it is no .npz of arrays"
        raise ValueError(what) from None


class Swollen(ValueError):
    """A file that announces more than it may hold."""


def check_sizes(archive: zipfile.ZipFile, size: int) -> None:
    """Raise `Swollen` unless what an archive of `size` bytes announces may be in it."""
    members = archive.infolist()
    if len(members) > MOST_ARRAYS:
        raise Swollen(f"it holds {len(members):,} files, expected at most {MOST_ARRAYS}")
    total = 0
    for member in members:
        with archive.open(member) as file:
            shape, dtype = header_of(file)
        if not dtype.hasobject:
            total += max(member.file_size, num_bytes(shape, dtype))
    if total > max(MUCH, SWELLING * size):
        raise Swollen(f"its arrays would take {total:,} bytes, too many for a file of {size:,}")


def num_bytes(shape: Iterable[int], dtype: np.dtype) -> int:
    """Return the bytes that an array takes; integers do not overflow."""
    total = dtype.itemsize
    for length in shape:
        total *= int(length)
    return total


def header_of(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Return the shape and dtype that the header of a .npy file announces."""
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    read = readers.get((version[0], version[1]))
    if read is None:
        raise ValueError(f"version {version}")
    shape, _, dtype = read(file)
    return shape, dtype
