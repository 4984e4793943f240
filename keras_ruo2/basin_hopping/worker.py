"""What a worker of a search does: it relaxes starts and makes trials, and knows of nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from keras_ruo2.basin_hopping.starts import is_file, start_words
from keras_ruo2.basin_hopping.trial import Conditions, Trial, relax_trial, run_start, run_trial
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.memory import check_memory
from keras_ruo2.relaxation.calculators import make_calculator
from keras_ruo2.relaxation.references import lattice_constants, oxygen_molecule
from keras_ruo2.thermodynamics.surface import KNOWN_REFERENCES

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

    from keras_ruo2.config.preparation import BasinHoppingConfig


OWN = threading.local()  # of each thread of a worker, because calculators keep their last result


class Engine(NamedTuple):
    """A calculator and where its energies come from, see `keras_ruo2.relaxation.calculators`."""

    calculator: Calculator
    provenance: dict[str, str]


class FinishedTrial(NamedTuple):
    """A piece of work that is done.

    Args:
        trial: `Trial`.
        seconds: How long it took.
        provenance: Of the calculator that made it.
    """

    trial: Trial
    seconds: float
    provenance: dict[str, str]


class SearchReferences(NamedTuple):
    """What a calculator says before a search: lattice constants (Å), energy of half an O2 (eV)."""

    provenance: dict[str, str]
    a: float | None
    c: float | None
    oxygen_energy: float


def find_search_references(engine: Engine | str, config: BasinHoppingConfig) -> SearchReferences:
    """Return the `SearchReferences` of a search, as given or else calculated.

    Args:
        engine: `Engine`, or the name of a calculator.
        config: `BasinHoppingConfig`.
    """
    calculator, provenance = engine_of(engine)
    a, c = config.a, config.c
    if not all(is_file(start) for start in start_words(config.start)):
        a, c = lattice_constants(config, calculator)
    return SearchReferences(provenance, a, c, oxygen_energy(config, calculator, provenance))


def oxygen_energy(
    config: BasinHoppingConfig, calculator: Calculator, provenance: Mapping[str, str]
) -> float:
    """Return the energy of half an O2 molecule, eV.

    It is `config.oxygen_energy` where given, else the known reference of the calculator, else that
    of a molecule relaxed with it.
    """
    if config.oxygen_energy is not None:
        return config.oxygen_energy
    known = KNOWN_REFERENCES.get((provenance["calculator"], provenance["correction"]))
    if known:
        return known.oxygen
    conditions = Conditions(0, 0, fmax=0.02, relax_steps=200)
    snapshots, error = relax_trial(oxygen_molecule(), calculator, conditions)
    if error:
        raise ConfigError(
            f"The calculator fails at O2 ({error}). Give --oxygen_energy, that of half an O2 in eV."
        )
    return snapshots[-1].energy / 2


def make_start(atoms: Atoms, engine: Engine | str, conditions: Conditions) -> FinishedTrial:
    """Return what relaxing a start gives, as `FinishedTrial`."""
    began, engine = time.monotonic(), engine_of(engine, len(atoms))
    trial = run_start(atoms, engine.calculator, conditions)
    return FinishedTrial(trial, time.monotonic() - began, engine.provenance)


def make_trial(
    atoms: Atoms,
    energy: float,
    engine: Engine | str,
    conditions: Conditions,
    numbers: Sequence[int],
) -> FinishedTrial:
    """Return what a trial gives, as `FinishedTrial`.

    Args:
        atoms: The structure to start from.
        energy: Its potential energy, eV.
        engine: `Engine`, or the name of a calculator.
        conditions: `Conditions`.
        numbers: Seed, number of the chain and of the trial, which settle its random numbers.
    """
    began, engine = time.monotonic(), engine_of(engine, len(atoms))
    rng = np.random.default_rng(numbers)
    trial = run_trial(atoms, energy, engine.calculator, conditions, rng)
    return FinishedTrial(trial, time.monotonic() - began, engine.provenance)


def engine_of(engine: Engine | str, num_atoms: int = 0) -> Engine:
    """Return an `Engine`; one that is given by name is made once by each thread of a worker.

    Args:
        engine: `Engine`, or the name of a calculator.
        num_atoms: Atoms of the first structure that it is wanted for; 0 if none is large.

    Raises:
        ConfigError: If it cannot be made, or this machine has too little memory for it.
    """
    if isinstance(engine, Engine):
        return engine
    if getattr(OWN, "name", None) != engine:
        OWN.engine, OWN.name, OWN.checked = Engine(*make_calculator(engine)), engine, False
    if num_atoms and not OWN.checked:
        check_memory(engine, num_atoms)
        OWN.checked = True
    return OWN.engine
