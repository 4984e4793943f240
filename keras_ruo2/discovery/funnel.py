"""Who comes how far from a sample to a new structure, and what the others died of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from ase import Atoms

from keras_ruo2.structure.energies import USABLE

STEPS = {
    "drawn": "Drawn",
    "structures": "with atoms",
    "whole": "mapped back without failures",
    "valid": "valid before relaxing",
    "unique": "valid and unique",
    "novel": "valid, unique and novel",
    "chosen": "Relaxed",
    "mended": "after atoms too close were pushed apart",
    "energies": "without failures, or not converged",
    "converged": "converged",
    "valid_after": "valid after relaxing",
    "unique_after": "valid and unique",
    "novel_after": "valid, unique and novel",
}


def count_stages(
    screened: Sequence[Atoms], relaxed: Sequence[Atoms]
) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Count who reaches each of `STEPS`.

    Args:
        screened: Every drawn structure after the first screening, of `mark_first_of_kind`.
        relaxed: Every relaxed structure after the second screening, of `mark_first_of_kind`.

    Returns:
        `(counts, reasons)`: dict of `STEPS` to numbers; dict of `backmap`, `before`, `relax` and
        `after` to dicts of reasons and how often each was given.
    """
    usable = [atoms for atoms in relaxed if is_rankable(atoms)]
    done = [atoms for atoms in relaxed if info_text(atoms, "relax_failures") in USABLE]
    counts = {
        "drawn": len(screened),
        "structures": sum(len(atoms) > 0 for atoms in screened),
        "whole": sum(info_text(atoms, "failures") == "no" for atoms in screened),
        "valid": sum(info_flag(atoms, "valid") for atoms in screened),
        "unique": sum(info_flag(atoms, "valid") and is_first_of_kind(atoms) for atoms in screened),
        "novel": sum(is_new(atoms) for atoms in screened),
        "chosen": len(relaxed),
        "mended": sum("mended_pairs" in atoms.info for atoms in relaxed),
        "energies": len(done),
        "converged": sum(info_text(atoms, "relax_failures") == "no" for atoms in relaxed),
        "valid_after": len(usable),
        "unique_after": sum(is_first_of_kind(atoms) for atoms in usable),
        "novel_after": sum(is_new(atoms) for atoms in usable),
    }
    reasons = {
        "backmap": count_reasons(screened, "failures"),
        "before": count_reasons(screened, "reasons"),
        "relax": count_reasons(relaxed, "relax_failures"),
        "after": count_reasons(relaxed, "reasons"),
    }
    return counts, reasons


def info_text(atoms: Atoms, name: str) -> str:
    """Return a text of `info`, `no` where there is none."""
    return str(atoms.info.get(name, "no"))


def info_flag(atoms: Atoms, name: str) -> bool:
    """Return a truth of `info`, false where there is none."""
    return bool(atoms.info.get(name, False))


def mark_first_of_kind(screened: list[Atoms]) -> list[Atoms]:
    """Return structures with `info["first_of_kind"]`: whether each stands for all like it.

    Args:
        screened: Every structure of a file of `screen`, in its order.
    """
    for index, atoms in enumerate(screened):
        atoms.info["first_of_kind"] = int(atoms.info.get("unique_of", -1)) == index
    return screened


def is_first_of_kind(atoms: Atoms) -> bool:
    """Say whether a structure of `mark_first_of_kind` stands for all like it."""
    return info_flag(atoms, "first_of_kind")


def is_new(atoms: Atoms) -> bool:
    """Say whether a structure is valid, the first of its kind, and unknown."""
    return info_flag(atoms, "valid") and is_first_of_kind(atoms) and info_flag(atoms, "novel")


def is_rankable(atoms: Atoms) -> bool:
    """Say whether a relaxed structure is one to rank: valid, with an energy."""
    return info_flag(atoms, "valid") and info_text(atoms, "relax_failures") in USABLE


def count_reasons(structures: Sequence[Atoms], name: str) -> dict[str, int]:
    """Count the words of a text of `info`, the most frequent first; `no` is none."""
    words = Counter(part for atoms in structures for part in info_text(atoms, name).split())
    words.pop("no", None)
    return dict(words.most_common())


def choose_for_relaxation(
    screened: Sequence[Atoms], number: int, estimates: Mapping[int, float] = MappingProxyType({})
) -> list[int]:
    """Choose the structures that are worth a relaxation, the most promising first.

    The valid ones that are novel come first, then known ones, then those of Ru and O with fewest
    reasons against them, so that a generator without valid structures spends as many relaxations
    as any other and one sees what becomes of them. Frames without atoms are never chosen, nor are
    valid ones that equal an earlier one: relaxed, they would be that one again.

    Args:
        screened: Structures after the first screening, of `mark_first_of_kind`.
        number: How many at most.
        estimates: How promising structures are by a cheap look, by index, the lowest the most.

    Returns:
        List of indices.
    """
    keys = {
        index: (
            not info_flag(atoms, "valid"),
            not info_flag(atoms, "novel"),
            estimates.get(index, np.inf),
            len(set(atoms.numbers.tolist())) < 2,
            len(info_text(atoms, "reasons").split()),
            float(atoms.info.get("residual", 0.0)),
            index,
        )
        for index, atoms in enumerate(screened)
        if len(atoms) and (is_first_of_kind(atoms) or not info_flag(atoms, "valid"))
    }
    return sorted(keys, key=keys.__getitem__)[:number]


def median_rmsd(relaxed: Sequence[Atoms]) -> float | None:
    """Return the median RMSD from start to relaxed of those with energies, Å, or `None`."""
    distances = [
        atoms.info["rmsd"] for atoms in relaxed if info_text(atoms, "relax_failures") in USABLE
    ]
    return float(np.median(distances)) if distances else None
