"""Slabs ranked by their surface free energy: lines, faces, and who is stable where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.faces import equal_faces
from keras_ruo2.structure.facets import facet_in
from keras_ruo2.structure.terminations import termination_of
from keras_ruo2.thermodynamics.methods import (
    Crossing,
    Method,
    add_lines,
    method_agreement,
    ranges_by_method,
)
from keras_ruo2.thermodynamics.report import EQUAL, MEAN, UPPER, mark_doubtful
from keras_ruo2.thermodynamics.rows import Key, Row, by_facet
from keras_ruo2.thermodynamics.surface import (
    References,
    area,
    lower_envelope,
    oxidised_error,
    surface_line,
    upper_face,
)

SAME_FACE = 0.005  # eV/Å^2, as far as taking a lower face out of a thin slab can be trusted
SAME_SLOPE = 1e-4  # Å^-2, far less than an O atom per surface cell
SAME_EXCESS = 1 / 6  # O per cell; a bond more or less counts a third
LONGEST_LABEL = 40  # characters; of longer terminations the slab's name is shown


def rank_rows(
    kept: Iterable[tuple[Key, Atoms, bool]],
    references: References,
    limits: tuple[float, float],
    method: tuple[str, str],
    own: str = "",
    methods: Sequence[Method] = (),
) -> tuple[list[Row], list[Crossing]]:
    """Rank slabs by their surface free energy.

    Args:
        kept: List of `(key, slab, known)`, whole slabs with energies.
        references: `References`.
        limits: Ends of dmu_O, eV.
        method: Calculator and correction of the energies.
        own: Title of that calculator.
        methods: List of `Method`, whose energies of the same slabs are compared.

    Returns:
        `(rows, crossings)`: a `Row` of each slab; the `method_agreement` of all facets.
    """
    rows = [row_of(key, slab, known, references) for key, slab, known in kept]
    rows = add_lines(separate_faces(rows), own, methods)
    rows, crossings = find_stable(rows, limits, own, methods)
    return mark_doubtful(rows, oxidised_error(method)), crossings


def find_stable(
    rows: Sequence[Row], limits: tuple[float, float], own: str, methods: Sequence[Method]
) -> tuple[list[Row], list[Crossing]]:
    """Find where rows are the most stable ones of their facet.

    Returns:
        `(rows, crossings)`: the rows with their ranges; the `method_agreement` of all facets.
    """
    ranges: dict[Key, dict[str, Any]] = {}
    labels: dict[Key, str] = {}
    crossings = []
    for group in by_facet(rows).values():
        candidates = [row for row in group if not repeats_another(row, group)]
        for index, start, end in lower_envelope([row.line for row in candidates], *limits):
            ranges[candidates[index].key] = {"stable": (start, end)}
        stable = [row for row in group if row.key in ranges]
        labels |= distinct_labels(stable)
        for key, chosen in ranges_by_method(candidates, limits, own, methods).items():
            ranges.setdefault(key, {})["stable_by"] = chosen
    rows = [
        replace(row, label=labels.get(row.key, row.label), **ranges.get(row.key, {}))
        for row in rows
    ]
    for group in by_facet(rows).values():
        crossings += method_agreement(group, own, methods)
    return rows, crossings


def distinct_labels(stable: Sequence[Row]) -> dict[Key, str]:
    """Return keys of stable rows and their labels, with the names where several share one."""
    counts = Counter(row.label for row in stable)
    return {
        row.key: row.label if counts[row.label] == 1 else f"{row.label} ({row.name})"
        for row in stable
    }


def row_of(key: Key, slab: Atoms, known: bool, references: References) -> Row:
    """Return the `Row` of a slab before it is compared with others."""
    try:
        line = surface_line(slab, potential_energy(slab), references)
    except ConfigError as error:
        raise ConfigError(f"{slab.info['name']}: {error}") from None
    num_metal = int(np.sum(slab.symbols == references.species[0]))
    facet = facet_in(slab)
    words = ("termination", "variation")
    label = " ".join(str(slab.info[name]) for name in words if name in slab.info)
    return Row(
        key=key,
        name=slab.info["name"],
        facet=facet.name,
        label=label if 0 < len(label) <= LONGEST_LABEL else slab.info["name"],
        known=known,
        line=line,
        faces=EQUAL if equal_faces(slab) else MEAN,
        area=area(slab),
        num_metal=num_metal,
        num_oxygen=len(slab) - num_metal,
        slab=slab,
        contradicted=facet.label if facet.contradicted else "",
    )


def separate_faces(rows: Sequence[Row]) -> list[Row]:
    """Return rows with the lower face taken out of the mean of two different ones, where known.

    Slabs of one `facet` and `termination` share their lower face: that of the most stable slab
    among them whose faces are equal and hold as much O, counted by bonds. Of a lower face that is
    less relaxed than that one, the difference counts for the upper face, which is then not made to
    look too stable.
    """
    symmetric: dict[tuple[str, str | None], list[Row]] = {}
    separated = []
    for row in sorted((row for row in rows if row.faces == EQUAL), key=lambda row: row.line):
        symmetric.setdefault((row.facet, row.slab.info.get("termination")), []).append(row)
    for row in rows:
        named = row.slab.info.get("termination")
        if row.faces == MEAN and named is not None:
            known = symmetric.get((row.facet, named), [])
            lower = next((other for other in known if lies_below(other, row)), None)
            if lower is not None:
                line = upper_face(row.line, lower.line)
                row = replace(row, line=line, faces=UPPER, lower=lower.key)
        separated.append(row)
    return separated


def lies_below(other: Row, row: Row) -> bool:
    """Say whether the lower face of `row` holds as much O as a face of `other`."""
    excess = termination_of(row.slab).lower.excess
    return abs(excess + other.line.slope) * row.area < SAME_EXCESS


def repeats_another(row: Row, group: Iterable[Row]) -> bool:
    """Say whether a face of `row` is, within `SAME_FACE`, that of a slab with two equal faces.

    An O-rich slab with its outermost O gone on one side shows the stoichiometric face once more,
    a little off because of the slab's thickness; it is not a termination of its own.
    """
    return row.faces != EQUAL and any(
        other.faces == EQUAL
        and abs(other.line.slope - row.line.slope) < SAME_SLOPE
        and other.line.intercept < row.line.intercept + SAME_FACE
        for other in group
    )
