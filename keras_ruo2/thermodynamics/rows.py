"""What a phase diagram says about a slab, as a value that nothing changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ase import Atoms

from keras_ruo2.thermodynamics.surface import Line

Key = tuple[str, int]  # by which slabs of several files match, see `methods.slab_keys`


@dataclass(frozen=True, eq=False)
class Row:
    """What a phase diagram says about a slab.

    Args:
        key: What slabs of several files match by, see `methods.slab_keys`.
        name: Its name.
        facet: Its facet, e.g. `(110)`.
        label: Its termination as it stands in the picture.
        known: Whether it is shown for comparison.
        line: Surface free energy, eV/Å^2, a function of dmu_O, eV.
        faces: `equal`, `upper` or `mean`: whose surface free energy that is.
        area: Of one face, Å^2.
        num_metal: Number of metal atoms.
        num_oxygen: Number of anions.
        slab: Its `ase.Atoms`.
        contradicted: The facet that it was labelled with, if its atoms lie as in another one.
        lower: Key of the slab whose face was taken out of the mean, or `None`.
        lines: Titles of methods and the `line` by each; the slab's own method first.
        stable: `(start, end)` of dmu_O where it is the most stable one of its facet, or `None`.
        stable_by: Titles of methods and the same by each.
        doubtful_from: dmu_O above which it is more stable than is physical, or `None`.
    """

    key: Key
    name: str
    facet: str
    label: str
    known: bool
    line: Line
    faces: str
    area: float
    num_metal: int
    num_oxygen: int
    slab: Atoms
    contradicted: str = ""
    lower: Key | None = None
    lines: dict[str, Line] = field(default_factory=dict)
    stable: tuple[float, float] | None = None
    stable_by: dict[str, tuple[float, float]] = field(default_factory=dict)
    doubtful_from: float | None = None


def by_facet(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return facets and their rows, in the order of the rows."""
    panels: dict[str, list[Row]] = {}
    for row in rows:
        panels.setdefault(row.facet, []).append(row)
    return panels


def stable_ranges(group: Iterable[Row]) -> list[tuple[Row, tuple[float, float]]]:
    """Return the stable rows of a facet and where they are, from the O-poor to the O-rich limit."""
    stable = [(row, row.stable) for row in group if row.stable is not None]
    return sorted(stable, key=lambda pair: pair[1])


def stable_rows(group: Iterable[Row]) -> list[Row]:
    """Return the stable rows of a facet, from the O-poor to the O-rich limit."""
    return [row for row, _ in stable_ranges(group)]
