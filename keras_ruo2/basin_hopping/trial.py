"""One trial of grand-canonical basin hopping: a move, a relaxation, a decision.

The grand potential of a slab with n_O oxygen atoms and a fixed number of Ru is, up to a constant,

    Omega = E - n_O (E_O2 / 2 + dmu_O),

E its potential energy, E_O2 / 2 that of half an O2 molecule and dmu_O the chemical potential of O
relative to it, per O atom, all in eV and of one calculator without oxide correction (the energies
of `keras_ruo2.relaxation.calculators` have none). A trial is accepted with probability

    min(1, r exp(-(Omega' - Omega) / k T)),

where r is the ratio with which insertions and removals are proposed (`moves.exchange`), 1 for
displacements. At fixed sites insertion and removal so obey detailed balance and sample the
grand-canonical distribution. With relaxation, which is not reversible, and displacements along
modes of the present structure it does not hold: the search is an optimiser, its chains are no
ensemble, and T is a pseudo-temperature.

A trial is a function of the structure that it starts from and of its random generator, of nothing
else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator

from keras_ruo2.basin_hopping.moves import count_clashes, displace, exchange
from keras_ruo2.relaxation.relax import CalculatorFailure, downhill
from keras_ruo2.structure.bonds import O
from keras_ruo2.structure.validity import REASONS, REFUSED
from keras_ruo2.thermodynamics.oxygen_gas import BOLTZMANN

LONGEST_STEP = 0.5  # Å, norm over all atoms of one step of FIRE; ASE's 0.2 is for fewer atoms
# What a search writes for these reasons.
WRITTEN = {
    "peroxo_groups": "clustered_oxygen",
    "floating_oxygen": "desorbed_oxygen",
    "disconnected_layers": "torn_layers",
}
ACCEPTED, UPHILL, FAILED = "accepted", "uphill", "calculator_failed"
CLASHING = "atoms_too_close"  # of a move: potentials have false wells there, and do not see it


class Conditions(NamedTuple):
    """What a trial depends on besides its start and its random numbers.

    Args:
        dmu_o: Chemical potential of O relative to half an O2, eV.
        oxygen_energy: Half of the energy of O2, eV.
        temperature: Pseudo-temperature, K; at 0 only downhill trials are accepted.
        length: Largest Cartesian component of a displacement, Å.
        share: Share of the delocalised modes in a displacement.
        exchange: Probability of an insertion or removal instead of a displacement.
        fmax: Largest force at which a relaxation stops, eV/Å.
        relax_steps: Steps after which it stops in any case.
    """

    dmu_o: float
    oxygen_energy: float
    temperature: float = 1000.0
    length: float = 1.2
    share: float = 0.25
    exchange: float = 0.25
    fmax: float = 0.1
    relax_steps: int = 100


class Snapshot(NamedTuple):
    """A structure on the way of a relaxation, its energy (eV) and largest force (eV/Å)."""

    atoms: Atoms
    energy: float
    fmax: float


class Trial(NamedTuple):
    """What became of a trial.

    Args:
        kind: `start`, `displace`, `insert` or `remove`.
        outcome: `accepted`, `uphill`, `calculator_failed`, `atoms_too_close`, a fault of `REFUSED`,
            or the reason of `moves.Move` for there being none.
        snapshots: Every step of the relaxation, the trial structure first.
        error: What the calculator said when it failed.
    """

    kind: str
    outcome: str
    snapshots: list[Snapshot]
    error: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the last snapshot is the structure to go on from."""
        return self.outcome == ACCEPTED


def grand_potential(energy: float, num_oxygen: int, conditions: Conditions) -> float:
    """Return Omega of the module's docstring, eV."""
    return energy - num_oxygen * (conditions.oxygen_energy + conditions.dmu_o)


def count_oxygen(atoms: Atoms) -> int:
    """Return the number of O atoms."""
    return int(np.sum(atoms.numbers == O))


def faults_of(atoms: Atoms) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the name of each fault of a structure, and the indices of the atoms that have it."""
    for name in REFUSED:
        indices = REASONS[name].find(atoms)
        if len(indices):
            yield WRITTEN.get(name, name), indices


def run_start(atoms: Atoms, calculator: Calculator, conditions: Conditions) -> Trial:
    """Relax the structure that a chain begins with; it is accepted unless the calculator fails.

    One with atoms too close is refused before the calculator sees it.
    """
    if count_clashes(atoms):
        return Trial("start", CLASHING, [])
    snapshots, error = relax_trial(atoms, calculator, conditions)
    return Trial("start", FAILED if error else ACCEPTED, snapshots, error)


def run_trial(
    atoms: Atoms,
    energy: float,
    calculator: Calculator,
    conditions: Conditions,
    rng: np.random.Generator,
) -> Trial:
    """Make one trial.

    Args:
        atoms: The structure to start from, with an array "layer" and the frozen atoms fixed.
        energy: Its potential energy, eV.
        calculator: ASE calculator.
        conditions: `Conditions`.
        rng: `numpy.random.Generator` of this trial alone.

    Returns:
        `Trial`.
    """
    if rng.random() < conditions.exchange:
        move = exchange(atoms, rng)
    else:
        move = displace(atoms, rng, length=conditions.length, share=conditions.share)
    luck = rng.random()
    if move.atoms is None:
        return Trial(move.kind, move.reason, [])
    if count_clashes(move.atoms):
        return Trial(move.kind, CLASHING, [])
    snapshots, error = relax_trial(move.atoms, calculator, conditions)
    if error:
        return Trial(move.kind, FAILED, snapshots, error)
    last = snapshots[-1]
    for name, _ in faults_of(last.atoms):
        return Trial(move.kind, name, snapshots)
    change = grand_potential(last.energy, count_oxygen(last.atoms), conditions)
    change -= grand_potential(energy, count_oxygen(atoms), conditions)
    accepted = luck < acceptance_probability(change, move.log_ratio, conditions.temperature)
    return Trial(move.kind, ACCEPTED if accepted else UPHILL, snapshots)


def acceptance_probability(change: float, log_ratio: float, temperature: float) -> float:
    """Return the Metropolis-Hastings probability of a trial.

    Args:
        change: Of the grand potential, eV.
        log_ratio: Logarithm of r in the module's docstring.
        temperature: K; at 0 the limit is taken: 1 downhill, 0 uphill, whatever r.
    """
    if temperature == 0:
        return 1.0 if change < 0 else 0.0
    return float(np.exp(min(0.0, log_ratio - change / (BOLTZMANN * temperature))))


def relax_trial(
    atoms: Atoms, calculator: Calculator, conditions: Conditions
) -> tuple[list[Snapshot], str]:
    """Relax what is not fixed with FIRE.

    Returns:
        `(snapshots, error)`: a `Snapshot` of every step with finite energy and forces, the first
        one unrelaxed, and what went wrong, in one line, or an empty text.
    """
    atoms = atoms.copy()
    atoms.calc = calculator
    snapshots = []
    try:
        for _ in downhill(atoms, conditions.fmax, conditions.relax_steps, maxstep=LONGEST_STEP):
            energy, forces = atoms.get_potential_energy(), atoms.get_forces()
            if not (np.isfinite(energy) and np.isfinite(forces).all()):
                raise CalculatorFailure(f"energy {energy} eV or forces that are not finite")
            largest = float(np.linalg.norm(forces, axis=1).max())
            snapshots.append(Snapshot(without_calculator(atoms), float(energy), largest))
    except Exception as error:  # a calculator may raise anything at an odd geometry
        return snapshots, " ".join(f"{type(error).__name__}: {error}".split())
    return snapshots, ""


def without_calculator(atoms: Atoms) -> Atoms:
    """Return a copy without a calculator."""
    result = atoms.copy()
    result.calc = None
    return result
