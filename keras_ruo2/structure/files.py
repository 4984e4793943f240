"""Structure files."""

import ase.io

from keras_ruo2.errors import ConfigError


def read_structures(path):
    """Read every structure of a file.

    Args:
        path: Any file that ASE reads.

    Returns:
        List of `ase.Atoms`.

    Raises:
        ConfigError: If ASE cannot read the file, or it holds no structure.
    """
    try:
        frames = ase.io.read(path, index=":")
    except Exception as error:  # ASE's readers raise whatever their format makes them raise
        raise ConfigError(
            f"{path} cannot be read by ASE ({error!r}). Give extxyz, an ASE db, a trajectory, "
            "POSCAR, CIF or another format of ASE."
        ) from None
    if not frames:
        raise ConfigError(f"{path} holds no structure.")
    return frames


def name_of(atoms, number):
    """Return the name that a structure came with, or its formula and number."""
    return str(atoms.info.get("name", f"{atoms.get_chemical_formula() or 'empty'}-{number}"))
