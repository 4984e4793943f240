"""(1x1) RuO2 slabs with every octahedron accounted for.

Slab builders that cut a crystal at a height lose O atoms of rutile's puckered planes or split its
RuO6 octahedra. Here a slab is a number of Ru planes with *all* the O atoms that are bonded to
them, every octahedron whole; a termination then takes O atoms off both faces, the least
coordinated first. So stoichiometry and coordination are exact by construction.
"""

from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from ase import Atoms
from ase.build import surface

from keras_ruo2.errors import ConfigError
from keras_ruo2.species import SPECIES, Pair
from keras_ruo2.structure.bonds import (
    bond_lengths,
    coordination,
    is_anion,
    is_metal,
    pair_of,
    unlike_neighbours,
)
from keras_ruo2.structure.crystals import rutile_ruo2

PLANE_TOLERANCE = 0.1  # Å between atoms of one plane of the unrelaxed crystal


@dataclass(frozen=True)
class Termination:
    """One way to end a facet.

    Args:
        facet: Miller indices.
        num_planes: Ru planes in the slab; about three repeats of the facet's motif.
        offset: Which of two kinds of Ru plane is outermost; only (111) has two.
        excess: O atoms per face and (1x1) cell beyond RuO2.
    """

    facet: tuple[int, int, int]
    num_planes: int
    excess: int
    offset: int = 0


# Per facet: O-poor, stoichiometric, O-rich (section 2.1.1 of the thesis, after Timmermann et al.);
# (111) has a second stoichiometric and a super-O-rich termination, because its Ru planes are of two
# kinds. O-rich: every octahedron is whole. O-poor: the bridging O that have lost a Ru neighbour are
# gone; the planes of (001) are RuO2 and have no such cut, one of the two outer O goes, and of (111)
# one more O than for its stoichiometric termination.
TERMINATIONS = MappingProxyType(
    {
        "001-O-poor": Termination((0, 0, 1), 5, -1),
        "001-stoichiometric": Termination((0, 0, 1), 5, 0),
        "001-O-rich": Termination((0, 0, 1), 5, 2),
        "100-O-poor": Termination((1, 0, 0), 4, -1),
        "100-stoichiometric": Termination((1, 0, 0), 4, 0),
        "100-O-rich": Termination((1, 0, 0), 4, 1),
        "101-O-poor": Termination((1, 0, 1), 3, -2),
        "101-stoichiometric": Termination((1, 0, 1), 3, 0),
        "101-O-rich": Termination((1, 0, 1), 3, 2),
        "110-O-poor": Termination((1, 1, 0), 3, -1),
        "110-stoichiometric": Termination((1, 1, 0), 3, 0),
        "110-O-rich": Termination((1, 1, 0), 3, 1),
        "111-O-poor": Termination((1, 1, 1), 7, -1, offset=0),
        "111-stoichiometric": Termination((1, 1, 1), 7, 0, offset=0),
        "111-stoichiometric-2": Termination((1, 1, 1), 7, 0, offset=1),
        "111-O-rich": Termination((1, 1, 1), 7, 2, offset=1),
        "111-super-O-rich": Termination((1, 1, 1), 7, 3, offset=0),
    }
)


def build_slab(
    name: str,
    *,
    a: float,
    c: float,
    vacuum: float = 20.0,
    num_planes: int | None = None,
    species: Pair = SPECIES,
) -> Atoms:
    """Build the unrelaxed (1x1) slab of a termination, with two equal faces.

    Args:
        name: A key of `TERMINATIONS`.
        a: Lattice constant of the crystal, Å.
        c: Lattice constant along the octahedra chains, Å.
        vacuum: Distance between the outermost atoms and their periodic image, Å.
        num_planes: Ru planes, if not the termination's own number of them.
        species: Metal and anion of the rutile crystal.

    Returns:
        `ase.Atoms`, periodic in three directions, its third vector along the surface normal.

    Raises:
        ConfigError: If a slab of that many planes cannot have two equal faces.
    """
    row = TERMINATIONS[name]
    if num_planes is not None:
        if row.facet == (1, 1, 1) and num_planes % 2 == 0:
            raise ConfigError(
                f"{name} has two kinds of {species[0]} plane in turn and cannot have {num_planes} "
                "planes and two equal faces. Ask for an odd number."
            )
        row = replace(row, num_planes=num_planes)
    slab = whole_octahedra(row, rutile_ruo2(a, c, species=species))
    num_metal = int(np.sum(is_metal(slab)))
    surplus = len(slab) - 3 * num_metal - 2 * row.excess
    del slab[least_coordinated(slab, surplus // 2)]
    slab.pbc = True
    slab.center(vacuum=vacuum / 2, axis=2)
    slab.wrap()
    order = np.lexsort((slab.positions[:, 2].round(3), ~is_metal(slab)))
    return Atoms(slab.numbers[order], slab.positions[order], cell=slab.cell, pbc=True)


def whole_octahedra(row: Termination, bulk: Atoms) -> Atoms:
    """Cut `row.num_planes` Ru planes with all O atoms bonded to them out of a thick slab."""
    thick = surface(bulk, row.facet, row.num_planes + 6, vacuum=20.0)
    heights = thick.positions[:, 2]
    ruthenium = is_metal(thick)
    planes = split_planes(heights[ruthenium])
    first = (len(planes) - row.num_planes) // 2
    first += (first + row.offset) % 2  # the thick slab begins with the same kind of plane always
    chosen = np.array(planes[first : first + row.num_planes])
    inside = ruthenium & (np.abs(heights[:, None] - chosen).min(axis=1) < PLANE_TOLERANCE)
    marked = thick.copy()
    marked.numbers[inside] = 0  # a kind of its own, to count the bonds to chosen Ru only
    anion, cutoff = pair_of(thick)[1], bond_lengths(thick)[pair_of(thick)]
    bonded = coordination(marked, anion, "X", cutoff) > 0
    return thick[inside | bonded]


def split_planes(heights: np.ndarray) -> list[float]:
    """Return the mean height of each plane among `heights`, ascending, Å."""
    heights = np.sort(heights)
    breaks = np.flatnonzero(np.diff(heights) > PLANE_TOLERANCE) + 1
    return [float(plane.mean()) for plane in np.split(heights, breaks)]


def least_coordinated(slab: Atoms, count: int) -> list[int]:
    """Choose `count` O atoms on each face: the least coordinated, of those the outermost.

    Of equals (mirror images of each other) the bottom face gives up the one that keeps the
    slab's two faces equal under inversion, as far as there is a choice.
    """
    if not count:
        return []
    bonds = unlike_neighbours(slab)
    middle = slab.positions[is_metal(slab), 2].mean()
    height = slab.positions[:, 2] - middle
    oxygen = np.flatnonzero(is_anion(slab))
    chosen = []
    for side in (1, -1):
        face = oxygen[side * height[oxygen] > 0]
        outward = np.round(side * height[face], 1)
        lateral = np.round(side * slab.get_scaled_positions()[face, 0], 3)
        chosen.extend(face[np.lexsort((lateral, -outward, bonds[face]))][:count])
    return chosen
