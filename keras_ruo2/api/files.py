"""Structures from files and into them, from pymatgen and to it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union

from ase import Atoms

if TYPE_CHECKING:
    import pymatgen.core

Structure: TypeAlias = Union[Atoms, "pymatgen.core.IStructure"]  # a Slab is one as well


def read(path: str | Path) -> list[Atoms]:
    """Read every structure of a file, or of a folder or pattern of files.

    Args:
        path: extxyz, ASE db, trajectory, POSCAR, CIF or outputs of DFT codes, packed or not.

    Returns:
        List of `ase.Atoms`, in the order of the files' names.

    Raises:
        ConfigError: If there is no such file, no structure in it, or its format is not read.

    Examples:
        >>> import keras_ruo2 as kr
        >>> from keras_ruo2.io.paths import BUNDLED_STRUCTURES
        >>> len(kr.read(BUNDLED_STRUCTURES))
        148
    """
    from keras_ruo2.io.structures import read_structures

    return read_structures(path)


def write(path: str | Path, structures: Iterable[Structure]) -> None:
    """Write structures as extxyz that loses nothing of their `info` and arrays.

    Args:
        path: A file that ends in .extxyz; it is replaced once the new one is whole.
        structures: `ase.Atoms`, or pymatgen's structures.
    """
    from keras_ruo2.io.frames import write_frames

    write_frames(Path(path), all_atoms(structures))


def all_atoms(structures: Iterable[Structure]) -> list[Atoms]:
    """Return structures of ASE and pymatgen as `ase.Atoms`."""
    from keras_ruo2.interop import as_atoms

    return [as_atoms(structure) for structure in structures]


def to_pymatgen(
    structures: Iterable[Atoms], *, slabs: bool = False
) -> list[pymatgen.core.IStructure]:
    """Return structures as pymatgen holds them; functions of this package take them as well.

    Args:
        structures: `ase.Atoms`; `info` and the energy become `properties`.
        slabs: Return `Slab`, whose Miller index is the facet in `info`, instead of `Structure`.

    Raises:
        ConfigError: If pymatgen is not installed (extra `screen`), or a slab's facet is not known.
    """
    from keras_ruo2 import interop

    convert = interop.to_pymatgen_slab if slabs else interop.to_pymatgen
    return [convert(atoms) for atoms in structures]
