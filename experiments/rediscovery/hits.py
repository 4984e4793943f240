"""Which structures show a termination."""

from dataclasses import dataclass

import ase.io
import numpy as np

from keras_ruo2.screening.matching import fingerprint, same_slab
from keras_ruo2.screening.soap import worst_match
from keras_ruo2.structure.bonds import is_metal
from keras_ruo2.structure.validity import reasons_against

SHOWN_BY = ("ideal", "relaxed")  # variations of a slab that show its termination as it is
SAME_DENSITY = 0.1  # share by which the metal atoms per area of equal slabs may differ


@dataclass(frozen=True)
class Target:
    """A termination that is left out.

    Args:
        name: E.g. `110-O-rich`.
        members: Numbers of the slabs that show it.
    """

    name: str
    members: tuple


def known(path):
    """Return the bundled slabs and their fingerprints, `None` for those that are not valid."""
    slabs = ase.io.read(path, ":")
    return slabs, [None if reasons_against(slab) else fingerprint(slab) for slab in slabs]


def targets(slabs):
    """Return the `Target` of each facet and termination."""
    found = {}
    for number, slab in enumerate(slabs):
        if slab.info["variation"] in SHOWN_BY:
            name = f"{slab.info['facet'].strip('()')}-{slab.info['termination']}"
            found.setdefault(name, []).append(number)
    return [Target(name, tuple(members)) for name, members in found.items()]


def equal_to(target, slabs, prints):
    """Return the numbers of the slabs of a termination, and of all that equal one that shows it."""
    labels = {(slabs[k].info["facet"], slabs[k].info["termination"]) for k in target.members}
    shown = [prints[number] for number in target.members if prints[number]]
    return {
        number
        for number, (slab, found) in enumerate(zip(slabs, prints, strict=True))
        if (slab.info["facet"], slab.info["termination"]) in labels
        or (found and any(same(found, one) for one in shown))
    }


def same(one, other):
    """Say whether two fingerprints are of equal slabs."""
    return same_slab(one, other, worst_match(one.environments, other.environments))[0]


def find(drawn, wanted):
    """Look for a termination among drawn structures.

    Args:
        drawn: `ways.Drawn`.
        wanted: Fingerprints of the slabs that show it, `None` for those without.

    Returns:
        Dict: `first`, the number of the first draw that shows it, or `None`; `hits`, how many do;
        `rank`, the place of the best of them by the critic's score among the different draws, from
        1, or `None` without scores; `valid`, the share of valid draws.
    """
    wanted = [found for found in wanted if found]
    shown, valid = {}, {}
    for atoms, key in zip(drawn.structures, drawn.keys, strict=True):
        if key not in valid:
            valid[key] = not reasons_against(atoms)
            shown[key] = valid[key] and shows(atoms, wanted)
    numbers = [number for number, key in enumerate(drawn.keys) if shown[key]]
    rank = None
    if numbers and drawn.scores is not None:
        best = max(drawn.scores[number] for number in numbers)
        better = {key for key, score in zip(drawn.keys, drawn.scores, strict=True) if score > best}
        rank = len(better) + 1
    return {
        "first": numbers[0] if numbers else None,
        "hits": len(numbers),
        "rank": rank,
        "different": len(valid),
        "valid": float(np.mean([valid[key] for key in drawn.keys])),
    }


def shows(atoms, wanted):
    """Say whether a valid structure equals a slab; most need no fingerprint to be told apart."""
    metal = int(np.sum(is_metal(atoms)))
    density = metal / np.linalg.norm(np.cross(*atoms.cell[:2]))
    near = [
        one
        for one in wanted
        if (len(atoms) - metal) * one.num_ru == one.num_o * metal
        and abs(density / one.density - 1) < SAME_DENSITY
    ]
    return bool(near) and any(same(fingerprint(atoms), one) for one in near)
