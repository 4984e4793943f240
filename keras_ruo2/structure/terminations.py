"""Name the two faces of a slab as surface scientists do, from the bonds of its atoms.

An atom of rutile has six (Ru) or three (O) neighbours of the other kind; what is at a surface lacks
some. Ru that lack one on (110) are Ru_cus ("coordinatively unsaturated site") where the missing O
would sit on top of them, Ru_bridge where it would bridge two of them; on other facets they are
counted by coordination, such as Ru_5c.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from keras_ruo2.species import ANIONS, SPECIES, Pair
from keras_ruo2.structure.bonds import (
    anion_neighbours,
    is_anion,
    is_metal,
    pair_of,
    unlike_bonds,
    unlike_neighbours,
)
from keras_ruo2.structure.faces import heights, normal_of
from keras_ruo2.structure.orientation import facet_of, num_surface_cells

RU_IN_BULK, O_IN_BULK = 6, 3
OUTERMOST = 0.5  # Å below the outermost Ru, from which on an O with three bonds is at the surface
UNDERNEATH = np.cos(np.radians(25))  # the O under Ru_cus is within 25 degrees of the normal
# The order in labels; {0} is the metal, {1} the anion.
NAMED = ("{1}_on-top", "{1}_bridge", "{1}-{1}", "{0}_cus", "{0}_bridge")


@dataclass(frozen=True)
class SlabFace:
    """One face of a slab.

    Args:
        sites: Number of each kind of site in the cell: O_on-top (one Ru neighbour), O_bridge (two),
            O_3c (three, at the surface), O-O (O bonded to another O); Ru_5c (five O neighbours),
            Ru_4c ..., on (110) Ru_cus and Ru_bridge, with their number if it is not 5 or 4.
        num_cells: (1x1) cells of the facet in the face, 1 where the facet is unknown.
        excess: O beyond RuO2, per Å^2.
        species: Metal and anion, which the kinds are named after.
    """

    sites: dict[str, int]
    num_cells: int
    excess: float
    species: Pair = SPECIES

    @property
    def label(self) -> str:
        """The sites in words, per (1x1) cell, without the O_3c that nearly every face has."""
        named = [name.format(*self.species) for name in NAMED]
        others = sorted(set(self.sites) - {*named, f"{self.species[1]}_3c"})
        names = [name for name in (*named, *others) if name in self.sites]
        shares = [self.sites[name] / self.num_cells for name in names]
        words = [
            name if share == 1 else f"{share:.3g} {name}"
            for name, share in zip(names, shares, strict=True)
        ]
        return " + ".join(words) or "saturated"


@dataclass(frozen=True)
class SlabTermination:
    """What a slab ends with.

    Args:
        facet: `"(110)"` and so on, or `"unknown"`.
        upper: The face that the third cell vector points out of.
        lower: The other one.
        histogram: Number of atoms by species and neighbours of the other one, such as `Ru6`.
        excess: O beyond RuO2, the mean of both faces, Å^-2; minus the slope of gamma(dmu_O).
        dipole: Along the normal, per area, e/Å, see `dipole_of`.
    """

    facet: str
    upper: SlabFace
    lower: SlabFace
    histogram: dict[str, int]
    excess: float
    dipole: float

    @property
    def label(self) -> str:
        """The label of both faces, once if they are equal."""
        labels = (self.upper.label, self.lower.label)
        return labels[0] if labels[0] == labels[1] else " | ".join(labels)


def termination_of(atoms: Atoms) -> SlabTermination:
    """Describe the faces of a slab.

    Args:
        atoms: `ase.Atoms` of Ru and O or their like, a valid slab across its third cell vector,
            periodic.

    Returns:
        `SlabTermination`.
    """
    facet, metal, bonds = facet_of(atoms), is_metal(atoms), unlike_neighbours(atoms)
    sites = site_names(atoms, bonds, facet)
    along, _ = heights(atoms)
    middle = along[metal].mean()
    area = float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))
    num_cells = num_surface_cells(facet, atoms)
    lacking = np.where(metal, bonds - RU_IN_BULK, O_IN_BULK - bonds)
    faces = []
    for half in (along >= middle, along < middle):
        counts = Counter(name for name, here in zip(sites, half, strict=True) if name and here)
        excess = float(lacking[half].sum()) / 3 / area
        faces.append(SlabFace(dict(counts), num_cells, excess, pair_of(atoms)))
    kinds = Counter(f"{symbol}{n}" for symbol, n in zip(atoms.symbols, bonds, strict=True))
    surplus = len(atoms) - 3 * int(np.sum(metal))
    upper, lower = faces
    return SlabTermination(
        facet, upper, lower, dict(sorted(kinds.items())), surplus / (2 * area), dipole_of(atoms)
    )


def site_names(atoms: Atoms, bonds: np.ndarray, facet: str) -> np.ndarray:
    """Return the kind of site of each atom, `""` for those that are as in the crystal.

    Args:
        atoms: `ase.Atoms` with n atoms.
        bonds: Neighbours of the other species of each, shape `(n,)`.
        facet: Name of the facet.
    """
    names = np.full(len(atoms), "", dtype=object)
    (ru, o), oxygen, ruthenium = pair_of(atoms), is_anion(atoms), is_metal(atoms)
    names[oxygen & (bonds == 1)] = f"{o}_on-top"
    names[oxygen & (bonds == 2)] = f"{o}_bridge"
    names[oxygen & (bonds >= O_IN_BULK) & outermost_atoms(atoms)] = f"{o}_3c"
    names[anion_neighbours(atoms) > 0] = f"{o}-{o}"
    supported = oxygen_underneath(atoms)
    for index in np.flatnonzero(ruthenium & (bonds < RU_IN_BULK)):
        names[index] = f"{ru}_{bonds[index]}c"
        if facet == "(110)":
            name, usual = (f"{ru}_cus", 5) if supported[index] else (f"{ru}_bridge", 4)
            names[index] = name if bonds[index] == usual else f"{name}_{bonds[index]}c"
    return names


def outermost_atoms(atoms: Atoms) -> np.ndarray:
    """Say of each atom whether it is as far out as the outermost Ru, nearly, or farther."""
    along, _ = heights(atoms)
    ruthenium = along[is_metal(atoms)]
    return (along > ruthenium.max() - OUTERMOST) | (along < ruthenium.min() + OUTERMOST)


def oxygen_underneath(atoms: Atoms) -> np.ndarray:
    """Say of each Ru whether it has an O straight below it, seen from the nearer face."""
    along, _ = heights(atoms)
    metal = is_metal(atoms)
    inward = np.where(along < along[metal].mean(), 1, -1)
    first, vectors, lengths = unlike_bonds("iDd", atoms)
    cosines = inward[first] * (vectors @ normal_of(atoms)) / lengths
    below = (cosines > UNDERNEATH) & metal[first]
    return np.bincount(first[below], minlength=len(atoms)) > 0


def dipole_of(atoms: Atoms) -> float:
    """Return the dipole along the normal per area of formal point charges, e/Å.

    O counts -2 and Ru what makes the slab neutral (+4 in RuO2, more where O is in excess), so that
    the dipole does not depend on an origin. A model of charges, not a calculation of electrons:
    useful to tell polar from non-polar faces and as a warning, not as a work function.
    """
    along, _ = heights(atoms)
    anion, charge = is_anion(atoms), ANIONS[pair_of(atoms)[1]]
    num_ru, num_o = int(np.sum(is_metal(atoms))), int(np.sum(anion))
    charges = np.where(anion, charge, -charge * num_o / num_ru)
    return float(charges @ along / np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))
