"""ASE's genetic algorithm from known slabs on: who has children, and what they look like.

Cut and splice and mutation are ASE's. Selection is ours and follows its default: a parent is chosen
with a probability that falls with its rank in energy, here in surface free energy at one chemical
potential of oxygen, so that slabs of all compositions compete.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.extras import install
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.thermodynamics.surface import References, surface_line

PARENTS = 3  # pairs that are tried for a child before one parent is mutated alone
CUTS = 30  # planes that are tried for a pair
SPLICED = 0.6  # share of covalent radii that a child's atoms keep from each other at least
MUTATED = {"rattle_strength": 0.5, "rattle_prop": 0.3}  # Å, and the share of atoms that move
GENERATIONS = 4  # at most
POPULATION = 20  # slabs that may have children, ASE's default
SAME_GAMMA = 1e-4  # eV/Å^2 within which slabs of one composition in one cell are one
SAME_CELL = 0.05  # Å


def shares(total: int, parts: int = GENERATIONS) -> list[int]:
    """Divide `total` into at most `parts` whole shares that differ by one at most."""
    parts = max(1, min(parts, total))
    return [total // parts + (number < total % parts) for number in range(parts)]


def fittest(slabs: Sequence[Atoms], references: References, delta_mu_o: float) -> list[Atoms]:
    """Return the slabs that may have children, the best first, no two of them alike.

    Args:
        slabs: `ase.Atoms` with energies and names.
        references: `References` of their calculator.
        delta_mu_o: Where they are compared, eV.

    Returns:
        List of at most `POPULATION` slabs, their surface free energy in `info["gamma"]` (eV/Å^2).
    """
    for slab in slabs:
        line = surface_line(slab, potential_energy(slab), references)
        slab.info["gamma"] = line(delta_mu_o)
    kept: list[Atoms] = []
    for slab in sorted(slabs, key=lambda slab: slab.info["gamma"]):
        if not any(same_energy(slab, other) for other in kept):
            kept.append(slab)
        if len(kept) == POPULATION:
            break
    return kept


def same_energy(one: Atoms, other: Atoms) -> bool:
    """Say whether two slabs of `fittest` count as one."""
    near = abs(one.info["gamma"] - other.info["gamma"]) < SAME_GAMMA
    return near and can_be_crossed(one, other)


def can_be_crossed(one: Atoms, other: Atoms) -> bool:
    """Say whether two slabs have one composition, in one order, and one cell along x and y."""
    return np.array_equal(one.numbers, other.numbers) and np.allclose(
        one.cell.array[:2], other.cell.array[:2], atol=SAME_CELL
    )


def chances(population: Sequence[Atoms]) -> np.ndarray:
    """Return the probability of each slab to be chosen, array of shape `(n,)`.

    Source:
        R. L. Johnston, Dalton Trans. 2003, 4193, "tanh" fitness, which ASE's population uses too.
    """
    gammas = np.array([slab.info["gamma"] for slab in population])
    span = np.ptp(gammas)
    place = (gammas - gammas.min()) / span if span > 0 else np.zeros(len(gammas))
    fitness = 0.5 * (1 - np.tanh(2 * place - 1))
    return fitness / fitness.sum()


def breed(
    population: Sequence[Atoms], number: int, seed: int, generation: int, first: int = 0
) -> list[Atoms]:
    """Return `number` children of a population.

    Args:
        population: What `fittest` returned.
        number: How many.
        seed: Seed; the n-th child of a generation does not depend on `number`.
        generation: Its number, 1 for the children of known slabs.
        first: `info["sample"]` of the first child.
    """
    weights, made = chances(population), []
    for index in range(number):
        rng = np.random.default_rng([seed, 2, generation, index])
        child = cross(population, weights, rng)
        child.wrap()
        child.calc = None
        child.info |= {"sample": first + index, "failures": "no", "generation": generation}
        made.append(child)
    return made


class Impatient(np.random.RandomState):
    """Random numbers for ASE's operators, which know no newer generator, until patience ends.

    A pair that no plane fits would otherwise be cut a thousand times.
    """

    def __init__(self, seed: int, patience: int) -> None:
        super().__init__(seed)
        self.patience = patience

    def random(self, *arguments: Any) -> Any:
        """Return random numbers in [0, 1), or raise `TimeoutError`."""
        self.patience -= 1
        if self.patience < 0:
            raise TimeoutError
        return super().random(*arguments)


def cross(slabs: Sequence[Atoms], weights: np.ndarray, rng: np.random.Generator) -> Atoms:
    """Return a child of ASE's genetic operators: cut and splice of two parents, or a mutation.

    Parents are slabs of one composition in one cell; half of the children are spliced, and the
    others, and those that no cut could make, are a parent of which a part is rattled.

    Args:
        slabs: List of `ase.Atoms`.
        weights: Probability of each to be chosen.
        rng: NumPy generator.
    """
    pairing, mutation, distances = operators()
    closest = distances(np.unique(slabs[0].numbers), ratio_of_covalent_radii=SPLICED)
    if rng.random() < 0.5:
        for _ in range(PARENTS):
            one, other = partners(slabs, weights, rng)
            child = None if other is None else splice(pairing, closest, one, other, rng)
            if child is not None and other is not None:
                child.info = {"parents": f"{one.info['name']} x {other.info['name']}"}
                return child
    while True:
        parent = slabs[rng.choice(len(slabs), p=weights)]
        legacy = np.random.RandomState(rng.integers(2**31))
        child = mutation(closest, len(parent), rng=legacy, **MUTATED).mutate(parent)
        if child is not None:
            child.info = {"parents": f"{parent.info['name']}, mutated"}
            return child


def splice(
    pairing: Any,
    closest: Mapping[tuple[int, int], float],
    one: Atoms,
    other: Atoms,
    rng: np.random.Generator,
) -> Atoms | None:
    """Return a child of two parents, or `None` where `CUTS` planes gave none."""
    impatient = Impatient(int(rng.integers(2**31)), patience=2 * CUTS)  # a plane takes two numbers
    empty = Atoms(cell=one.cell, pbc=True)
    try:
        return pairing(empty, len(one), closest, rng=impatient).cross(one, other)
    except TimeoutError:
        return None


def partners(
    slabs: Sequence[Atoms], weights: np.ndarray, rng: np.random.Generator
) -> tuple[Atoms, Atoms | None]:
    """Return a slab and another of its composition in its cell, or `None` for the other."""
    chosen = rng.choice(len(slabs), p=weights)
    one = slabs[chosen]
    others = [k for k, slab in enumerate(slabs) if k != chosen and can_be_crossed(slab, one)]
    if not others:
        return one, None
    share = weights[others] / weights[others].sum()
    other = slabs[rng.choice(others, p=share)].copy()
    other.set_cell(one.cell)
    return one, other


def operators() -> tuple[Any, Any, Any]:
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
        f"ASE's genetic operators are not installed. Install them: {install('discover')}, or leave "
        "them out: --baselines=random,rattled."
    )
