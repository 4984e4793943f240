"""Are two slabs the same one? pymatgen's StructureMatcher, adapted to slabs.

The same means: equal up to a shift, a rotation or a repetition in the plane, upside down or as its
mirror image, with any vacuum. Energies know no difference between these.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from ase import Atoms

from keras_ruo2.screening.soap import Environments, environments
from keras_ruo2.structure.bonds import is_metal, pair_of
from keras_ruo2.structure.faces import standing
from keras_ruo2.structure.facets import recognised_facet
from keras_ruo2.structure.orientation import UNKNOWN

VACUUM = 10.0  # Å, of every slab that is compared: widths of the vacuum must not count
LENGTHS, ANGLES = 0.1, 5.0  # share and degrees by which cells may differ
# Both bounds: experiments/006_screening. Slabs rattled by 0.05 Å (each coordinate, both of a pair)
# are 0.28 Å apart at most with kernels of 0.987 or more; distinct minima 0.8 Å or more.
SAME_PLACE = 0.3  # Å between the atoms of equal slabs, at most
SAME_SURROUNDINGS = 0.97  # kernel of equal slabs, at least
SURELY_SAME = 0.985  # kernel of equal slabs whose cells the matcher cannot bring together
SAME_THICKNESS = 0.05  # share by which their Ru per area may differ; a plane of 20 is as much
PRIMITIVE = (
    SAME_PLACE  # Å by which atoms may miss the places of a smaller cell, which averages them
)
LARGEST_RMS = 0.5  # Å; the matcher gives up beyond


@dataclass(frozen=True)
class Fingerprint:
    """What a slab is compared by.

    Args:
        num_ru: Metal atoms in the primitive cell.
        num_o: Anions in it.
        density: Metal atoms per area, Å^-2.
        environments: SOAP vectors.
        structure: `pymatgen.core.Structure`, standing, primitive.
        facet: `"(110)"` and so on, or `"unknown"`.
    """

    num_ru: int
    num_o: int
    density: float
    environments: Environments
    structure: Any
    facet: str


def slab_fingerprint(atoms: Atoms) -> Fingerprint:
    """Return the `Fingerprint` of a valid slab (`structure.validity`)."""
    from pymatgen.core import Lattice, Structure

    slab = standing(atoms, VACUUM)
    slab.wrap()
    structure = Structure(
        Lattice(slab.cell.array), slab.get_chemical_symbols(), slab.get_scaled_positions()
    )
    structure = structure.get_primitive_structure(tolerance=PRIMITIVE)
    area = np.linalg.norm(np.cross(slab.cell[0], slab.cell[1]))
    metal, anion = pair_of(slab)
    counts = structure.composition
    return Fingerprint(
        num_ru=round(counts[metal]),
        num_o=round(counts[anion]),
        density=float(np.sum(is_metal(slab)) / area),
        environments=environments(atoms),
        structure=structure,
        facet=recognised_facet(atoms),
    )


def comparable(first: Fingerprint, second: Fingerprint) -> bool:
    """Say whether two fingerprints have the composition and, nearly, the thickness in common."""
    same = first.num_o * second.num_ru == second.num_o * first.num_ru
    return same and abs(first.density / second.density - 1) < 2 * LENGTHS


def multiples(first: Fingerprint, second: Fingerprint) -> bool:
    """Say whether one primitive cell has a whole number of times the atoms of the other."""
    small, large = sorted(len(one.structure) for one in (first, second))
    return large % small == 0


def displacement(first: Fingerprint, second: Fingerprint) -> float:
    """Return how far apart the atoms of two slabs are in their best superposition.

    Args:
        first: `Fingerprint`.
        second: `Fingerprint`.

    Returns:
        The largest distance of two atoms that belong together, Å; infinite if the cells cannot be
        brought together or the atoms are `LARGEST_RMS` apart. The superposition is the one of the
        smallest root mean square, in the mean of both cells: differences of the cells themselves
        up to `LENGTHS` and `ANGLES` do not count.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    if not multiples(first, second):
        return inf
    unit = (first.structure.volume / len(first.structure)) ** (1 / 3)  # of pymatgen's distances
    matcher = StructureMatcher(
        ltol=LENGTHS,
        angle_tol=ANGLES,
        stol=LARGEST_RMS / unit,
        primitive_cell=False,  # they are
        scale=False,
        attempt_supercell=True,  # rattled cells do not become smaller
    )
    distances = matcher.get_rms_dist(first.structure, second.structure)
    return inf if distances is None else float(distances[1] * unit)


def same_slab(first: Fingerprint, second: Fingerprint, kernel: float) -> tuple[bool, float]:
    """Decide whether two slabs are equal, given their kernel.

    Returns:
        `(same, displacement)`, the latter in Å; infinite where it was not found or not needed.
    """
    if kernel < SAME_SURROUNDINGS or not comparable(first, second):
        return False, inf
    if not multiples(first, second):
        facets = {first.facet, second.facet} - {UNKNOWN}
        equally_thick = abs(first.density / second.density - 1) < SAME_THICKNESS
        return bool(kernel >= SURELY_SAME and len(facets) < 2 and equally_thick), inf
    apart = displacement(first, second)
    return apart <= SAME_PLACE, apart
