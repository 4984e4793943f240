"""Structure files."""

import math

import ase.db
import ase.io
from ase.io.formats import open_with_compression

from keras_ruo2.errors import ConfigError
from keras_ruo2.paths import name_in, structure_files, unpacked
from keras_ruo2.structure.extxyz import parse

TEXTS = (".extxyz", ".xyz")  # read as text, by their ending
VECTOR = b"VEC"  # begins lines of a cell, after the atoms of an old kind of xyz


def read_structures(path):
    """Read every structure of a file or of a set of files; see `iterate_structures`."""
    return list(iterate_structures(path))


def iterate_structures(path):
    """Read structures one after the other.

    Args:
        path: Any file that ASE reads, packed or not; or a folder or pattern of such files, which
            are read in the order of their names (see `keras_ruo2.paths.structure_files`). Of
            several files structures without a name are named after their file.

    Yields:
        `ase.Atoms`.

    Raises:
        ConfigError: If ASE cannot read a file, or there is no structure.
    """
    found, files = False, structure_files("structures", path)
    for file in files:
        try:
            for number, atoms in enumerate(frames_of(file)):
                found = True
                if len(files) > 1:
                    atoms.info.setdefault("name", f"{name_in(file, files)}-{number}")
                yield atoms
        except Exception as error:  # ASE's readers raise whatever their format makes them raise
            raise ConfigError(
                f"{file} cannot be read by ASE ({error!r}). Give extxyz, an ASE db, a trajectory, "
                "POSCAR, CIF or another format of ASE."
            ) from None
    if not found:
        raise ConfigError(f"{path} holds no structure.")


def frames_of(file):
    """Return an iterator over the structures of one file.

    extxyz, packed or not, is parsed frame by frame: ASE looks up places in the file as it goes,
    which took it 58 s in an .xz file of 1,000 slabs where this takes 3, and takes keys without a
    value for others.
    """
    if unpacked(file)[1] in TEXTS:
        return (parse(text) for text in texts_of(file))
    if file.suffix == ".db":
        return rows_of(file)
    return ase.io.iread(file, index=":")


def texts_of(file, size=math.inf):
    """Yield the text of each frame of an extxyz file, packed or not.

    Args:
        file: Path.
        size: Bytes after which no frame begins that is read.

    Raises:
        ValueError: If something else than a frame stands where one should begin.
    """
    with open_with_compression(file, "rb") as lines:
        first = lines.readline()
        while size > 0 and first.strip():
            block = [first, lines.readline(), *(lines.readline() for _ in range(int(first)))]
            while (first := lines.readline()).lstrip().startswith(VECTOR):
                block.append(first)
            size -= sum(map(len, block))
            yield b"".join(block).decode()
        if size > 0 and any(line.strip() for line in lines):
            raise ValueError("an empty line where a structure should begin")


def rows_of(file):
    """Yield the structures of an ASE database, the values that were stored with each in `info`."""
    for row in ase.db.connect(file).select():
        atoms = row.toatoms()
        atoms.info |= row.key_value_pairs
        yield atoms


def name_of(atoms, number):
    """Return the name that a structure came with, or its formula and number."""
    return str(atoms.info.get("name", f"{atoms.get_chemical_formula() or 'empty'}-{number}"))
