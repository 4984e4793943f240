"""What the page of `discover` says of structures: the generator's own best, known ones, others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ase import Atoms

from keras_ruo2.discovery.differences import differences
from keras_ruo2.discovery.funnel import info_flag, info_text, is_rankable
from keras_ruo2.discovery.handoff import REFERENCES, read_energies, read_reference_outputs
from keras_ruo2.discovery.ranking import lowest_known, rank_candidates
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.structures import name_of
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.facets import facet_in, periodic
from keras_ruo2.structure.terminations import termination_of
from keras_ruo2.thermodynamics.diagram import rank_slabs
from keras_ruo2.thermodynamics.phase_diagram import write_diagram
from keras_ruo2.thermodynamics.references import read_references, references_among
from keras_ruo2.thermodynamics.surface import oxygen_range

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config import DiscoverConfig
    from keras_ruo2.discovery.ranking import Ranked
    from keras_ruo2.discovery.report import Results
    from keras_ruo2.species import Pair
    from keras_ruo2.thermodynamics.surface import Line, References


LISTED = 100  # structures of the generator, and of all baselines, in the table
GENERATED, KNOWN = "generated", "known"


def describe_best(
    config: DiscoverConfig,
    results: Sequence[Results],
    ranking: tuple[Sequence[Ranked], Sequence[Atoms], References | None],
    limits: tuple[float, float],
    known: Sequence[Atoms],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the table's rows: the generator's structures, known ones, those of the baselines.

    Each group is ordered by its surface free energy in the middle of RuO2's range of dmu_O. Of
    known slabs those are listed that are the best of their facet somewhere in it. Where the
    generator has fewer valid structures than are to be shown, those that failed follow them.

    Args:
        config: `DiscoverConfig`.
        results: `Results` of each method.
        ranking: `(rows, comparable, references)`: `Ranked` structures, known slabs of the same
            calculator and its `References`.
        limits: Ends of dmu_O, eV.
        known: All reference slabs, which screening compared with.
    """
    rows, comparable, references = ranking
    named = {name_of(slab, number): slab for number, slab in enumerate(known)}
    ordered = sorted(rows, key=lambda row: row.line(sum(limits) / 2))
    own: list[Ranked] = []
    others: list[Ranked] = []
    for row in ordered:
        group = own if row.atoms.info["method"] == GENERATED else others
        group.append(row)
    failed = [atoms for atoms in results[0].relaxed if not is_rankable(atoms) and len(atoms)]
    missing = max(0, config.shown - len(own))
    listed = [structure_row(row.atoms, row, named, config.pair) for row in own[:LISTED]]
    listed += [structure_row(atoms, None, named, config.pair) for atoms in failed[:missing]]
    best = [] if references is None else lowest_known(comparable, references, limits)
    beside = [known_row(atoms, number, line, config.pair) for number, atoms, line in best]
    return listed, beside + [
        structure_row(row.atoms, row, named, config.pair) for row in others[:LISTED]
    ]


def structure_row(
    atoms: Atoms, row: Ranked | None, named: Mapping[str, Atoms], pair: Pair
) -> dict[str, Any]:
    """Return what the page says about a structure, given its `Ranked` unless it failed.

    Args:
        atoms: As `screen` returned it.
        row: `Ranked` or `None`.
        named: Dict of names to known slabs.
        pair: Metal and anion.
    """
    info, failed = atoms.info, row is None
    died = f"{info_text(atoms, 'relax_failures')}; {info_text(atoms, 'reasons')}"
    nearest = None if failed else named.get(info_text(atoms, "nearest"))
    return {
        "name": info["name"],
        "method": info["method"],
        "origin": origin_of(atoms, failed),
        "novel": not failed and info_flag(atoms, "novel"),
        "atoms": atoms,
        "anion": pair[1],
        "facet": "–" if failed else facet_in(atoms).name,
        "above": None if row is None else 1000 * row.above,
        "line": None if row is None else row.line,
        "said": f"not a slab ({died})" if row is None else distance(row),
        "chain": chain(atoms),
        "nearest": None if nearest is None else (info_text(atoms, "nearest"), nearest),
        "difference": [] if nearest is None else differences(atoms, nearest),
    }


def distance(row: Ranked) -> str:
    """Return in words how far a `Ranked` is from the best slab that it was compared with."""
    place = "below" if row.above < 0 else "above"
    best = "the best known slab" if row.beside_known else "the best one found (none is known)"
    return f"{abs(1000 * row.above):.1f} meV/Å² {place} {best}"


def origin_of(atoms: Atoms, failed: bool) -> str:
    """Return where a structure comes from and whether it is a known one, in words."""
    kind = GENERATED if atoms.info["method"] == GENERATED else "baseline"
    if failed:
        return f"{kind}, failed"
    if info_flag(atoms, "novel"):
        return f"{kind}, new"
    if info_text(atoms, "matched_by") != "faces":
        return f"{kind}, equals {info_text(atoms, 'matched')}"
    thickness = ", new thickness" if info_flag(atoms, "new_thickness") else ""
    return f"{kind}, has the faces of {info_text(atoms, 'matched')}{thickness}"


def known_row(atoms: Atoms, number: int, line: Line, pair: Pair) -> dict[str, Any]:
    """Return what the page says about a known slab."""
    return {
        "name": name_of(atoms, number),
        "method": KNOWN,
        "origin": KNOWN,
        "novel": False,
        "atoms": atoms,
        "anion": pair[1],
        "facet": facet_in(atoms).name,
        "above": None,
        "line": line,
        "said": "known",
        "chain": "a slab of --known, the best of its facet somewhere between the ends of dmu_O",
        "nearest": None,
        "difference": [f"Faces: {termination_of(periodic(atoms)).label}."],
    }


def chain(atoms: Atoms) -> str:
    """Return how a structure came about, from the seed to its energy."""
    info = atoms.info
    origin = f"seed {info['drawn_with_seed']}, number {info['drawn_as']}"
    if "residual" in info:
        origin += f", backmap residual {info['residual']:.3f}"
    if "parents" in info:
        origin += f", {info['parents']}"
    energy = potential_energy(atoms)
    if energy is None:
        return f"{origin}; {info_text(atoms, 'relax_failures')}"
    return (
        f"{origin}; before: {info_text(atoms, 'reasons_before')}; "
        f"{info['relaxation_steps']} steps of {info['optimiser']}, RMSD {info['rmsd']:.2f} Å, "
        f"{info['stopped']}; "
        f"{energy:.3f} eV ({info['calculator']})"
    )


def rank_again(
    config: DiscoverConfig,
    dft: Path,
    handed: Sequence[Atoms],
    rows: Sequence[Ranked],
    notes: list[str],
) -> tuple[list[dict[str, Any]], list[tuple[Path, str]]]:
    """Read DFT's energies, rank what they belong to, and draw its own phase diagram.

    Returns:
        `(table, pictures)`: rows for the page, and pictures with captions.
    """
    if config.dft_references is not None:
        references = read_references(config.dft_references, ("", ""), species=config.pair)
    else:
        computed = read_reference_outputs(dft, config.pair)
        references = references_among(dft / REFERENCES, computed, ("", ""), species=config.pair)
    relabelled, left_out = read_energies(dft, handed)
    notes += [f"Left out of DFT's ranking: {reason}." for reason in left_out]
    limits = oxygen_range(references)
    again = rank_candidates([atoms for _, atoms in relabelled], [], references, limits)
    before = {row.atoms.info["name"]: (k + 1, row.line) for k, row in enumerate(rows)}
    table = []
    for place, row in enumerate(again, start=1):
        old_place, old_line = before[row.atoms.info["name"]]
        table.append(
            {
                "name": row.atoms.info["name"],
                "rank": old_place,
                "dft_rank": place,
                "values": (1000 * old_line(0.0), 1000 * row.line(0.0)),
                "flaws": row.atoms.info["dft_flaws"],
            }
        )
    folder = config.out / "dft"
    folder.mkdir(exist_ok=True)
    slabs = [row.atoms for row in again]
    write_frames(folder / "slabs.extxyz", slabs)
    try:
        write_diagram(folder, rank_slabs(slabs, references=references, species=config.pair))
    except ConfigError as error:
        notes.append(f"No phase diagram by DFT: {error}")
        return table, []
    return table, [(folder / "phase_diagram.png", "Surface free energies by DFT.")]
