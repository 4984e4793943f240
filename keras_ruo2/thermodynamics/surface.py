"""Ab initio thermodynamics of RuO2 surfaces: surface free energies against dmu_O.

Signs and references. dmu_O is the chemical potential of O per atom relative to half an O2 molecule
at zero temperature, mu_O = E_O2 / 2 + dmu_O; it is negative under every gas that does not liquefy,
and 0 is the O-rich limit by convention. mu_Ru follows from equilibrium with the bulk oxide,
mu_Ru + 2 mu_O = E_RuO2. A positive surface free energy costs energy. Vibrations and pressure-volume
terms of solids are left out, as is usual: they change gamma by some 10 meV per Å^2 at most.

Source: K. Reuter, M. Scheffler, Phys. Rev. B 65, 035406 (2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from keras_ruo2.errors import ConfigError
from keras_ruo2.species import SPECIES, Pair, formula
from keras_ruo2.structure.checks import check_cell, check_species

# of dmu_O or K: one or many
Number = TypeVar("Number", float, NDArray[np.float64])


class References(NamedTuple):
    """Energies that a surface energy is relative to, all of one calculator.

    Args:
        bulk: RuO2, eV per formula unit.
        oxygen: Half an O2 molecule, eV.
        metal: hcp Ru, eV per atom, or `None` where it is not known.
        species: Metal and anion, if `bulk` and `metal` are of another oxide; RuO2 and Ru stand
            for it everywhere here.
    """

    bulk: float
    oxygen: float
    metal: float | None = None
    species: Pair = SPECIES


LOWEST = -2.0  # eV, where dmu_O begins if the O-poor limit is not known
MATERIALS_PROJECT_O = -4.948  # eV, half an O2
# By the calculator and the correction that structures name in their `info`: bulk RuO2 and hcp Ru
# relaxed with it. O2 is that of the PBE calculations which all of them learned from (Materials
# Project), without oxide correction; the potentials themselves were not made for molecules: they
# give half an O2 as -4.13 (CHGNet), -4.90 (7net-0), -4.84 (7net-mf-0) and -4.96 eV (7net-l3i5).
KNOWN_REFERENCES = MappingProxyType(
    {
        ("CHGNet 0.3.0", "oxide correction undone: E + 0.687 eV per O"): References(
            bulk=-22.0646, oxygen=MATERIALS_PROJECT_O, metal=-9.1408
        ),
        ("SevenNet 7net-0", "none"): References(
            bulk=-22.1408, oxygen=MATERIALS_PROJECT_O, metal=-9.2646
        ),
        ("SevenNet 7net-mf-0 PBE", "none"): References(
            bulk=-22.0898, oxygen=MATERIALS_PROJECT_O, metal=-9.2374
        ),
        ("SevenNet 7net-l3i5", "none"): References(
            bulk=-22.1517, oxygen=MATERIALS_PROJECT_O, metal=-9.2707
        ),
    }
)

# How much too low a method puts the surface free energy of an oxidised face, eV/Å^2. CHGNet: the
# fully oxidised (110) face, all bridges and Ru_cus covered, has 0.0005 at dmu_O = 0 (bundled
# slabs), where PBE has 0.0235 (published slabs, experiments/010_methods); on (101) the two are
# 0.027 apart.
OXIDISED_ERRORS = MappingProxyType(
    {("CHGNet 0.3.0", "oxide correction undone: E + 0.687 eV per O"): 0.023}
)


class Line(NamedTuple):
    """A surface free energy, `intercept + slope * dmu_O`.

    Args:
        intercept: At dmu_O = 0, eV/Å^2.
        slope: Minus the excess of O over two per Ru, per area of both faces, Å^-2.
    """

    intercept: float
    slope: float

    def __call__(self, delta_mu_o: Number) -> Number:
        return self.intercept + self.slope * delta_mu_o


class Range(NamedTuple):
    """Where the structure of a number is the most stable one: from `start` to `end`, eV."""

    number: int
    start: float
    end: float


def known_references(method: tuple[str, str], species: Pair = SPECIES) -> References | None:
    """Return the `References` that are known for a calculator and its correction, or `None`."""
    return KNOWN_REFERENCES.get(method) if species == SPECIES else None


def oxidised_error(method: tuple[str, str]) -> float:
    """Return by how much a method is too low on oxidised faces, eV/Å^2; 0 if it is not known."""
    return OXIDISED_ERRORS.get(method, 0.0)


def doubtful_from(line: Line, stable: tuple[float, float], error: float = 0.0) -> float | None:
    """Return the dmu_O above which an oxidised face is more stable than is physical, or `None`.

    A surface free energy below zero would make the crystal fall apart into slabs. One that is
    positive by less than the `error` of its method on oxidised faces may be zero as well.

    Args:
        line: `Line` of the face.
        stable: `(start, end)`, where it is the most stable one, eV.
        error: See `OXIDISED_ERRORS`, eV/Å^2.

    Returns:
        A dmu_O in the range `stable`, eV; `None` where there is no such place, or the face holds no
        more O than RuO2 does.
    """
    start, end = stable
    if line.slope >= 0 or line(end) >= error:
        return None
    return max(start, (error - line.intercept) / line.slope)


def surface_free_energy(
    atoms: Atoms, energy: float, bulk_energy: float, oxygen_energy: float, delta_mu_o: Number
) -> Number:
    """Return the surface free energy of a slab, the mean of its two faces.

    gamma = [E_slab - N_Ru E_RuO2 + (2 N_Ru - N_O) (E_O2 / 2 + dmu_O)] / 2A

    It is that of either face if the two are equal (`structure.faces.equal_faces`);
    else only their mean, and `upper_face` needs the other face from another slab.

    Args:
        atoms: `ase.Atoms` of Ru and O, a slab across its third cell vector.
        energy: Potential energy of the slab, eV.
        bulk_energy: Of bulk RuO2, eV per formula unit.
        oxygen_energy: Of half an O2 molecule, eV.
        delta_mu_o: Chemical potential of O relative to half an O2, eV; a number or an array.

    Returns:
        eV/Å^2, a number or an array like `delta_mu_o`.

    Raises:
        ConfigError: If `atoms` has other elements, no Ru or no cell, or `energy` is not finite.

    Source:
        K. Reuter, M. Scheffler, Phys. Rev. B 65, 035406 (2001), eqs. 5 and 8.
    """
    return surface_line(atoms, energy, References(bulk_energy, oxygen_energy))(delta_mu_o)


def surface_line(atoms: Atoms, energy: float | None, references: References) -> Line:
    """Return the surface free energy of a slab as a `Line` in dmu_O; raises as above."""
    metal, _ = references.species
    check_species(atoms, references.species)
    check_cell(atoms)
    num_ru = int(np.sum(atoms.symbols == metal))
    num_o = len(atoms) - num_ru
    if not num_ru:
        found = atoms.get_chemical_formula()
        raise ConfigError(f"`atoms` ({found}) holds no {metal}: no oxide slab.")
    if energy is None or not np.isfinite(energy):
        raise ConfigError(f"`energy` of {atoms.get_chemical_formula()} is {energy}. Expected eV.")
    lacking = 2 * num_ru - num_o
    faces = 2 * area(atoms)
    excess_energy = energy - num_ru * references.bulk + lacking * references.oxygen
    return Line(float(excess_energy / faces), lacking / faces)


def area(atoms: Atoms) -> float:
    """Return the area of one face, Å^2."""
    return float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))


def upper_face(both: Line, lower: Line) -> Line:
    """Return the `Line` of a slab's upper face, given the mean of both and that of the lower one.

    For slabs whose lower face is frozen or of another kind; `lower` comes from a slab with two
    such faces, whose strain and thickness should be the same.
    """
    return Line(2 * both.intercept - lower.intercept, 2 * both.slope - lower.slope)


def lower_envelope(lines: Sequence[Line], low: float, high: float) -> list[Range]:
    """Return who is most stable where, by exact crossings of straight lines.

    Args:
        lines: `Line` of each structure.
        low: Where to begin, eV.
        high: Where to end, eV.

    Returns:
        List of `Range`, ascending and without gaps from `low` to `high`. Of lines that are equal
        the first one counts.
    """
    current = min(range(len(lines)), key=lambda k: (lines[k](low), lines[k].slope))
    ranges: list[Range] = []
    start = low
    while True:
        crossings = [
            (crossing(lines[current], line), line.slope, index)
            for index, line in enumerate(lines)
            if line.slope < lines[current].slope
        ]
        point, _, following = min(crossings, default=(np.inf, 0, current))
        if point >= high:
            return [*ranges, Range(current, start, high)]
        ranges.append(Range(current, start, point))
        current, start = following, point


def crossing(first: Line, second: Line) -> float:
    """Return the dmu_O at which two lines of different slope meet, eV."""
    return (second.intercept - first.intercept) / (first.slope - second.slope)


def oxygen_poor_limit(references: References) -> float | None:
    """Return the dmu_O below which RuO2 decomposes to metallic Ru and O2, eV, or `None`.

    It is half the formation energy of RuO2 per formula unit, which is negative.

    Raises:
        ConfigError: If it is not, by these references.
    """
    if references.metal is None:
        return None
    limit = (references.bulk - references.metal - 2 * references.oxygen) / 2
    if limit >= 0:
        raise ConfigError(
            f"By these references {formula(references.species)} decomposes below dmu_O = "
            f"{limit:.2f} eV, at any pressure of O2. Check them: bulk {references.bulk} eV per "
            f"formula unit, half an O2 {references.oxygen} eV, metal {references.metal} eV an atom."
        )
    return limit


def oxygen_range(references: References) -> tuple[float, float]:
    """Return the O-poor and the O-rich end of dmu_O, eV; `LOWEST` if the former is not known."""
    poor = oxygen_poor_limit(references)
    return LOWEST if poor is None else poor, 0.0
