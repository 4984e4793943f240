"""Is a structure what it is taken for? A look at it before anything is computed.

Each check costs a millisecond or so, needs no bonds and no calculator, and says in a sentence what
is odd. What is impossible is refused; what is odd may be meant.
"""

from types import MappingProxyType
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from keras_ruo2.structure.bounds import bound, bound_range
from keras_ruo2.structure.cells import SLAB_GAP, widest_stretch
from keras_ruo2.structure.checks import is_endless

MOST_LOOKED_AT = 300  # atoms whose neighbours are looked for
SMALLEST, LARGEST = bound_range("spacing")
UNITS = MappingProxyType({"nm": 0.1, "Bohr radii": 1 / 0.529177, "pm": 100.0})  # of an Å
USUAL = 0.93  # the ratio in RuO2
SMALLEST_VOLUME = 1e-6  # Å^3 of a cell, in whatever unit
ROOMY = 3.0  # Å^3 of the cell an atom, more than any crystal in nm has
FULL = bound("occupancy")
LONGEST = 40.0  # Å along x or y of cells that grids are made of


def spacing(atoms: Atoms) -> tuple[float, float]:
    """Return the median distance to the nearest neighbour over covalent radii, and in Å.

    Returns:
        `(ratio, distance)`, NaN for fewer than two atoms or without a cell. The nearest image
        counts; an atom's own images do not.
    """
    cell = atoms.cell.array
    if len(atoms) < 2 or is_endless(atoms) or abs(np.linalg.det(cell)) < SMALLEST_VOLUME:
        return np.nan, np.nan
    places = np.linalg.lstsq(cell.T, atoms.positions.T, rcond=None)[0].T
    looked_at = np.linspace(0, len(atoms) - 1, min(len(atoms), MOST_LOOKED_AT)).astype(int)
    apart = places[looked_at, None] - places[None]
    distances = np.linalg.norm((apart - np.round(apart)) @ cell, axis=2)
    distances[np.arange(len(looked_at)), looked_at] = np.inf
    radii = covalent_radii[atoms.numbers]
    nearest = distances.argmin(axis=1)
    shortest = distances[np.arange(len(looked_at)), nearest]
    ratios = shortest / (radii[looked_at] + radii[nearest])
    return float(np.median(ratios)), float(np.median(shortest))


def wrong_units(atoms: Atoms, largest: float = LARGEST) -> str:
    """Say in a sentence that distances are no Å, empty if they may be.

    Args:
        atoms: `ase.Atoms` with finite positions and a cell.
        largest: Ratio of distances to covalent radii above which they are too far apart.
    """
    ratio, distance = spacing(atoms)
    if not (ratio < SMALLEST or ratio > largest):
        return ""
    deviation, expected = np.log(max(ratio, 1e-9) / USUAL), np.log(list(UNITS.values()))
    nearest = int(np.argmin(np.abs(expected - deviation)))
    guess = "Expected Å."
    if ratio < SMALLEST and atoms.get_volume() > len(atoms) * ROOMY:
        guess = "Expected Å. Are its positions fractions of the cell?"
    elif abs(expected[nearest] - deviation) < 0.3:
        unit, size = list(UNITS.items())[nearest]
        guess = f"Are its lengths in {unit}? Give Å (times {1 / size:.3g})."
    return (
        f"nearest neighbours are {distance:.2g} Å apart (median), {ratio:.2g} of the sum of their "
        f"covalent radii. {guess}"
    )


def is_crowded(atoms: Atoms) -> bool:
    """Say whether distances are far below those of any solid, so that work on it would not end."""
    return spacing(atoms)[0] < SMALLEST


def partial_occupancies(atoms: Atoms) -> str:
    """Say in a sentence that sites are only partly occupied, as CIF files of averages have them."""
    shares = [
        share
        for site in dict_or_empty(atoms.info.get("occupancy")).values()
        for share in dict_or_empty(site).values()
    ]
    shares += np.ravel(atoms.arrays.get("occupancy", ())).tolist()
    shares = [share for share in shares if isinstance(share, int | float)]
    partial = [share for share in shares if 0 <= share < FULL]
    if not partial:
        return ""
    return (
        f"its sites are partly occupied ({min(partial):.2g} to {max(partial):.2g}), but would be "
        "taken as full. Give an ordered structure."
    )


def dict_or_empty(value: object) -> dict[Any, Any]:
    """Return a dict, empty for anything else."""
    return value if isinstance(value, dict) else {}


def sideways_vacuum(atoms: Atoms) -> str:
    """Say in a sentence that the vacuum lies along another vector than the third one."""
    gaps = [gap_across(atoms, axis) for axis in range(3)]
    if gaps[2] >= SLAB_GAP or max(gaps[:2]) < SLAB_GAP:
        return ""
    axis = int(np.argmax(gaps[:2]))
    order = {0: "[1, 2, 0]", 1: "[2, 0, 1]"}[axis]
    return (
        f"its vacuum of {gaps[axis]:.1f} Å lies across its {('first', 'second')[axis]} cell "
        f"vector. Expected it across the third one: take the vectors in the order {order}."
    )


def missing_vacuum_sentence(atoms: Atoms) -> str:
    """Say in a sentence that a structure is a crystal without surfaces."""
    widest = max(gap_across(atoms, axis) for axis in range(3))
    return "" if widest >= SLAB_GAP else f"no vacuum ({widest:.1f} Å at most): a crystal, no slab"


def long_cell(atoms: Atoms) -> str:
    """Say in a sentence that a cell is too long for grids to hold its atoms apart."""
    longest = atoms.cell.lengths()[:2].max()
    return "" if longest <= LONGEST else f"{longest:.1f} Å long along x or y in an orthogonal cell"


def gap_across(atoms: Atoms, axis: int) -> float:
    """Return the widest empty stretch between the planes of the other two cell vectors, Å."""
    others = np.delete(atoms.cell.array, axis, axis=0)
    height = atoms.get_volume() / np.linalg.norm(np.cross(*others))
    return float(height * widest_stretch(atoms.get_scaled_positions()[:, axis], 1)[0])
