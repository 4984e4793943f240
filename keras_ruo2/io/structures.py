"""Structure files."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import ase.db
import ase.io
from ase import Atoms
from ase.io.formats import open_with_compression

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.database import atoms_of
from keras_ruo2.io.extxyz import parse_structure
from keras_ruo2.io.formats import MUCH, SWELLING, format_of
from keras_ruo2.io.paths import PACKED, name_in, structure_files, unpacked

LONGEST_LINE = 1_000_000  # bytes
LONGEST_COUNT = 18  # digits of a number of atoms
MOST_ATOMS = 1_000_000
TEXTS = (".extxyz", ".xyz")  # read as text, by their ending
VECTOR = b"VEC"  # begins lines of a cell, after the atoms of an old kind of xyz


def read_structures(path: str | Path) -> list[Atoms]:
    """Read every structure of a file or of a set of files; see `iterate_structures`."""
    return list(iterate_structures(path))


def iterate_structures(path: str | Path) -> Iterator[Atoms]:
    """Read structures one after the other.

    Args:
        path: Any file that ASE reads, packed or not; or a folder or pattern of such files, which
            are read in the order of their names (see `keras_ruo2.io.paths.structure_files`). Of
            several files structures without a name are named after their file.

    Yields:
        `ase.Atoms`.

    Raises:
        ConfigError: If ASE cannot read a file, or there is no structure.
    """
    any_read, files = False, structure_files("structures", path)
    for file in files:
        try:
            for number, atoms in enumerate(iterate_file(file)):
                any_read = True
                if len(files) > 1:
                    atoms.info.setdefault("name", f"{name_in(file, files)}-{number}")
                yield atoms
        except ConfigError:
            raise
        except Exception as error:  # ASE's readers raise whatever their format makes them raise
            raise ConfigError(
                f"{file} cannot be read by ASE ({error!r}). Give extxyz, an ASE db, a trajectory, "
                "POSCAR, CIF or another format of ASE."
            ) from None
    if not any_read:
        raise ConfigError(
            f"{path} holds no structure. Expected at least one; look into it: ase gui FILE"
        )


def iterate_file(file: Path) -> Iterator[Atoms]:
    """Return an iterator over the structures of one file.

    Extxyz is parsed frame by frame, unpacked as it is read: ASE looks up places in the file as it
    goes, which took it 58 s in an .xz file of 1,000 slabs where this takes 3, and takes keys
    without a value for others.

    Raises:
        ConfigError: If its format is not read, see `formats`.
    """
    if unpacked(file)[1] in TEXTS:
        return (parse_structure(text) for text in texts_of(file))
    kind = format_of(file)
    if file.suffix == ".db":
        return database_structures(file)
    if kind in ("extxyz", "xyz"):
        return (parse_structure(text) for text in texts_of(file))
    return read_as(file, kind)


def read_as(file: Path, kind: str) -> Iterator[Atoms]:
    """Yield the structures of a file by ASE's reader of a format; its name is taken as it is."""
    with warnings.catch_warnings():  # ASE's, about what a file says and it does not use
        warnings.simplefilter("ignore")
        yield from ase.io.iread(
            str(Path(file).absolute()), index=":", format=kind, do_not_split_by_at_sign=True
        )


def texts_of(file: Path, size: float = math.inf) -> Iterator[str]:
    """Yield the text of each frame of an extxyz file, packed or not.

    Args:
        file: Path.
        size: Bytes after which no frame begins that is read.

    Raises:
        ValueError: If something else than a frame stands where one should begin, it ends before
            its last atom, or swells when it is unpacked.
    """
    most = max(MUCH, SWELLING * file.stat().st_size) if file.suffix in PACKED else math.inf
    with open_with_compression(str(file), "rb") as lines:
        first = next_line(lines)
        while size > 0 and first.strip():
            count = count_in(first)
            block = [first, next_line(lines), *itertools.islice(remaining_lines(lines), count)]
            if len(block) < count + 2:
                raise ValueError(f"{count:,} atoms are announced, {len(block) - 2:,} follow")
            while (first := next_line(lines)).lstrip().startswith(VECTOR):
                block.append(first)
            length = sum(map(len, block))
            size, most = size - length, most - length
            if most < 0:
                raise ValueError(f"it unpacks to more than {SWELLING} times its size")
            yield b"".join(block).decode()
        if size > 0 and any(line.strip() for line in remaining_lines(lines)):
            raise ValueError("an empty line where a structure should begin")


def count_in(line: bytes) -> int:
    """Return the number of atoms that a frame's first line says."""
    if not line.strip().isdigit() or len(line.strip()) > LONGEST_COUNT:
        raise ValueError(f"{line.strip()[:40]!r} where a number of atoms should stand")
    if int(line) > MOST_ATOMS:
        raise ValueError(f"{int(line):,} atoms are announced, more than {MOST_ATOMS:,}")
    return int(line)


def next_line(lines: IO[bytes]) -> bytes:
    """Return the next line of an open file; one that does not end is an error."""
    line = lines.readline(LONGEST_LINE)
    if len(line) == LONGEST_LINE:
        raise ValueError(f"a line of more than {LONGEST_LINE:,} bytes")
    return line


def remaining_lines(lines: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines that are left of an open file."""
    while line := next_line(lines):
        yield line


def database_structures(file: Path) -> Iterator[Atoms]:
    """Yield the structures of an ASE database, the values that were stored with each in `info`."""
    for row in ase.db.connect(file).select():
        yield atoms_of(row)


def name_of(atoms: Atoms, number: int) -> str:
    """Return the name that a structure came with, or its formula and number."""
    return str(atoms.info.get("name", f"{atoms.get_chemical_formula() or 'empty'}-{number}"))
