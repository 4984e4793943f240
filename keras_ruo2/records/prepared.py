"""Prepared structures of a build prove themselves: each carries the checksum of what it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import shown
from keras_ruo2.io.state import digest
from keras_ruo2.structure.cells import energy_of

SUM = "sha256"


def sealed(box: Atoms) -> Atoms:
    """Return a structure with its checksum in `info`."""
    box.info[SUM] = checksum_of(box)
    return box


def checksum_of(box: Atoms) -> str:
    """Return the SHA-256 of a structure's atoms, cell, energy and `info`, to the last bit."""
    hashed = hashlib.sha256()
    for values in (box.numbers, box.positions, box.cell.array, box.pbc.astype(int)):
        array = np.ascontiguousarray(values)
        hashed.update(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())
    info = {name: value for name, value in box.info.items() if name != SUM}
    energy = energy_of(box)
    hashed.update(repr(None if energy is None else float(energy)).encode())
    hashed.update(digest(json_info(info)).encode())
    return hashed.hexdigest()


def json_info(values: Mapping[str, object]) -> object:
    """Return what a trajectory keeps of `info`, as JSON can hold it."""
    if isinstance(values, dict):
        return {str(name): json_info(value) for name, value in values.items()}
    if isinstance(values, np.ndarray | list | tuple):
        return [json_info(value) for value in values]
    return values.item() if isinstance(values, np.generic) else values


def proven(box: Atoms, folder: Path) -> Atoms:
    """Return a prepared structure that was read, or raise `ConfigError` if it is another one.

    Args:
        box: `ase.Atoms`.
        folder: Folder of the build.
    """
    if box.info.get(SUM) != checksum_of(box):
        raise ConfigError(
            f"{shown(folder / 'structures.traj')} is damaged: a structure is not what its checksum "
            "says. Repeat the command, which builds anew."
        )
    return box
