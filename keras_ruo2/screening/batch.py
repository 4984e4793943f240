"""`screen`: structures -> which of them are valid, unique and new."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path

from ase import Atoms

from keras_ruo2.config import DiscoverConfig, ScreenConfig
from keras_ruo2.errors import check_choice, check_writable
from keras_ruo2.io import messages
from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.paths import shown, write_text
from keras_ruo2.io.progress import Progress
from keras_ruo2.io.structures import name_of, read_structures
from keras_ruo2.io.tables import table_writer
from keras_ruo2.screening.screening import (
    Known,
    Step,
    Verdict,
    check_screening_installed,
    energy_per_atom,
    funnel,
    known_slabs,
    screen,
)
from keras_ruo2.species import assumption_note
from keras_ruo2.structure.validity import INVALID

Row = dict[str, int | float | str]  # what the table says about a structure
NOTHING = "no"
# Columns of the table that go into `info`, and what else is said there.
TOLD = (
    "valid reasons unique_of novel matched matched_index matched_by new_thickness nearest kernel "
    "displacement upper_face lower_face excess_O upper_excess_O lower_excess_O dipole_per_area "
    "neighbours recognised_facet labelled"
).split()
ALWAYS_SHOWN = ("structures", "duplicate", "known", "known_faces")


def read_known(config: ScreenConfig | DiscoverConfig) -> tuple[list[Atoms], Known]:
    """Return the slabs of a config's `known`, and what structures are compared with."""
    references = read_structures(config.known)
    return references, known_slabs(references, config.pair)


def main(config: ScreenConfig) -> list[Step]:
    """Screen a file of structures; return the funnel.

    Args:
        config: `ScreenConfig`.

    Raises:
        ConfigError: Before anything is computed: missing libraries, unreadable files or an unknown
            reason in --accept.
    """
    check_screening_installed()
    for name in accepted(config):
        check_choice("accept", name, INVALID)
    structures = read_structures(config.structures)
    check_writable(config.out.parent)
    return screen_structures(config, structures, *read_known(config))


def accepted(config: ScreenConfig) -> list[str]:
    """Return the reasons of --accept."""
    return [name.strip() for name in config.accept.split(",") if name.strip()]


def screen_structures(
    config: ScreenConfig, structures: Sequence[Atoms], references: Sequence[Atoms], known: Known
) -> list[Step]:
    """Write the structures with what was found, the table and the funnel; return the funnel.

    Args:
        config: `ScreenConfig`, which the file of the funnel holds.
        structures: List of `ase.Atoms`.
        references: The known slabs.
        known: What `screening.known_slabs` made of them.
    """
    messages.info(f"Comparing with {len(references)} known slabs of {shown(config.known)}.")
    assumption_note(config.pair)
    if not known.indices:
        messages.info(
            f"None of them is of {' and '.join(config.pair)}: every valid slab counts as novel."
        )
    progress = Progress(len(structures))
    verdicts = screen(
        structures,
        known,
        accept=accepted(config),
        progress=progress.step,
        species=config.pair,
    )
    rows = [
        verdict_row(verdict, atoms, references)
        for verdict, atoms in zip(verdicts, structures, strict=True)
    ]
    chosen = [k for k, verdict in enumerate(verdicts) if wanted(verdict, config.only)]
    write_verdicts(config.out.with_suffix(".csv"), rows)
    steps = funnel(verdicts)
    summary = {"settings": config.as_dict(), "funnel": steps}
    write_text(config.out.with_suffix(".json"), json.dumps(summary, indent=1))
    write_frames(config.out, [annotated(structures[k], rows[k]) for k in chosen])
    messages.info(funnel_text(steps))
    messages.info(f"{shown(config.out)}: {len(chosen)} of {len(structures)} structures written.")
    return steps


def wanted(verdict: Verdict, only: str | None) -> bool:
    """Say whether --only keeps a structure."""
    if only == "novel":
        return verdict.unique and verdict.novel
    return {None: True, "valid": verdict.valid, "unique": verdict.unique}[only]


def verdict_row(verdict: Verdict, atoms: Atoms, references: Sequence[Atoms]) -> Row:
    """Return what the table says about a structure, a dict of numbers and words."""
    match, termination = verdict.match, verdict.termination
    row: Row = {
        "index": verdict.index,
        "name": name_of(atoms, verdict.index),
        "valid": verdict.valid,
        "reasons": " ".join(verdict.reasons) or NOTHING,
        "unique_of": -1 if verdict.first is None else verdict.first,
        "novel": verdict.novel,
        "matched": NOTHING,
        "matched_index": -1,
        "matched_by": NOTHING,
        "new_thickness": verdict.new_thickness,
    }
    if match:
        nearest = name_of(references[match.index], match.index)
        row |= {"nearest": nearest, "kernel": round(match.kernel, 5)}
        if match.same:
            row |= {"matched": nearest, "matched_index": match.index, "matched_by": "slab"}
        if verdict.faces:
            pair = dict.fromkeys((verdict.faces.upper, verdict.faces.lower))
            names = " | ".join(name_of(references[index], index) for index in pair)
            row |= {"matched": names, "matched_index": verdict.faces.upper, "matched_by": "faces"}
        if isfinite(match.displacement):
            row["displacement"] = round(match.displacement, 4)
    if termination:
        row |= {
            "facet": termination.facet,
            "upper_face": termination.upper.label,
            "lower_face": termination.lower.label,
            "excess_O": round(termination.excess, 5),
            "upper_excess_O": round(termination.upper.excess, 5),
            "lower_excess_O": round(termination.lower.excess, 5),
            "dipole_per_area": round(termination.dipole, 4),
            "neighbours": " ".join(f"{key}:{n}" for key, n in termination.histogram.items()),
        }
        energy = energy_per_atom(atoms)
        row |= {"energy_per_atom": round(energy, 6)} if isfinite(energy) else {}
    return row


def annotated(atoms: Atoms, row: Row) -> Atoms:
    """Return a structure with its row in `info`; `facet` and `name` stay if it came with them.

    Structures without a `termination` get the label of their two faces as one. What an earlier
    screening said, before the structure was relaxed perhaps, is forgotten.
    """
    result = atoms.copy()
    result.calc = atoms.calc
    said = {*TOLD, *str(atoms.info.get("labelled", "")).split()}
    result.info = {name: value for name, value in atoms.info.items() if name not in said}
    result.info |= {name: row[name] for name in TOLD if name in row}
    result.info.setdefault("name", row["name"])
    if "facet" in row:
        faces = dict.fromkeys((str(row["upper_face"]), str(row["lower_face"])))
        labels = {"facet": row["facet"], "termination": " | ".join(faces)}
        lacking = [name for name in labels if name not in result.info]
        result.info |= {name: labels[name] for name in lacking}
        result.info |= {"recognised_facet": row["facet"], "labelled": " ".join(lacking) or NOTHING}
    return result


def write_verdicts(path: Path, rows: Sequence[Row]) -> None:
    """Write a row for every structure, in their order."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with table_writer(path) as writer:
        writer.writerow(names)
        for row in rows:
            writer.writerow([row.get(name, "") for name in names])


def funnel_text(steps: Iterable[Step]) -> str:
    """Return the funnel as text: who fails which criterion, and how many are left after it."""
    lines = [f"{'':20s}  fail  left"]
    for step in steps:
        if step["failed"] or step["step"] in ALWAYS_SHOWN:
            lines.append(f"{step['step']:20s}  {step['failed']:>4}  {step['left']:>4}")
    return "\n".join(lines)
