"""Is a structure damaged? Numbers that no slab has, whatever it is made of."""

import math

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.bounds import bound
from keras_ruo2.structure.cells import energy_of
from keras_ruo2.structure.checks import check_cell

SHORTEST, LONGEST = 1.0, 200.0  # Å, of cell vectors
FEWEST = 2  # atoms
LEAST_VOLUME, MOST_VOLUME = 3.0, 20_000.0  # Å^3 of the cell for each atom; RuO2 has 10.4
CLOSEST = bound("contact")  # Å between two atoms
FARTHEST = 1e4  # Å from the origin
MOST_ENERGY = 1e6  # eV for each atom; all electrons of Ru have 1.2e5


def check_undamaged(atoms: Atoms) -> None:
    """Raise `ConfigError` if a structure cannot be one, with what is wrong in a sentence.

    Args:
        atoms: `ase.Atoms`, with or without an energy.
    """
    for find in (fault_of_atoms, fault_of_cell, fault_of_places, fault_of_energy):
        if fault := find(atoms):
            raise ConfigError(fault)


def check_energy(atoms: Atoms) -> None:
    """Raise `ConfigError` if the energy of a crystal or molecule cannot be one."""
    if fault := fault_of_energy(atoms):
        raise ConfigError(fault)


def fault_of_size(atoms: Atoms) -> str:
    """Say what is wrong with the atoms' number, coordinates or cell; empty if nothing is."""
    return fault_of_atoms(atoms) or fault_of_cell(atoms)


def fault_of_atoms(atoms: Atoms) -> str:
    """Say what is wrong with the number of atoms and their coordinates; empty if nothing is."""
    if len(atoms) < FEWEST:
        return f"it has {len(atoms)} atoms. Expected {FEWEST} or more."
    if not np.isfinite(atoms.positions).all():
        return "its positions are not finite."
    if (far := float(np.abs(atoms.positions).max())) > FARTHEST:
        return f"an atom is {far:.3g} Å from the origin. Expected {FARTHEST:g} at most."
    return ""


def fault_of_cell(atoms: Atoms) -> str:
    """Say what is wrong with the cell; empty if nothing is."""
    if not np.isfinite(atoms.cell.array).all():
        return "its cell is not finite."
    check_cell(atoms)
    lengths = atoms.cell.lengths()
    if lengths.min() < SHORTEST or lengths.max() > LONGEST:
        text = ", ".join(f"{length:.3g}" for length in lengths)
        return f"its cell vectors are {text} Å long. Expected {SHORTEST:g} to {LONGEST:g} each."
    volume = atoms.cell.volume / len(atoms)
    if not LEAST_VOLUME <= volume <= MOST_VOLUME:
        return (
            f"its cell has {volume:.3g} Å^3 for each atom. Expected {LEAST_VOLUME:g} to "
            f"{MOST_VOLUME:g}."
        )
    return ""


def fault_of_places(atoms: Atoms) -> str:
    """Say which atoms lie on top of each other; empty if none does."""
    first, second, distance = neighbor_list("ijd", atoms, CLOSEST)
    if not len(distance):
        return ""
    nearest = int(distance.argmin())
    pair = f"{first[nearest]} and {second[nearest]}"
    return (
        f"atoms {pair} are {distance[nearest]:.2g} Å apart. Expected {CLOSEST:g} or more between "
        "any two."
    )


def fault_of_energy(atoms: Atoms) -> str:
    """Say what is wrong with the energy; empty if nothing is, or if there is none."""
    energy = energy_of(atoms)
    if energy is None:
        return ""
    try:
        energy = float(energy)
    except (TypeError, ValueError):
        return f"its energy is {energy!r}. Expected a number, in eV."
    if not math.isfinite(energy) or abs(energy) > MOST_ENERGY * len(atoms):
        return (
            f"its energy is {energy:g} eV. Expected a finite number, at most {MOST_ENERGY:g} eV "
            "for each atom."
        )
    return ""
