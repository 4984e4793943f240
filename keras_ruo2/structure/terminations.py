"""Name the two faces of a slab as surface scientists do, from the bonds of its atoms.

An atom of rutile has six (Ru) or three (O) neighbours of the other kind; what is at a surface lacks
some. Ru that lack one on (110) are Ru_cus ("coordinatively unsaturated site") where the missing O
would sit on top of them, Ru_bridge where it would bridge two of them; on other facets they are
counted by coordination, such as Ru_5c.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from ase.neighborlist import neighbor_list

from keras_ruo2.structure.bonds import O_O_BOND, RU, RU_O_BOND, O, coordination
from keras_ruo2.structure.faces import heights, normal_of
from keras_ruo2.structure.orientation import facet_of, num_surface_cells

RU_IN_BULK, O_IN_BULK = 6, 3
O_CHARGE = -2  # formal, of O
OUTERMOST = 0.5  # Å below the outermost Ru, from which on an O with three bonds is at the surface
UNDERNEATH = np.cos(np.radians(25))  # the O under Ru_cus is within 25 degrees of the normal
NAMED = ("O_on-top", "O_bridge", "O-O", "Ru_cus", "Ru_bridge")  # the order in labels


@dataclass(frozen=True)
class Face:
    """One face of a slab.

    Args:
        sites: Number of each kind of site in the cell: O_on-top (one Ru neighbour), O_bridge (two),
            O_3c (three, at the surface), O-O (O bonded to another O); Ru_5c (five O neighbours),
            Ru_4c ..., on (110) Ru_cus and Ru_bridge, with their number if it is not 5 or 4.
        num_cells: (1x1) cells of the facet in the face, 1 where the facet is unknown.
        excess: O beyond RuO2, per Å^2.
    """

    sites: dict
    num_cells: int
    excess: float

    @property
    def label(self):
        """The sites in words, per (1x1) cell, without the O_3c that nearly every face has."""
        others = sorted(set(self.sites) - {*NAMED, "O_3c"})
        names = [name for name in (*NAMED, *others) if name in self.sites]
        shares = [self.sites[name] / self.num_cells for name in names]
        words = [
            name if share == 1 else f"{share:.3g} {name}"
            for name, share in zip(names, shares, strict=True)
        ]
        return " + ".join(words) or "saturated"


@dataclass(frozen=True)
class Termination:
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
    upper: Face
    lower: Face
    histogram: dict
    excess: float
    dipole: float

    @property
    def label(self):
        """The label of both faces, once if they are equal."""
        labels = (self.upper.label, self.lower.label)
        return labels[0] if labels[0] == labels[1] else " | ".join(labels)


def termination_of(atoms):
    """Describe the faces of a slab.

    Args:
        atoms: `ase.Atoms` of Ru and O, a valid slab across its third cell vector, periodic.

    Returns:
        `Termination`.
    """
    facet = facet_of(atoms)
    bonds = coordination(atoms, "Ru", "O", RU_O_BOND) + coordination(atoms, "O", "Ru", RU_O_BOND)
    sites = site_names(atoms, bonds, facet)
    along, _ = heights(atoms)
    middle = along[atoms.numbers == RU].mean()
    area = float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))
    num_cells = num_surface_cells(facet, atoms)
    lacking = np.where(atoms.numbers == RU, bonds - RU_IN_BULK, O_IN_BULK - bonds)
    faces = []
    for half in (along >= middle, along < middle):
        counts = Counter(name for name, here in zip(sites, half, strict=True) if name and here)
        faces.append(Face(dict(counts), num_cells, float(lacking[half].sum()) / 3 / area))
    kinds = Counter(f"{symbol}{n}" for symbol, n in zip(atoms.symbols, bonds, strict=True))
    surplus = int(np.sum(atoms.numbers == O)) - 2 * int(np.sum(atoms.numbers == RU))
    return Termination(
        facet, *faces, dict(sorted(kinds.items())), surplus / (2 * area), dipole_of(atoms)
    )


def site_names(atoms, bonds, facet):
    """Return the kind of site of each atom, `""` for those that are as in the crystal.

    Args:
        atoms: `ase.Atoms` with n atoms.
        bonds: Neighbours of the other species of each, shape `(n,)`.
        facet: Name of the facet.
    """
    names = np.full(len(atoms), "", dtype=object)
    oxygen, ruthenium = atoms.numbers == O, atoms.numbers == RU
    names[oxygen & (bonds == 1)] = "O_on-top"
    names[oxygen & (bonds == 2)] = "O_bridge"
    names[oxygen & (bonds >= O_IN_BULK) & outermost(atoms)] = "O_3c"
    names[coordination(atoms, "O", "O", O_O_BOND) > 0] = "O-O"
    supported = oxygen_underneath(atoms)
    for index in np.flatnonzero(ruthenium & (bonds < RU_IN_BULK)):
        names[index] = f"Ru_{bonds[index]}c"
        if facet == "(110)":
            name, usual = ("Ru_cus", 5) if supported[index] else ("Ru_bridge", 4)
            names[index] = name if bonds[index] == usual else f"{name}_{bonds[index]}c"
    return names


def outermost(atoms):
    """Say of each atom whether it is as far out as the outermost Ru, nearly, or farther."""
    along, _ = heights(atoms)
    ruthenium = along[atoms.numbers == RU]
    return (along > ruthenium.max() - OUTERMOST) | (along < ruthenium.min() + OUTERMOST)


def oxygen_underneath(atoms):
    """Say of each Ru whether it has an O straight below it, seen from the nearer face."""
    along, _ = heights(atoms)
    inward = np.where(along < along[atoms.numbers == RU].mean(), 1, -1)
    first, vectors, lengths = neighbor_list("iDd", atoms, {("Ru", "O"): RU_O_BOND})
    cosines = inward[first] * (vectors @ normal_of(atoms)) / lengths
    below = (cosines > UNDERNEATH) & (atoms.numbers[first] == RU)
    return np.bincount(first[below], minlength=len(atoms)) > 0


def dipole_of(atoms):
    """Return the dipole along the normal per area of formal point charges, e/Å.

    O counts -2 and Ru what makes the slab neutral (+4 in RuO2, more where O is in excess), so that
    the dipole does not depend on an origin. A model of charges, not a calculation of electrons:
    useful to tell polar from non-polar faces and as a warning, not as a work function.
    """
    along, _ = heights(atoms)
    num_ru, num_o = (int(np.sum(atoms.numbers == number)) for number in (RU, O))
    charges = np.where(atoms.numbers == O, O_CHARGE, -O_CHARGE * num_o / num_ru)
    return float(charges @ along / np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))
