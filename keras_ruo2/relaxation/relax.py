"""Relax one structure within limits of steps and of time."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypedDict

import ase.optimize
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.filters import Filter

from keras_ruo2.errors import ConfigError
from keras_ruo2.options import OPTIMISERS
from keras_ruo2.relaxation.outcome import (
    FARTHEST,
    classify,
    implausible,
    largest_displacement,
    rmsd,
)
from keras_ruo2.structure.filters import in_a_false_well
from keras_ruo2.structure.layers import bottom_layers
from keras_ruo2.structure.validity import broken

CLASSES: MappingProxyType[str, Any] = MappingProxyType(
    {name: getattr(ase.optimize, kind) for name, kind in OPTIMISERS.items()}
)


@dataclass(frozen=True)
class Limits:
    """How far a structure is relaxed.

    Args:
        optimiser: One of `OPTIMISERS`.
        fmax: Largest force at which a structure counts as relaxed, eV/Å.
        steps: Steps at most.
        seconds: Time at most, looked at after each step; `worker.Worker` ends a step that hangs.
        frozen_layers: Layers of Ru, from below, that stay where they are.
    """

    optimiser: str = "fire"
    fmax: float = 0.05
    steps: int = 200
    seconds: float = 600.0
    frozen_layers: int = 0


class Outcome(TypedDict):
    """How a relaxation ended, as it stands in `info`; energies in eV, `fmax` in eV/Å."""

    stopped: str
    relaxation_steps: int
    start_energy: float
    fmax: float


class CalculatorFailure(Exception):
    """The calculator gave an energy or forces that are not numbers."""


def relax(
    atoms: Atoms,
    calculator: Calculator,
    limits: Limits,
    trajectory: str | None = None,
    most_atoms: int | None = None,
) -> Atoms:
    """Relax the atoms of a structure in its fixed cell.

    Constraints that `atoms` came with are kept, those of `limits.frozen_layers` are added.

    Args:
        atoms: `ase.Atoms`; it is left as it is.
        calculator: ASE calculator.
        limits: `Limits`.
        trajectory: File (.traj) for every step, or `None`.
        most_atoms: Largest number of atoms that the calculator is given, or `None`.

    Returns:
        `ase.Atoms`, not wrapped, with energy and (unconstrained) forces; of a structure that could
        not be relaxed, the start without them. Its `info` gains `relax_failures` (names of
        `outcome.FAILURES` separated by blanks, or `no`), `relaxation_steps`,
        `relaxation_seconds`, `stopped` (`converged`, `steps`, `seconds` or `failed`) and, if there
        is an energy, `start_energy` (eV), `fmax` (eV/Å, of atoms that were free), `rmsd` and
        `largest_displacement` from the start (Å), `frozen_atoms` and `broken`.
    """
    wrong = implausible(atoms)
    if wrong:
        return untouched(atoms, wrong)
    if most_atoms is not None and len(atoms) > most_atoms:
        return untouched(atoms, "too_large")
    if in_a_false_well(atoms):
        return untouched(atoms, "atoms_too_close")
    try:
        frozen = bottom_layers(atoms, limits.frozen_layers)
    except ConfigError:
        return untouched(atoms, "too_few_layers")
    work = atoms.copy()
    if len(frozen):
        work.set_constraint([*work.constraints, FixAtoms(frozen)])
    work.calc = calculator
    started = time.perf_counter()
    try:
        outcome = iterate(work, limits, trajectory, started)
    except Exception as error:  # calculators raise whatever they like; the rest must go on
        result = untouched(atoms, "calculator_error")
        result.info["error"] = f"{type(error).__name__}: {error}"[:200].replace('"', "'")
        return result
    return relaxed_result(atoms, work, outcome, time.perf_counter() - started)


def downhill(
    atoms: Atoms | Filter, fmax: float, steps: int, optimiser: str = "fire", **options: Any
) -> Generator[tuple[int, bool], None, None]:
    """Move atoms, or a filter of such, downhill with one of ASE's optimisers.

    Yields:
        `(number, converged)`, before the first step and after each: how many were made, and whether
        the largest force is below `fmax`, eV/Å.
    """
    moving = CLASSES[optimiser](atoms, logfile=None, **options)
    try:
        for converged in moving.irun(fmax=fmax, steps=steps):
            yield moving.nsteps, bool(converged)
    finally:
        moving.close()


def descend(atoms: Atoms | Filter, fmax: float, steps: int) -> int:
    """Move atoms downhill as far as `downhill` goes and return the number of steps."""
    return max(number for number, _ in downhill(atoms, fmax, steps))


def iterate(work: Atoms, limits: Limits, trajectory: str | None, started: float) -> Outcome:
    """Move the atoms of `work` until a limit is reached; return what is known then."""
    start = work.positions.copy()
    stopped, energies = "steps", []
    moving = downhill(work, limits.fmax, limits.steps, limits.optimiser, trajectory=trajectory)
    with closing(moving):
        for steps, converged in moving:
            energy, forces = float(work.get_potential_energy()), work.get_forces()
            if not np.isfinite(energy) or not np.isfinite(forces).all():
                raise CalculatorFailure(f"energy {energy} eV after {steps} steps")
            energies.append(energy)
            if converged:
                stopped = "converged"
            elif np.linalg.norm(work.positions - start, axis=1).max() > FARTHEST:
                stopped = "failed"
            elif time.perf_counter() - started > limits.seconds:
                stopped = "seconds"
            if stopped != "steps":
                break
    return {
        "stopped": stopped,
        "relaxation_steps": steps,
        "start_energy": energies[0],
        "fmax": round(float(np.linalg.norm(forces, axis=1).max()), 4),
    }


def relaxed_result(start: Atoms, work: Atoms, outcome: Outcome, seconds: float) -> Atoms:
    """Return the relaxed structure with its results, independent of the calculator."""
    energy, forces = work.get_potential_energy(), work.get_forces(apply_constraint=False)
    failures = classify(start, work, outcome["stopped"] == "converged")
    fixed = [rule.index for rule in work.constraints if isinstance(rule, FixAtoms)]
    drift = not work.constraints
    result = work.copy()
    result.calc = SinglePointCalculator(result, energy=float(energy), forces=forces)
    result.info |= outcome
    result.info |= {
        "relax_failures": " ".join(failures) or "no",
        "relaxation_seconds": round(seconds, 2),
        "rmsd": round(rmsd(start, work, drift=drift), 4),
        "largest_displacement": round(largest_displacement(start, work, drift=drift), 4),
        "frozen_atoms": len({int(index) for part in fixed for index in part}),
        "broken": " ".join(broken(work)) or "no",
    }
    return result


def untouched(atoms: Atoms, failure: str) -> Atoms:
    """Return a copy of `atoms` without energy that says why it was not relaxed."""
    result = atoms.copy()
    for name in ("energy", "free_energy"):
        result.info.pop(name, None)
    result.info |= {
        "relax_failures": failure,
        "relaxation_steps": 0,
        "relaxation_seconds": 0.0,
        "stopped": "failed",
    }
    return result
