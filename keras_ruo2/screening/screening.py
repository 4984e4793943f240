"""Validity, uniqueness, novelty and terminations of many structures, and their funnel."""

import importlib.util
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from keras_ruo2.errors import ConfigError
from keras_ruo2.screening.matching import fingerprint
from keras_ruo2.screening.novelty import Match, find_match, group
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.terminations import Termination, termination_of
from keras_ruo2.structure.validity import REASONS, UNREADABLE, reasons_against, unreadable


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
    """

    index: int
    reasons: tuple = ()
    valid: bool = False
    first: int | None = None
    match: Match | None = None
    termination: Termination | None = None

    @property
    def unique(self):
        """Whether it is the first of those that are the same."""
        return self.first == self.index

    @property
    def novel(self):
        """Whether it is valid and equals nothing that is known."""
        return self.valid and not (self.match and self.match.same)


def check_installed():
    """Raise `ConfigError` unless the libraries of the extra `screen` are there."""
    missing = [name for name in ("dscribe", "pymatgen") if not importlib.util.find_spec(name)]
    if missing:
        raise ConfigError(
            f"Screening needs {' and '.join(missing)}. Install: pip install -e '.[screen]'"
        )


def known_slabs(structures, species=SPECIES):
    """Return `(indices, fingerprints)` of the structures that can be compared with.

    Those that lack one of the two `species` or hold other elements are left out: no valid slab
    equals them.
    """
    usable = [k for k, atoms in enumerate(structures) if is_oxide(atoms, species)]
    return usable, [fingerprint(structures[index]) for index in usable]


def is_oxide(atoms, species=SPECIES):
    """Say whether a structure can be read and holds both `species`."""
    return not unreadable(atoms, species) and set(species) <= set(atoms.get_chemical_symbols())


def screen(structures, known, *, accept=(), progress=lambda text: None, species=SPECIES):
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
    verdicts, prints = [], {}
    for index, atoms in enumerate(structures):
        reasons = reasons_against(atoms, species)
        valid = set(reasons) <= set(accept) and is_oxide(atoms, species)
        verdict = Verdict(index, reasons, valid)
        if verdict.valid:
            prints[index] = fingerprint(atoms)
            verdict = replace(
                verdict,
                match=look_up(prints[index], known),
                termination=termination_of(periodic(atoms)),
            )
        verdicts.append(verdict)
        progress(describe(verdict))
    valid = list(prints)
    first = group(list(prints.values()), [energy_per_atom(structures[index]) for index in valid])
    for index, leader in zip(valid, first, strict=True):
        verdicts[index] = replace(verdicts[index], first=valid[leader])
    return verdicts


def look_up(found, known):
    """Return the `Match` of a fingerprint among known slabs, its index that of the structure."""
    indices, fingerprints = known
    if not fingerprints:
        return None
    match = find_match(found, fingerprints)
    return match._replace(index=indices[match.index])


def periodic(atoms):
    """Return a copy that is periodic in all three directions."""
    result = atoms.copy()
    result.pbc = True
    return result


def energy_per_atom(atoms):
    """Return the energy that came with a structure, eV per atom, or NaN."""
    energy = potential_energy(atoms)
    return np.nan if energy is None else energy / len(atoms)


def describe(verdict):
    """Return a few words on a structure."""
    if not verdict.valid:
        return " ".join(verdict.reasons)
    words = f"{verdict.termination.facet} {verdict.termination.label}"
    return f"{words}{'  novel' if verdict.novel else ''}"


def funnel(verdicts):
    """Count what is left after each criterion.

    Args:
        verdicts: List of `Verdict`.

    Returns:
        List of dicts with `step`, `failed` (all that fail it, whatever else they fail) and `left`.
        Unique and novel ones are counted together in the last step: novel slabs, each once.
    """
    steps = [{"step": "structures", "failed": 0, "left": len(verdicts)}]
    left = list(verdicts)
    failed = Counter(name for verdict in verdicts for name in verdict.reasons)
    for name in (*UNREADABLE, *REASONS):
        left = [verdict for verdict in left if verdict.valid or name not in verdict.reasons]
        steps.append({"step": name, "failed": failed[name], "left": len(left)})
    unique = [verdict for verdict in left if verdict.unique]
    novel = [verdict for verdict in unique if verdict.novel]
    known = sum(not verdict.novel for verdict in left)
    steps.append({"step": "duplicate", "failed": len(left) - len(unique), "left": len(unique)})
    steps.append({"step": "known", "failed": known, "left": len(novel)})
    return steps
