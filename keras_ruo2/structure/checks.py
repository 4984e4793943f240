"""Can anything be done with these atoms at all?"""

import numpy as np
from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.species import SPECIES, Pair

ENDLESS = 1e100  # Å, whose cube is a number still


def check_species(atoms: Atoms, species: Pair = SPECIES) -> None:
    """Raise `ConfigError` if `atoms` is empty or holds an element outside `species`."""
    if not len(atoms):
        raise ConfigError("`atoms` is empty. Expected at least one atom.")
    symbols = set(atoms.get_chemical_symbols())
    foreign = sorted(symbols - set(species))
    if foreign:
        advice = "Drop this structure" + ", or give --species" * (len(symbols) <= 2)
        raise ConfigError(
            f"`atoms` ({atoms.get_chemical_formula()}) holds {', '.join(foreign)}, but the "
            f"channels are {', '.join(species)}. {advice}."
        )
    if not np.isfinite(atoms.positions).all():
        raise ConfigError(
            f"`atoms` ({atoms.get_chemical_formula()}) has positions that are not finite."
        )


def is_endless(atoms: Atoms) -> bool:
    """Say whether cell vectors are not finite or so long that LAPACK may not end with them."""
    return not np.abs(atoms.cell.array).max() < ENDLESS


def check_cell(atoms: Atoms) -> None:
    """Raise `ConfigError` unless `atoms` has three finite cell vectors that span a volume."""
    if is_endless(atoms):
        raise ConfigError(f"`atoms` ({atoms.get_chemical_formula()}) has a cell without end.")
    if not atoms.cell.rank == 3 or not atoms.cell.volume > 1e-6:
        raise ConfigError(
            f"`atoms` ({atoms.get_chemical_formula()}) has no three-dimensional cell. Set one "
            "with a vacuum, e.g. `atoms.center(vacuum=6, axis=2)`."
        )
