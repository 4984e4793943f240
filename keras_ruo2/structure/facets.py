"""One name for one facet: what a slab shows, and how people spell it."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms

from keras_ruo2.structure.bonds import is_metal
from keras_ruo2.structure.orientation import FACETS, UNKNOWN, deviation_from, facet_of

BRACKETS = "()[]{}<> \t"
OVERLINES = dict.fromkeys(map(ord, "\u0304\u0305"))  # of crystallographers' minus signs
INDEX, BETWEEN = r"([-−+]?\d)", r"[\s,;x×*_/]*"
SPELLING = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9]*[\s_:=(\[{-]+)?" + BETWEEN.join([INDEX] * 3)  # RuO2(110), 1x1x0
)
NAME = re.compile(r"\((\d)(\d)(\d)\)")  # as every facet with known Miller indices is named
Miller = tuple[int, ...]
NO_LABELS = ("", "none", "nan", "slabs", UNKNOWN)


class Facet(NamedTuple):
    """What facet a slab is of.

    Args:
        name: `"(110)"` and so on; a label that is no Miller indices where geometry recognises
            nothing; or `"unknown"`.
        label: What the structure was labelled, as text; empty if it was not.
        contradicted: Whether geometry recognised another facet than the label's.
    """

    name: str
    label: str
    contradicted: bool


def indices_of(name: str) -> Miller | None:
    """Return the Miller indices in a facet's name, `(1, 1, 0)` of `"(110)"`, or `None`."""
    match = NAME.fullmatch(name)
    return tuple(int(digit) for digit in match.groups()) if match else None


def facet_in(atoms: Atoms) -> Facet:
    """Return the `Facet` of a slab: what geometry recognises, else what its label says.

    Args:
        atoms: `ase.Atoms`, a slab across its third cell vector, `info["facet"]` its label.
    """
    label = label_of(atoms)
    spelled = miller_name(atoms.info.get("facet"))
    recognised = recognised_facet(atoms)
    if recognised == UNKNOWN or fits_better(spelled, recognised, atoms):
        return Facet(spelled or label or UNKNOWN, label, False)
    return Facet(recognised, label, spelled not in (None, recognised))


def recognised_facet(atoms: Atoms) -> str:
    """Return `facet_of` for a slab as it comes, `"unknown"` for what is no oxide."""
    if not is_metal(atoms).any() or is_metal(atoms).all():
        return UNKNOWN
    return facet_of(periodic(atoms))


def fits_better(spelled: str | None, recognised: str, atoms: Atoms) -> bool:
    """Say whether a slab is labelled a facet that nobody looks for, such as (301), and fits it.

    Of `orientation.FACETS` the nearest one is recognised; (301) is near (111).
    """
    indices, nearest = spelled and indices_of(spelled), indices_of(recognised)
    if not indices or nearest is None or indices in FACETS:
        return False
    own, other = (deviation_from(which, periodic(atoms)) for which in (indices, nearest))
    return not own >= other  # in slabs too thin to tell both are NaN


def periodic(atoms: Atoms) -> Atoms:
    """Return a copy that is periodic, all its atoms inside the cell."""
    whole = atoms.copy()
    whole.pbc = True
    whole.wrap()
    return whole


def label_of(atoms: Atoms) -> str:
    """Return the label that a slab came with as text, empty where it says nothing."""
    text = str(atoms.info.get("facet", "")).strip()
    return "" if text.lower() in NO_LABELS else text


def miller_name(label: Any) -> str | None:
    """Return the one name of a facet of a rutile crystal, however its Miller indices are spelled.

    Understood are 110, "110", "(110)", "1x1x0", "1 1 0", "[1, 1, 0]", (1, 1, 0), "RuO2(1-10)" and
    the like; numbers that lost their leading zeros count with them (1 is (001)).

    Args:
        label: Text, number or sequence of three integers.

    Returns:
        `"(110)"` for all facets that the crystal's symmetry makes equal to it; `None` for labels
        that are no Miller indices.
    """
    if isinstance(label, bool | np.bool_) or label is None:
        return None
    indices = from_number(label) if np.ndim(label) == 0 else from_sequence(label)
    return None if indices is None or not any(indices) else facet_name(indices)


def from_number(label: Any) -> Miller | None:
    """Return the three indices in a text or a number, or `None`."""
    if isinstance(label, int | float | np.number):
        if not np.isfinite(label) or label != int(label) or abs(int(label)) > 999:
            return None
        return tuple(int(digit) for digit in f"{abs(int(label)):03d}")
    text = str(label).translate(OVERLINES).strip(BRACKETS)
    match = SPELLING.fullmatch(text)
    if match:
        return tuple(int(digit.replace("−", "-")) for digit in match.groups())
    short = text if text.isdigit() and len(text) < 3 else None
    return None if short is None else from_number(int(short))


def from_sequence(label: Any) -> Miller | None:
    """Return three integers that come as a sequence, or `None`."""
    values = np.ravel(np.asarray(label, dtype=object)).tolist()
    try:
        numbers = [int(value) for value in values]
        whole = all(float(value) == number for value, number in zip(values, numbers, strict=True))
    except (TypeError, ValueError):
        return None
    return tuple(numbers) if len(numbers) == 3 and whole else None


def facet_name(indices: Sequence[int]) -> str:
    """Return the name that stands for all facets that are equal in rutile's point group 4/mmm.

    The two edges of the square base may be swapped and every sign turned.
    """
    h, k, n = (abs(int(index)) for index in np.asarray(indices) // np.gcd.reduce(indices))
    return f"({max(h, k)}{min(h, k)}{n})"
