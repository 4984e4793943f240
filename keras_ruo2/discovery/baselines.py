"""What structures look like that no generator was needed for: three ways to make them up."""

import importlib
from types import MappingProxyType

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import lateral_repeats, orthogonalise, repeat, set_vacuum
from keras_ruo2.structure.filters import broken

VACUUM = 12.0  # Å, as in the records that generators learn from
LARGEST = 100  # atoms
CLOSEST = 0.7  # of the sum of two covalent radii
TRIES = 200  # places that are tried for an atom before it may come closer to the others
YIELDED = 0.95  # share of its distances that it must keep then
RATTLE = 0.3  # Å, standard deviation along x, y and z
PARENTS = 3  # pairs that are tried for a child before one parent is mutated alone
CUTS = 30  # planes that are tried for a pair
SPLICED = 0.6  # share of covalent radii that a child's atoms keep from each other at least
MUTATED = {"rattle_strength": 0.5, "rattle_prop": 0.3}  # Å, and the share of atoms that move


def templates(slabs, largest=LARGEST):
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
    found = []
    for number, slab in enumerate(slabs):
        if broken(slab):
            continue
        box = set_vacuum(orthogonalise(slab), VACUUM)
        repeats = list(lateral_repeats(box.cell.lengths()))
        while len(box) * np.prod(repeats) > largest and max(repeats) > 1:
            repeats[int(np.argmax(repeats))] -= 1
        box = repeat(box, (*repeats, 1))
        box = box[np.argsort(-box.numbers, kind="stable")]
        box.info = {"name": str(slab.info.get("name", f"slab-{number}"))}
        box.calc = None
        found.append(box)
    if not found:
        raise ConfigError(
            f"None of {len(slabs)} reference slabs is whole, so that there is nothing to make "
            "baselines from. Give another --reference, or --baselines=none."
        )
    return found


def place_at_random(slabs, rng):
    """Return the composition, cell and thickness of a training slab, its atoms anywhere.

    Atoms are placed one after the other, none closer to another than `CLOSEST` allows; where no
    place is found, a little closer.
    """
    slab = slabs[rng.integers(len(slabs))]
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


def rattle(slabs, rng):
    """Return a training slab whose atoms are moved by normal deviates of `RATTLE`."""
    slab = slabs[rng.integers(len(slabs))].copy()
    slab.positions += rng.normal(scale=RATTLE, size=slab.positions.shape)
    slab.info = {"parents": slab.info["name"]}
    return slab


class Impatient(np.random.RandomState):
    """Random numbers for ASE's operators, which know no newer generator, until patience ends.

    A pair that no plane fits would otherwise be cut a thousand times.
    """

    def __init__(self, seed, patience):
        super().__init__(seed)
        self.patience = patience

    def random(self, *arguments):
        """Return random numbers in [0, 1), or raise `TimeoutError`."""
        self.patience -= 1
        if self.patience < 0:
            raise TimeoutError
        return super().random(*arguments)


def cross(slabs, rng):
    """Return a child of ASE's genetic operators: cut and splice of two parents, or a mutation.

    Parents are training slabs of one composition in one cell; half of the children are spliced, and
    the others, and those that no cut could make, are a parent of which a part is rattled. It is one
    generation: nothing is selected before the common funnel does.
    """
    pairing, mutation, distances = operators()
    closest = distances(np.unique(slabs[0].numbers), ratio_of_covalent_radii=SPLICED)
    if rng.random() < 0.5:
        for _ in range(PARENTS):
            one, other = partners(slabs, rng)
            child = other and splice(pairing, closest, one, other, rng)
            if child:
                child.info = {"parents": f"{one.info['name']} x {other.info['name']}"}
                return child
    while True:
        parent = slabs[rng.integers(len(slabs))]
        legacy = np.random.RandomState(rng.integers(2**31))
        child = mutation(closest, len(parent), rng=legacy, **MUTATED).mutate(parent)
        if child is not None:
            child.info = {"parents": f"{parent.info['name']}, mutated"}
            return child


def splice(pairing, closest, one, other, rng):
    """Return a child of two parents, or `None` where `CUTS` planes gave none."""
    impatient = Impatient(rng.integers(2**31), patience=2 * CUTS)  # a plane takes two numbers
    empty = Atoms(cell=one.cell, pbc=True)
    try:
        return pairing(empty, len(one), closest, rng=impatient).cross(one, other)
    except TimeoutError:
        return None


def partners(slabs, rng):
    """Return a slab and another of its composition in its cell, or `None` for the other."""
    one = slabs[rng.integers(len(slabs))]
    fitting = [
        slab
        for slab in slabs
        if slab is not one
        and np.array_equal(slab.numbers, one.numbers)
        and np.allclose(slab.cell.array[:2], one.cell.array[:2], atol=0.05)
    ]
    if not fitting:
        return one, None
    other = fitting[rng.integers(len(fitting))].copy()
    other.set_cell(one.cell)
    return one, other


def operators():
    """Return ASE's pairing, mutation and distances, or raise `ConfigError` if not installed."""
    for package in ("ase_ga", "ase.ga"):  # a package of its own since ASE 3.27
        try:
            pairing = importlib.import_module(f"{package}.cutandsplicepairing")
            mutations = importlib.import_module(f"{package}.standardmutations")
            tools = importlib.import_module(f"{package}.utilities")
        except ImportError:
            continue
        return (
            pairing.CutAndSplicePairing,
            mutations.RattleMutation,
            tools.closest_distances_generator,
        )
    raise ConfigError(
        "ASE's genetic operators are not installed. Install them: pip install ase-ga, or leave "
        "them out: --baselines=random,rattled."
    )


BASELINES = MappingProxyType({"random": place_at_random, "rattled": rattle, "genetic": cross})


def make_up(kind, slabs, count, seed):
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
