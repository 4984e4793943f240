"""Validity, uniqueness, novelty and terminations of many structures, and their funnel."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypedDict

from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.extras import install
from keras_ruo2.screening.faces import FaceMatch, KnownFaces
from keras_ruo2.screening.matching import Fingerprint, slab_fingerprint
from keras_ruo2.screening.novelty import Match, find_match, first_of_kinds
from keras_ruo2.species import SPECIES, Pair
from keras_ruo2.structure.cells import energy_per_atom
from keras_ruo2.structure.facets import periodic
from keras_ruo2.structure.terminations import SlabTermination, termination_of
from keras_ruo2.structure.validity import INVALID, UNREADABLE, reasons_against, unreadable


@dataclass(frozen=True)
class Verdict:
    """What screening says about a structure.

    Args:
        index: Of the structure.
        reasons: All that speaks against it, by name.
        valid: Whether it counts as a slab: no reason, or accepted ones only.
        first: Index of the structure that it repeats, its own one if it is unique; `None` if it is
            not valid.
        match: The known slab that it equals or that is nearest; `None` if it is not valid, or if
            nothing is known.
        termination: Its faces; `None` if it is not valid.
        faces: The known slabs that have its faces, if it equals none of them as a whole.
    """

    index: int
    reasons: tuple[str, ...] = ()
    valid: bool = False
    first: int | None = None
    match: Match | None = None
    termination: SlabTermination | None = None
    faces: FaceMatch | None = None

    @property
    def unique(self) -> bool:
        """Whether it is the first of those that are the same."""
        return self.first == self.index

    @property
    def novel(self) -> bool:
        """Whether it is valid and neither it nor its two faces are known."""
        return self.valid and not self.equals_known and self.faces is None

    @property
    def equals_known(self) -> bool:
        """Whether it equals a known slab as a whole."""
        return bool(self.match and self.match.same)

    @property
    def new_thickness(self) -> bool:
        """Whether it is a known termination on another number of layers."""
        return self.faces is not None and self.faces.new_thickness


class Step(TypedDict):
    """A criterion, how many fail it, and how many are left after it."""

    step: str
    failed: int
    left: int


class Known(NamedTuple):
    """Known slabs as structures are compared with them.

    Args:
        indices: Of those that can be compared with.
        fingerprints: Theirs.
        faces: `KnownFaces`.
    """

    indices: list[int]
    fingerprints: list[Fingerprint]
    faces: KnownFaces


def check_screening_installed() -> None:
    """Raise `ConfigError` unless the libraries of the extra `screen` are there."""
    missing = [name for name in ("dscribe", "pymatgen") if not importlib.util.find_spec(name)]
    if missing:
        raise ConfigError(f"Screening needs {' and '.join(missing)}. Install: {install('screen')}")


def known_slabs(structures: Sequence[Atoms], species: Pair = SPECIES) -> Known:
    """Return `Known` of the structures that can be compared with.

    Those that lack one of the two `species` or hold other elements are left out: no valid slab
    equals them.
    """
    usable = [k for k, atoms in enumerate(structures) if is_oxide(atoms, species)]
    prints = [slab_fingerprint(structures[index]) for index in usable]
    return Known(usable, prints, KnownFaces(structures, usable, species))


def is_oxide(atoms: Atoms, species: Pair = SPECIES) -> bool:
    """Say whether a structure can be read and holds both `species`."""
    return not unreadable(atoms, species) and set(species) <= set(atoms.get_chemical_symbols())


def screen(
    structures: Sequence[Atoms],
    known: Known,
    *,
    accept: Collection[str] = (),
    progress: Callable[[str], object] = lambda text: None,
    species: Pair = SPECIES,
) -> list[Verdict]:
    """Judge every structure.

    Args:
        structures: List of `ase.Atoms`; frames without atoms are allowed.
        known: What `known_slabs` returned for the slabs that do not count as new.
        accept: Names of reasons that do not make a structure invalid.
        progress: Called with a few words after each structure.
        species: Metal and anion of the slabs.

    Returns:
        List of `Verdict` in the order of `structures`.
    """
    verdicts: list[Verdict] = []
    prints: dict[int, Fingerprint] = {}
    for index, atoms in enumerate(structures):
        reasons = reasons_against(atoms, species)
        valid = set(reasons) <= set(accept) and is_oxide(atoms, species)
        verdict = Verdict(index, reasons, valid)
        if verdict.valid:
            prints[index] = slab_fingerprint(atoms)
            match = look_up(prints[index], known)
            verdict = replace(
                verdict,
                match=match,
                termination=termination_of(periodic(atoms)),
                faces=known.faces.find(atoms) if match and not match.same else None,
            )
        verdicts.append(verdict)
        progress(verdict_text(verdict))
    compared = list(prints)
    first = first_of_kinds(
        list(prints.values()), [energy_per_atom(structures[index]) for index in compared]
    )
    for index, leader in zip(compared, first, strict=True):
        verdicts[index] = replace(verdicts[index], first=compared[leader])
    return verdicts


def look_up(fingerprint: Fingerprint, known: Known) -> Match | None:
    """Return the `Match` among known slabs, its index that of the structure; `None` without any."""
    if not known.fingerprints:
        return None
    match = find_match(fingerprint, known.fingerprints)
    return replace(match, index=known.indices[match.index])


def verdict_text(verdict: Verdict) -> str:
    """Return a few words on a structure."""
    if verdict.termination is None:
        return " ".join(verdict.reasons)
    words = f"{verdict.termination.facet} {verdict.termination.label}"
    new = "  novel" if verdict.novel else "  new thickness" if verdict.new_thickness else ""
    return f"{words}{new}"


def funnel(verdicts: Sequence[Verdict]) -> list[Step]:
    """Count what is left after each criterion.

    Args:
        verdicts: List of `Verdict`.

    Returns:
        List of `Step`, `failed` of all that fail it, whatever else they fail.
        Unique and novel ones are counted together in the last steps: those that equal no known slab
        (`known`), and those of them whose faces are not known either (`known_faces`).
    """
    steps: list[Step] = [{"step": "structures", "failed": 0, "left": len(verdicts)}]
    left = list(verdicts)
    failed = Counter(name for verdict in verdicts for name in verdict.reasons)
    for name in (*UNREADABLE, *INVALID):
        left = [verdict for verdict in left if verdict.valid or name not in verdict.reasons]
        steps.append({"step": name, "failed": failed[name], "left": len(left)})
    unique = [verdict for verdict in left if verdict.unique]
    novel = [verdict for verdict in unique if verdict.novel]
    known = sum(verdict.equals_known for verdict in left)
    faces = sum(verdict.faces is not None for verdict in left)
    unequal = [verdict for verdict in unique if not verdict.equals_known]
    steps.append({"step": "duplicate", "failed": len(left) - len(unique), "left": len(unique)})
    steps.append({"step": "known", "failed": known, "left": len(unequal)})
    steps.append({"step": "known_faces", "failed": faces, "left": len(novel)})
    return steps
