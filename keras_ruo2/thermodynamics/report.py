"""What `phase_diagram` prints: who is stable where, and what to be careful with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_ruo2.io import messages
from keras_ruo2.io.paths import shown
from keras_ruo2.species import formula
from keras_ruo2.structure.facets import indices_of
from keras_ruo2.thermodynamics.oxygen_gas import temperature_of
from keras_ruo2.thermodynamics.references import method_text
from keras_ruo2.thermodynamics.rows import Row, stable_ranges
from keras_ruo2.thermodynamics.surface import doubtful_from, oxidised_error, oxygen_poor_limit

if TYPE_CHECKING:
    from keras_ruo2.thermodynamics.diagram import PhaseDiagram

EQUAL, UPPER, MEAN = "equal", "upper", "mean"  # what a slab's surface free energy is that of
FACES = {EQUAL: "", UPPER: " (upper face)", MEAN: " (mean of two different faces)"}
FIELDS = ("bulk", "oxygen", "metal")  # of `References`, as they are printed
MOST_NAMED = 5  # slabs in a message


def print_report(out: Path, diagram: PhaseDiagram) -> None:
    """Print who is stable where in a `PhaseDiagram` that lies in the folder `out`."""
    rows, panels, method = diagram.rows, diagram.panels, diagram.method
    references, limit = diagram.references, oxygen_poor_limit(diagram.references)
    metal, oxide = references.species[0], formula(references.species)
    told = ", ".join(f"{name}={value}" for name, value in zip(FIELDS, references, strict=False))
    messages.info(f"Calculator: {method_text(method)}. References: References({told}).")
    if limit is None:
        messages.info(f"No energy of metallic {metal} was given: the O-poor limit is not known.")
    else:
        kelvin = temperature_of(limit, 1.0)
        at = "" if np.isnan(kelvin) else f" ({kelvin:.0f} K at 1 bar of O2)"
        messages.info(f"{oxide} is stable against {metal} and O2 above dmu_O = {limit:.2f} eV{at}.")
    for facet, group in panels.items():
        for row, (start, end) in stable_ranges(group):
            low, high = sorted(1000 * row.line(end) for end in (start, end))
            faces = FACES[row.faces]
            messages.info(
                f"{facet}: {start:6.2f} to {end:5.2f} eV {row.name}, {low:.0f} to {high:.0f} "
                f"meV/Å^2{faces}"
            )
    for text in facet_warnings(rows, panels) + doubts(rows, method):
        messages.info(f"Warning: {text}")
    kinds = [row.faces for row in rows]
    messages.info(
        f"{shown(out)}: {len(rows)} slabs, {kinds.count(EQUAL)} with two equal faces, "
        f"{kinds.count(UPPER)} given by their upper face, {kinds.count(MEAN)} by the mean of two "
        f"different faces; {diagram.num_broken} broken ones left out."
    )


def stable_table(panels: Mapping[str, Iterable[Row]]) -> list[dict[str, object]]:
    """Return who is stable where, as JSON holds it: dicts, energies in meV/Å^2 and eV.

    Args:
        panels: Dict of facets to their rows.
    """
    return [
        {
            "facet": facet,
            "name": row.name,
            "from_eV": start,
            "to_eV": end,
            "gamma_from_meV_A2": 1000 * row.line(start),
            "gamma_to_meV_A2": 1000 * row.line(end),
            "faces": row.faces,
            "doubtful_from_eV": row.doubtful_from,
        }
        for facet, group in panels.items()
        for row, (start, end) in stable_ranges(group)
    ]


def mark_doubtful(rows: Iterable[Row], error: float) -> list[Row]:
    """Return rows that say from which dmu_O on a stable one is more stable than is physical.

    Args:
        rows: List of `Row`, the stable ones known.
        error: Of the method on oxidised faces, eV/Å^2.
    """
    return [
        replace(row, doubtful_from=doubtful_from(row.line, row.stable, error))
        if row.stable
        else row
        for row in rows
    ]


def doubts(rows: Iterable[Row], method: tuple[str, str]) -> list[str]:
    """Return warnings about oxidised faces that a method makes too stable, as sentences."""
    told, error = [], oxidised_error(method)
    for row in rows:
        if row.stable is None or row.doubtful_from is None:
            continue
        name, below = f"{row.facet}: {row.name}", doubtful_from(row.line, row.stable)
        if error:
            told.append(
                f"{name} has less than {1000 * error:.0f} meV/Å^2 above dmu_O = "
                f"{row.doubtful_from:.2f} eV. {method[0]} is too low by as much on oxidised "
                "faces (against PBE): how stable it is there is doubtful."
            )
        if below is not None:
            told.append(
                f"{name} has a surface free energy below 0 above dmu_O = {below:.3f} eV: no "
                "crystal would hold together. By this method the face is unphysically stable."
            )
    return told


def facet_warnings(rows: Iterable[Row], panels: Mapping[str, Sequence[Row]]) -> list[str]:
    """Return warnings about facets as sentences.

    Args:
        rows: Of `phase_diagram`.
        panels: Dict of facets to their rows.
    """
    told = []
    wrong: dict[tuple[str, str], list[str]] = {}
    for row in (row for row in rows if row.contradicted):
        wrong.setdefault((row.contradicted, row.facet), []).append(row.name)
    for (label, facet), names in wrong.items():
        told.append(
            f"{counted_slabs(names)} labelled {label}, but the atoms inside lie as in {facet}, "
            f"which counts: {some_of(names)}."
        )
    for facet, group in panels.items():
        if indices_of(facet) is None and len(group) > 1:
            told.append(
                f"{counted_slabs(group)} of facet {facet!r}, which geometry does not recognise and "
                "no Miller indices name. They are compared with each other and may be of different "
                f'facets: {some_of([row.name for row in group])}. Give info["facet"].'
            )
    return told


def counted_slabs(found: Sized) -> str:
    """Return `1 slab is` or `3 slabs are`."""
    return f"{len(found)} slab{' is' if len(found) == 1 else 's are'}"


def some_of(names: Sequence[str]) -> str:
    """Return the first names and how many there are more."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
