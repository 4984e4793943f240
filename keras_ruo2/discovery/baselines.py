"""What structures look like that no generator was needed for: two ways to make them up."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.bounds import bound
from keras_ruo2.structure.cells import lateral_repeats, orthogonalise, repeat, set_vacuum
from keras_ruo2.structure.validity import broken

VACUUM = 12.0  # Å, as in the records that generators learn from
LARGEST = 100  # atoms
CLOSEST = bound("merged")
TRIES = 200  # places that are tried for an atom before it may come closer to the others
YIELDED = 0.95  # share of its distances that it must keep then
RATTLE = 0.3  # Å, standard deviation along x, y and z


def templates(slabs: Sequence[Atoms], largest: int = LARGEST) -> list[Atoms]:
    """Return whole training slabs in orthogonal cells that are repeated along x and y.

    Args:
        slabs: List of `ase.Atoms`.
        largest: Most atoms that a template should have; fewer repeats than generators learn from
            are made for it, which is kind to the baselines.

    Returns:
        List of `ase.Atoms`, atoms of one species after the other, names in `info["name"]`.

    Raises:
        ConfigError: If none is whole.
    """
    cells = []
    for number, slab in enumerate(slabs):
        if broken(slab):
            continue
        box = set_vacuum(orthogonalise(slab), VACUUM)
        repeats = list(lateral_repeats(box.cell.lengths()))
        while len(box) * np.prod(repeats) > largest and max(repeats) > 1:
            repeats[int(np.argmax(repeats))] -= 1
        box = repeat(box, (repeats[0], repeats[1], 1))
        box = box[np.argsort(-box.numbers, kind="stable")]
        box.info = {"name": str(slab.info.get("name", f"slab-{number}"))}
        box.calc = None
        cells.append(box)
    if not cells:
        raise ConfigError(
            f"None of {len(slabs)} reference slabs is whole, so that there is nothing to make "
            "baselines from. Give another --known, or --baselines=none."
        )
    return cells


def place_at_random(slabs: Sequence[Atoms], rng: np.random.Generator) -> Atoms:
    """Return the composition, cell and thickness of a training slab, its atoms anywhere.

    Atoms are placed one after the other, none closer to another than `CLOSEST` allows; where no
    place is found, a little closer.
    """
    slab = slabs[int(rng.integers(len(slabs)))]
    low, high = slab.positions[:, 2].min(), slab.positions[:, 2].max()
    box, radii = slab.cell.lengths(), covalent_radii[slab.numbers]
    placed, share = np.empty((0, 3)), CLOSEST
    for index in range(len(slab)):
        reach = radii[:index] + radii[index]
        while True:
            places = rng.uniform([0, 0, low], [box[0], box[1], high], size=(TRIES, 3))
            apart = places[:, None] - placed[None]
            apart -= box * np.round(apart / box)
            free = np.flatnonzero((np.linalg.norm(apart, axis=2) > share * reach).all(axis=1))
            if len(free):
                placed = np.vstack([placed, places[free[0]]])
                break
            share *= YIELDED
    atoms = Atoms(slab.numbers, placed, cell=slab.cell, pbc=True)
    atoms.info["parents"] = f"cell and composition of {slab.info['name']}"
    return atoms


def rattle_training_slab(slabs: Sequence[Atoms], rng: np.random.Generator) -> Atoms:
    """Return a training slab whose atoms are moved by normal deviates of `RATTLE`."""
    slab = slabs[int(rng.integers(len(slabs)))].copy()
    slab.positions += rng.normal(scale=RATTLE, size=slab.positions.shape)
    slab.info = {"parents": slab.info["name"]}
    return slab


BASELINES = MappingProxyType({"random": place_at_random, "rattled": rattle_training_slab})


def make_up(kind: str, slabs: Sequence[Atoms], count: int, seed: int) -> list[Atoms]:
    """Return `count` structures of a baseline.

    Args:
        kind: A key of `BASELINES`.
        slabs: What `templates` returned.
        count: Number of structures.
        seed: Seed; the n-th structure does not depend on `count`.
    """
    made = []
    for index in range(count):
        rng = np.random.default_rng([seed, list(BASELINES).index(kind), index])
        atoms = BASELINES[kind](slabs, rng)
        atoms.wrap()
        atoms.info |= {"sample": index, "failures": "no"}
        made.append(atoms)
    return made
