"""Who comes how far from a sample to a new structure, and what the others died of."""

from collections import Counter
from types import MappingProxyType

import numpy as np

USABLE = ("no", "not_converged")  # what a relaxation may say of a structure that is ranked
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


def count(screened, relaxed):
    """Count who reaches each of `STEPS`.

    Args:
        screened: Every drawn structure after the first screening, `judged`.
        relaxed: Every relaxed structure after the second screening, `judged`.

    Returns:
        `(counts, reasons)`: dict of `STEPS` to numbers; dict of `backmap`, `before`, `relax` and
        `after` to dicts of reasons and how often each was given.
    """
    usable = [atoms for atoms in relaxed if ranked(atoms)]
    done = [atoms for atoms in relaxed if word(atoms, "relax_failures") in USABLE]
    counts = {
        "drawn": len(screened),
        "structures": sum(len(atoms) > 0 for atoms in screened),
        "whole": sum(word(atoms, "failures") == "no" for atoms in screened),
        "valid": sum(flag(atoms, "valid") for atoms in screened),
        "unique": sum(flag(atoms, "valid") and first(atoms) for atoms in screened),
        "novel": sum(fresh(atoms) for atoms in screened),
        "chosen": len(relaxed),
        "mended": sum("mended_pairs" in atoms.info for atoms in relaxed),
        "energies": len(done),
        "converged": sum(word(atoms, "relax_failures") == "no" for atoms in relaxed),
        "valid_after": len(usable),
        "unique_after": sum(first(atoms) for atoms in usable),
        "novel_after": sum(fresh(atoms) for atoms in usable),
    }
    reasons = {
        "backmap": tally(screened, "failures"),
        "before": tally(screened, "reasons"),
        "relax": tally(relaxed, "relax_failures"),
        "after": tally(relaxed, "reasons"),
    }
    return counts, reasons


def word(atoms, name):
    """Return a text of `info`, `no` where there is none."""
    return str(atoms.info.get(name, "no"))


def flag(atoms, name):
    """Return a truth of `info`, false where there is none."""
    return bool(atoms.info.get(name, False))


def judged(screened):
    """Return structures with `info["first_of_kind"]`: whether each stands for all like it.

    Args:
        screened: Every structure of a file of `screen`, in its order.
    """
    for index, atoms in enumerate(screened):
        atoms.info["first_of_kind"] = int(atoms.info.get("unique_of", -1)) == index
    return screened


def first(atoms):
    """Say whether a structure of `judged` stands for all like it."""
    return flag(atoms, "first_of_kind")


def fresh(atoms):
    """Say whether a structure is valid, the first of its kind, and unknown."""
    return flag(atoms, "valid") and first(atoms) and flag(atoms, "novel")


def ranked(atoms):
    """Say whether a relaxed structure is one to rank: valid, with an energy."""
    return flag(atoms, "valid") and word(atoms, "relax_failures") in USABLE


def tally(structures, name):
    """Count the words of a text of `info`, the most frequent first; `no` is none."""
    words = Counter(part for atoms in structures for part in word(atoms, name).split())
    words.pop("no", None)
    return dict(words.most_common())


def choose(screened, number, estimates=MappingProxyType({})):
    """Choose the structures that are worth a relaxation, the most promising first.

    The valid ones that are novel come first, then known ones, then those of Ru and O with fewest
    reasons against them, so that a generator without valid structures spends as many relaxations
    as any other and one sees what becomes of them. Frames without atoms are never chosen, nor are
    valid ones that equal an earlier one: relaxed, they would be that one again.

    Args:
        screened: Structures after the first screening, `judged`.
        number: How many at most.
        estimates: How promising structures are by a cheap look, by index, the lowest the most.

    Returns:
        List of indices.
    """
    keys = {
        index: (
            not flag(atoms, "valid"),
            not flag(atoms, "novel"),
            estimates.get(index, np.inf),
            len(set(atoms.numbers.tolist())) < 2,
            len(word(atoms, "reasons").split()),
            float(atoms.info.get("residual", 0.0)),
            index,
        )
        for index, atoms in enumerate(screened)
        if len(atoms) and (first(atoms) or not flag(atoms, "valid"))
    }
    return sorted(keys, key=keys.get)[:number]


def moved(relaxed):
    """Return the median RMSD from start to relaxed of those with energies, Å, or `None`."""
    found = [atoms.info["rmsd"] for atoms in relaxed if word(atoms, "relax_failures") in USABLE]
    return float(np.median(found)) if found else None
