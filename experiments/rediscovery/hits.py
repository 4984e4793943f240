"""Which structures show a termination."""

import functools
from dataclasses import dataclass

import ase.io
import numpy as np
from ase import Atoms
from ase.optimize import FIRE

from keras_ruo2.relaxation.calculators import make_calculator
from keras_ruo2.screening.matching import same_slab, slab_fingerprint
from keras_ruo2.screening.soap import worst_match
from keras_ruo2.structure.bonds import is_metal
from keras_ruo2.structure.validity import reasons_against

SHOWN_BY = ("ideal", "relaxed")  # variations of a slab that show its termination as it is
CHECKED = 300  # draws of which it is told how many are valid
MOST_STEPS = 120  # of a relaxation
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
    return slabs, [None if reasons_against(slab) else slab_fingerprint(slab) for slab in slabs]


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


def find(drawn, wanted, relaxations):
    """Look for a termination among drawn structures.

    Relaxing leaves a slab's composition alone, so only draws that have that of the termination are
    relaxed, the first ones, and only where none shows it as drawn.

    Args:
        drawn: `ways.Drawn`.
        wanted: Fingerprints of the slabs that show it, `None` for those without.
        relaxations: The most draws that are relaxed.

    Returns:
        Dict: `first`, the number of the first draw that shows it, or `None`; `hits`, how many do;
        `rank`, the place of the best of them by the critic's score, from 1, or `None` without
        scores; `valid`, the share of valid ones of the first `CHECKED`; `like`, how many valid
        draws have its composition and metal density; `relaxed`, how many of them were relaxed, and
        `after`, the number of the first draw that shows it then, or `None`; `tried`, how many draws
        these are the different ones of.
    """
    wanted = [found for found in wanted if found]
    checked = [not reasons_against(atoms) for atoms in drawn.structures[:CHECKED]]
    alike = [
        number
        for number, atoms in enumerate(drawn.structures)
        if any(is_like(atoms, one) for one in wanted) and not reasons_against(atoms)
    ]
    shown = [number for number in alike if shows(drawn.structures[number], wanted)]
    rank, after, done = None, None, 0
    if shown and drawn.scores is not None:
        rank = int((drawn.scores > max(drawn.scores[shown])).sum()) + 1
    for number in [] if shown else alike[:relaxations]:
        done += 1
        if shows(relax(drawn.structures[number]), wanted):
            after = int(number)
            break
    return {
        "first": int(shown[0]) if shown else None,
        "hits": len(shown),
        "rank": rank,
        "valid": float(np.mean(checked)),
        "like": len(alike),
        "relaxed": done,
        "after": after,
        "tried": drawn.tried or len(drawn.structures),
    }


def is_like(atoms, one):
    """Say whether a slab has the composition and the metal density of a fingerprint."""
    metal = int(np.sum(is_metal(atoms)))
    density = metal / np.linalg.norm(np.cross(*atoms.cell[:2]))
    same_ratio = (len(atoms) - metal) * one.num_ru == one.num_o * metal
    return same_ratio and abs(density / one.density - 1) < SAME_DENSITY


def shows(atoms, wanted):
    """Say whether a structure is valid and equals a slab of its composition."""
    near = [one for one in wanted if is_like(atoms, one)]
    if not near or reasons_against(atoms):
        return False
    return any(same(slab_fingerprint(atoms), one) for one in near)


def relax(atoms):
    """Return a slab as CHGNet relaxes it."""
    atoms = atoms.copy()
    atoms.calc = calculator()
    FIRE(atoms, logfile=None, maxstep=0.1).run(fmax=0.1, steps=MOST_STEPS)
    return Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)


@functools.cache
def calculator():
    """Return the calculator, made once."""
    return make_calculator("chgnet")[0]
