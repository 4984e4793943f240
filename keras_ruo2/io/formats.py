"""Which files of structures are read at all: nothing that runs, unpickles or swells."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase.io import ulm
from ase.io.formats import filetype, open_with_compression

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import PACKED, unpacked

# ASE's readers of these formats parse text or numbers and do nothing else.
ALLOWED = frozenset(
    """
    aims aims-output castep-cell castep-castep cfg cif cube db dftb espresso-in espresso-out extxyz
    gen gpaw-out gromacs json lammps-data lammps-dump-text proteindatabank res siesta-xv struct traj
    turbomole v-sim vasp vasp-out vasp-xdatcar vasp-xml xsd xsf xyz
    """.split()
)
PICKLES = (b"PickleTrajectory", b"\x80")
MUCH = 1_000_000_000  # bytes that a file may unpack to in any case
SWELLING = 200  # times its own size that a larger one may unpack to
BLOCK = 1 << 20


def format_of(file: Path) -> str:
    """Return ASE's name of a file's format.

    Raises:
        ConfigError: If it is a format that is not read, or the file cannot be what it says it is.
    """
    file = Path(file)
    if starts_with_pickle(file):
        raise ConfigError(
            f"{file} holds pickles, which run whatever their maker wished, and is not read. If you "
            "trust it, convert it: python -m ase.io.trajectory FILE, in a copy."
        )
    kind = filetype(str(file))
    if kind not in ALLOWED:
        raise ConfigError(
            f"{file} cannot be read by ASE here: {kind!r} is none of the formats that are read "
            "(extxyz, db, traj, POSCAR, CIF, outputs of DFT codes). If you trust the file, convert "
            "it to extxyz: ase convert FILE FILE.extxyz"
        )
    if file.suffix in PACKED:
        check_unpacked(file)
    elif kind == "traj":
        check_trajectory(file)
    return kind


def starts_with_pickle(file: Path) -> bool:
    """Say whether a file that is named a trajectory is one of the old kind, a pickle."""
    with open(file, "rb") as opened:
        return unpacked(file)[1] == ".traj" and opened.read(16).startswith(PICKLES)


def check_unpacked(file: Path) -> None:
    """Raise `ConfigError` if a packed file unpacks to absurdly much."""
    size, most = 0, max(MUCH, SWELLING * os.path.getsize(file))
    with open_with_compression(str(file), "rb") as opened:
        while block := opened.read(BLOCK):
            size += len(block)
            if size > most:
                raise ConfigError(f"{file} unpacks to more than {most:,} bytes, and is not read.")


def check_trajectory(file: Path) -> None:
    """Raise `ConfigError` if a trajectory announces more than the file holds."""
    size = os.path.getsize(file)
    with open(file, "rb") as opened:
        head = opened.read(48)
    if not head.startswith((b"- of Ulm", b"AFFormat")) or len(head) < 48:
        raise ConfigError(f"{file} is no trajectory of ASE, or damaged.")
    num_items, first = np.frombuffer(head[32:48], dtype="<i8").tolist()
    if not (0 <= num_items <= size and 0 <= first <= size and first + 8 * num_items <= size):
        raise ConfigError(f"{file} is damaged: it announces {num_items:,} structures.")
    with ulm.open(file) as items:
        for number in range(num_items):
            for part in parts_of(items[number]):
                if part.nbytes < 0 or part.offset < 0 or part.offset + part.nbytes > size:
                    raise ConfigError(
                        f"{file} is damaged: structure {number} announces {part.nbytes:,} bytes."
                    )


def parts_of(item: Any) -> Iterator[Any]:
    """Yield the arrays of a trajectory's structure, which are not read by that."""
    for value in vars(item)["_data"].values():
        if isinstance(value, ulm.NDArrayReader):
            yield value
        elif isinstance(value, ulm.Reader):
            yield from parts_of(value)
