"""A file of structures that grows one by one and survives being cut off anywhere."""

import io
import os
import sys

import ase.io

from keras_ruo2.paths import shown
from keras_ruo2.structure.extxyz import extxyz, restored


def append_frame(path, atoms):
    """Append a structure to an extxyz file, in one piece and down to the disk."""
    with open(path, "ab") as file:
        file.write(extxyz([atoms]).encode())
        file.flush()
        os.fsync(file.fileno())


def whole_frames(path):
    """Return the structures of a file that `append_frame` wrote, without one that was cut off.

    The file is left with the whole ones only, so that appending may go on.

    Args:
        path: An extxyz file; none at all is a file without structures.

    Returns:
        List of `ase.Atoms`.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    end = 0
    while end < len(lines):
        count = lines[end].strip()
        following = end + 2 + int(count) if count.isdigit() else len(lines) + 1
        if following > len(lines) or not lines[following - 1].endswith("\n"):
            break
        end = following
    if end < len(lines):
        print(f"{shown(path)}: dropping an unfinished structure.", file=sys.stderr)
        partial = path.with_name(f".{path.name}.whole")
        partial.write_text("".join(lines[:end]), encoding="utf-8")
        os.replace(partial, path)
    return read_frames(path) if end else []


def read_frames(path):
    """Return the structures of an extxyz file that was written here."""
    text = path.read_text(encoding="utf-8")
    return [restored(atoms) for atoms in ase.io.read(io.StringIO(text), ":", format="extxyz")]


def write_frames(path, frames):
    """Write an extxyz file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(extxyz(frames), encoding="utf-8")
    os.replace(partial, path)
