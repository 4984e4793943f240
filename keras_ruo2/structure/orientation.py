"""Which facet of rutile a slab shows, read off the Ru atoms inside it."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from keras_ruo2.structure.bonds import is_metal, pair_of, unlike_neighbours
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.faces import heights, normal_of
from keras_ruo2.structure.slabs import TERMINATIONS

FACETS = tuple(sorted({row.facet for row in TERMINATIONS.values()}))
UNKNOWN = "unknown"
NUM_NEIGHBOURS = 10  # Ru around a Ru of rutile: 2 at 3.11 and 8 at 3.54 Å, the next ones at 4.49
FARTHEST = 4.4  # Å, of the tenth neighbour of a Ru inside
FEWEST_OXYGENS = 5  # around a Ru inside: an octahedron, one corner of which may be far off
LARGEST_DEVIATION = 0.6  # Å; the closest two facets, (001) and (111), are 0.47 apart
AGREEING = 0.5  # share of the Ru atoms with a facet that must see the same one
FEWEST_NEIGHBOURS = 7  # Ru around a Ru in a slab too thin for ten: 8 in three layers of (001)
LARGEST_THIN = 0.55  # Å, as above for such a Ru; unrelaxed samples are 0.5 off
BEYOND = 0.5  # Å above the uppermost Ru where a neighbour would be that the slab is too thin for


def facet_of(atoms: Atoms) -> str:
    """Name the low-index facet of rutile that a slab is cut along.

    A Ru inside rutile has ten Ru neighbours. How far each of them lies above or below it tells the
    facets apart, wherever the slab is in its cell, however it is turned in the plane and whichever
    side is up. In a slab too thin to have any such Ru, those count whose missing neighbours would
    lie beyond its faces.

    Args:
        atoms: `ase.Atoms`, a slab across its third cell vector, periodic.

    Returns:
        `"(110)"` and so on, or `"unknown"` where no facet of `FACETS` fits.
    """
    around = inner_neighbours(atoms)
    if len(around):
        profiles = np.sort(around @ normal_of(atoms), axis=1)
        ideal = np.array(list(facet_profiles().values()))
        deviation = np.sqrt(((profiles[:, None] - ideal[None]) ** 2).mean(axis=2))
        largest = LARGEST_DEVIATION
    else:
        deviation, largest = thin_deviations(atoms), LARGEST_THIN
    nearest = deviation.argmin(axis=1)
    fits = deviation.min(axis=1) < largest
    votes = np.bincount(nearest[fits], minlength=len(FACETS))
    if votes.max() <= AGREEING * votes.sum():
        return UNKNOWN
    return list(facet_profiles())[int(votes.argmax())]


def thin_deviations(atoms: Atoms) -> np.ndarray:
    """Return how far Ru with fewer than ten Ru neighbours are from each facet, `(n, facets)`, Å.

    A facet is infinitely far from a Ru whose neighbours are not as many as the facet has between
    the slab's lowest and highest Ru.
    """
    metal = pair_of(atoms)[0]
    first, vectors = neighbor_list("iD", atoms, {(metal, metal): FARTHEST})
    whole = is_metal(atoms) & (unlike_neighbours(atoms) >= FEWEST_OXYGENS)
    if not whole.any():
        return np.empty((0, len(FACETS)))
    along, _ = heights(atoms)
    planes = along[is_metal(atoms)]
    bottom, top = planes.min() - BEYOND, planes.max() + BEYOND
    deviations = []
    for index in np.flatnonzero(whole):
        profile = np.sort(vectors[first == index] @ normal_of(atoms))
        if len(profile) < FEWEST_NEIGHBOURS:
            continue
        row = []
        for ideal in facet_profiles().values():
            places = along[index] + ideal
            inside = ideal[(places > bottom) & (places < top)]
            alike = len(inside) == len(profile)
            row.append(np.sqrt(((profile - inside) ** 2).mean()) if alike else np.inf)
        deviations.append(row)
    return np.reshape(deviations, (-1, len(FACETS)))


def inner_neighbours(atoms: Atoms) -> np.ndarray:
    """Return the vectors from each Ru inside to its nearest Ru, shape `(n, 10, 3)`, Å.

    Inside are the Ru with an octahedron of O and ten Ru neighbours closer than `FARTHEST`. The
    nearest come first.
    """
    metal = pair_of(atoms)[0]
    first, vectors = neighbor_list("iD", atoms, {(metal, metal): FARTHEST})
    whole = is_metal(atoms) & (unlike_neighbours(atoms) >= FEWEST_OXYGENS)
    inside = whole & (np.bincount(first, minlength=len(atoms)) >= NUM_NEIGHBOURS)
    neighbours = [nearest_of(vectors[first == index]) for index in np.flatnonzero(inside)]
    return np.reshape(neighbours, (-1, NUM_NEIGHBOURS, 3))


def nearest_of(vectors: np.ndarray) -> np.ndarray:
    """Return the ten shortest of `vectors`, ascending."""
    return vectors[np.argsort(np.linalg.norm(vectors, axis=1))[:NUM_NEIGHBOURS]]


def facet_profiles() -> dict[str, np.ndarray]:
    """Return the sorted heights of the Ru neighbours in the crystal, by facet, Å."""
    return {"({}{}{})".format(*facet): profile_of(facet) for facet in FACETS}


@cache
def profile_of(indices: tuple[int, ...]) -> np.ndarray:
    """Return the sorted heights of a Ru's ten Ru neighbours over a plane of the crystal, Å."""
    bulk = rutile_ruo2()
    first, vectors = neighbor_list("iD", bulk, {("Ru", "Ru"): FARTHEST})
    around = vectors[first == np.flatnonzero(is_metal(bulk))[0]]
    normal = np.array(indices) @ np.linalg.inv(bulk.cell.array).T
    return np.sort(around @ (normal / np.linalg.norm(normal)))


def deviation_from(indices: Sequence[int], atoms: Atoms) -> float:
    """Return how far the Ru inside a slab are from those of a facet, Å, NaN without an inside."""
    around = inner_neighbours(atoms)
    if not len(around):
        return np.nan
    profiles = np.sort(around @ normal_of(atoms), axis=1)
    return float(np.sqrt(((profiles - profile_of(tuple(indices))) ** 2).mean(axis=1)).mean())


def lattice_of(atoms: Atoms) -> tuple[float, float] | None:
    """Return the mean lattice constants `(a, c)` inside a slab, Å, `None` if it has no inside."""
    around = inner_neighbours(atoms)
    if not len(around):
        return None
    lengths = np.linalg.norm(around, axis=2).mean(axis=0)
    c, diagonal = lengths[:2].mean(), lengths[2:].mean()
    return float(np.sqrt(2 * (diagonal**2 - c**2 / 4))), float(c)


def num_surface_cells(facet: str, atoms: Atoms) -> int:
    """Return how many (1x1) cells of its facet a slab is made of, at least 1.

    The lattice constants are those inside the slab, if it has an inside: 2 % in the area would be a
    cell in fifty.

    Args:
        facet: What `facet_of` found.
        atoms: `ase.Atoms`, the slab. Of an unknown facet it is one cell.
    """
    if facet == UNKNOWN:
        return 1
    lattice = lattice_of(atoms)
    crystal = rutile_ruo2(*lattice) if lattice else rutile_ruo2()
    indices = np.array([int(digit) for digit in facet.strip("()")])
    plane = crystal.get_volume() * np.linalg.norm(indices @ np.linalg.inv(crystal.cell.array).T)
    area = np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
    return max(1, round(area / plane))
