"""Is a structure damaged? Numbers that no slab has, whatever it is made of."""

import math

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.bounds import bound, bound_range
from keras_ruo2.structure.cells import energy_of
from keras_ruo2.structure.checks import check_cell, is_endless

FEWEST = bound("atoms")
SHORTEST, LONGEST = bound_range("vector")
FLATTEST = bound("thickness")
LEAST_VOLUME, MOST_VOLUME = bound_range("volume_of_an_atom")
CLOSEST, FARTHEST = bound("contact"), bound("from_origin")
MOST_ENERGY = bound("energy_of_an_atom")
FEW = 400  # atoms up to which all pairs are looked at rather than neighbours searched


def fault_of_numbers(atoms: Atoms) -> str:
    """Say whether a length, a position or the energy is of a size that no slab has, and which."""
    return fault_of_size(atoms) or fault_of_energy(atoms)


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


def fault_of_vectors(atoms: Atoms) -> str:
    """Say that the cell vectors span no volume; empty if they do."""
    try:
        check_cell(atoms)
    except ConfigError as error:
        return str(error)
    return ""


def fault_of_cell(atoms: Atoms) -> str:
    """Say what is wrong with the cell; empty if nothing is."""
    if is_endless(atoms):
        return "its cell is not finite."
    if fault := fault_of_vectors(atoms):
        return fault
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
    apart = 1 / np.linalg.norm(atoms.cell.reciprocal(), axis=1)
    if apart.min() < FLATTEST:
        return (
            f"its cell is almost flat, {apart.min():.2g} Å thick. Expected {FLATTEST:g} or more: "
            "take a reduced cell, e.g. ase.build.niggli_reduce."
        )
    return ""


def fault_of_places(atoms: Atoms) -> str:
    """Say whether atoms lie on top of each other; empty if none does."""
    if not may_touch(atoms):
        return ""
    first, second, distance = neighbor_list("ijd", atoms, CLOSEST)
    if not len(distance):
        return ""
    nearest = int(distance.argmin())
    pair = f"{first[nearest]} and {second[nearest]}"
    return (
        f"atoms {pair} are {distance[nearest]:.2g} Å apart. Expected {CLOSEST:g} or more between "
        "any two."
    )


def may_touch(atoms: Atoms) -> bool:
    """Say whether two atoms may be closer than `CLOSEST`, without a search for neighbours.

    No image of an atom is nearer than its distance across any of the three families of cell planes.
    """
    if len(atoms) > FEW or not (atoms.cell.rank == 3 and np.isfinite(atoms.positions).all()):
        return True
    spacings = 1 / np.linalg.norm(atoms.cell.reciprocal(), axis=1)
    if spacings.min() <= CLOSEST:  # an atom may touch its own image
        return True
    places = np.linalg.solve(atoms.cell.array.T, atoms.positions.T)
    apart = places[:, :, None] - places[:, None]
    across = np.abs(apart - np.rint(apart)) * spacings[:, None, None]
    return bool((across < CLOSEST * 1.001).all(axis=0).sum() > len(atoms))


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
