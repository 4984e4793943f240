"""Which structures are worth a second look: surface free energies against the known ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase import Atoms

from keras_ruo2.discovery.funnel import info_flag, info_text
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.facets import facet_in
from keras_ruo2.structure.validity import broken
from keras_ruo2.thermodynamics.references import given_references, method_text
from keras_ruo2.thermodynamics.surface import (
    Line,
    References,
    known_references,
    lower_envelope,
    surface_line,
)

if TYPE_CHECKING:
    from keras_ruo2.config import DiscoverConfig


POINTS = 61  # of dmu_O that lines are compared at
STABLE_RANGE = 0.010  # eV/Å^2 above the best known slab: within the error of universal potentials


class Ranked(NamedTuple):
    """A structure with its surface free energy.

    Args:
        atoms: The relaxed structure.
        line: Its surface free energy, the mean of its two faces.
        above: Least distance from the best known slab of its facet (of all, where its facet is not
            known) over the range of dmu_O, eV/Å^2; negative if it beats them. Without known slabs
            from the best of the structures that are ranked, itself among them.
        best_at: The dmu_O of that place, eV.
        beside_known: Whether there were known slabs.
    """

    atoms: Atoms
    line: Line
    above: float
    best_at: float
    beside_known: bool


def references_of(config: DiscoverConfig, method: tuple[str, str]) -> References:
    """Return the `References`: given, or those known for the calculator, or raise `ConfigError`."""
    references = given_references(config) or known_references(method, config.pair)
    if references is None:
        raise ConfigError(
            f"No reference energies are known for {method_text(method)}. Give --bulk_energy and "
            "--oxygen_energy (and --metal_energy) by it."
        )
    return references


def rank_candidates(
    structures: Sequence[Atoms],
    known: Sequence[Atoms],
    references: References,
    limits: tuple[float, float],
) -> list[Ranked]:
    """Rank structures by how near they come to being stable, the best first.

    Args:
        structures: Relaxed `ase.Atoms` with energies.
        known: Slabs with energies of the same calculator; without any the structures themselves.
        references: `References` of it.
        limits: O-poor and O-rich end of dmu_O, eV.

    Returns:
        List of `Ranked`.
    """
    potentials = np.linspace(*limits, POINTS)
    lines, beside_known = lines_to_beat(structures, known, references)
    rows = []
    for atoms in structures:
        line = surface_line(atoms, potential_energy(atoms), references)
        facet = facet_in(atoms).name
        others = lines.get(facet) or [line for group in lines.values() for line in group]
        best = np.min([other(potentials) for other in others], axis=0)
        above = line(potentials) - best
        place = int(np.argmin(above))
        numbers = float(above[place]), float(potentials[place])
        rows.append(Ranked(atoms, line, *numbers, beside_known))
    return sorted(rows, key=lambda row: row.above)


def worth_handing_over(rows: Sequence[Ranked]) -> tuple[list[Ranked], list[Ranked]]:
    """Return those of `rank_candidates` that come near to being stable, in their order.

    Returns:
        `(new, rest)`: lists of `Ranked`; novel ones whose relaxation converged, and those that
        equal known slabs or have not arrived anywhere.
    """
    near = [row for row in rows if row.above <= STABLE_RANGE]
    new = [row for row in near if info_flag(row.atoms, "novel") and has_converged(row.atoms)]
    return new, [row for row in near if not any(row is other for other in new)]


def has_converged(atoms: Atoms) -> bool:
    """Say whether a structure's relaxation arrived."""
    return info_text(atoms, "relax_failures") == "no"


def lines_to_beat(
    structures: Sequence[Atoms], known: Sequence[Atoms], references: References | None
) -> tuple[dict[str, list[Line]], bool]:
    """Return what structures are compared with.

    Returns:
        `(lines, beside_known)`: dict of facets to lists of `Line`, and whether these are known
        slabs'; without any with energies they are those of the `structures` themselves.
    """
    if references is None:  # nothing is left to compare
        return {}, False
    whole = [slab for slab in known if potential_energy(slab) is not None and not broken(slab)]
    return lines_by_facet(whole or structures, references), bool(whole)


def lowest_known(
    known: Sequence[Atoms], references: References, limits: tuple[float, float]
) -> list[tuple[int, Atoms, Line]]:
    """Return the known slabs that are the best of their facet somewhere.

    Args:
        known: Slabs with energies of the calculator of `references`; broken ones do not count.
        references: `References`.
        limits: O-poor and O-rich end of dmu_O, eV.

    Returns:
        List of `(number, ase.Atoms, Line)`, those that are best in the middle of `limits` first.
    """
    groups: dict[str, list[tuple[int, Atoms, Line]]] = {}
    middle = sum(limits) / 2
    for number, slab in enumerate(known):
        if potential_energy(slab) is not None and not broken(slab):
            line = surface_line(slab, potential_energy(slab), references)
            groups.setdefault(facet_in(slab).name, []).append((number, slab, line))
    energies = [
        group[place.number]
        for group in groups.values()
        for place in lower_envelope([line for *_, line in group], *limits)
    ]
    return sorted(energies, key=lambda entry: entry[2](middle))


def lines_by_facet(slabs: Sequence[Atoms], references: References) -> dict[str, list[Line]]:
    """Return the lines of slabs with energies, a list for each facet."""
    lines: dict[str, list[Line]] = {}
    for slab in slabs:
        line = surface_line(slab, potential_energy(slab), references)
        lines.setdefault(facet_in(slab).name, []).append(line)
    return lines
