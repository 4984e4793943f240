"""Structure files."""

import io

import ase.io
from ase.io.formats import open_with_compression

from keras_ruo2.errors import ConfigError
from keras_ruo2.paths import PACKED, structure_files, unpacked

TEXTS = (".extxyz", ".xyz")  # read as text, by their ending


def read_structures(path):
    """Read every structure of a file or of a set of files; see `iterate_structures`."""
    return list(iterate_structures(path))


def iterate_structures(path):
    """Read structures one after the other.

    Args:
        path: Any file that ASE reads, packed or not; or a folder or pattern of such files, which
            are read in the order of their names (see `keras_ruo2.paths.structure_files`).

    Yields:
        `ase.Atoms`.

    Raises:
        ConfigError: If ASE cannot read a file, or there is no structure.
    """
    found = False
    for file in structure_files("structures", path):
        try:
            for atoms in frames_of(file):
                found = True
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

    Packed extxyz is unpacked in memory first: ASE looks up places in the file as it goes, which
    took it 58 s in an .xz file of 1,000 slabs where this takes 3.
    """
    if file.suffix in PACKED and unpacked(file)[1] in TEXTS:
        with open_with_compression(file, "r") as packed:
            return ase.io.iread(io.StringIO(packed.read()), index=":", format="extxyz")
    return ase.io.iread(file, index=":")


def name_of(atoms, number):
    """Return the name that a structure came with, or its formula and number."""
    return str(atoms.info.get("name", f"{atoms.get_chemical_formula() or 'empty'}-{number}"))
