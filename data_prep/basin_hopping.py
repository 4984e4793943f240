"""The large dataset: grand-canonical basin hopping, every snapshot kept."""

import itertools
import time
from typing import NamedTuple

import numpy as np
from ase import Atoms

from data_prep.chains import Chain, check_settings, join, only_user
from data_prep.gap import lattice_constants
from data_prep.sampling import (
    FAILED,
    Conditions,
    count_oxygen,
    grand_potential,
    relax,
    run_start,
    run_trial,
)
from data_prep.starts import is_file, make_starts, start_words
from keras_ruo2.calculators import check_calculator, make_calculator
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.paths import shown
from keras_ruo2.relaxation.crystals import oxygen_molecule
from keras_ruo2.species import DEFAULT, remark
from keras_ruo2.structure.bonds import pair_of
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.thermodynamics import KNOWN_REFERENCES

MOST_FAILURES = 10  # trials of a chain in a row in which the calculator may fail
UNIMPORTANT = ("out", "steps", "overwrite")  # settings that may differ when a search goes on


class Plan(NamedTuple):
    """What a chain is made of: its number, its start and its `Conditions`."""

    number: int
    start: Atoms
    conditions: Conditions


def main(config):
    """Run every chain to `config.steps` trials and join their snapshots in one file.

    Args:
        config: `BasinHoppingConfig`.
    """
    check_calculator(config.calculator)
    words = start_words(config.start)
    folder = config.out.with_suffix(".chains")
    check_writable(folder)
    remark(config.pair)
    with only_user(folder):
        calculator, provenance = make_calculator(config.calculator)
        a, c = config.a, config.c
        if not all(is_file(word) for word in words):
            a, c = lattice_constants(config, calculator)
        oxygen = oxygen_energy(config, calculator, provenance)
        plans = make_plans(config, make_starts(config, a, c), oxygen)
        settings = {k: v for k, v in config.as_dict().items() if k not in UNIMPORTANT}
        if config.species == DEFAULT:  # searches from before there was a choice go on
            del settings["species"]
        check_settings(folder, settings | provenance | {"oxygen_energy": round(oxygen, 4)})
        chains = [Chain(folder, plan.number) for plan in plans]
        run(plans, chains, calculator, provenance, config)
        join(chains, config.out)
    num_snapshots = sum(count_frames(chain) for chain in chains)
    print(
        f"{shown(config.out)}: {num_snapshots:,} snapshots of {len(chains)} chains. "
        f"{shown(folder)} holds the chains: keep it to go on with more --steps."
    )


def make_plans(config, starts, oxygen):
    """Return a `Plan` for every start, chemical potential and repetition."""
    combined = itertools.product(starts, config.potentials, range(config.chains))
    return [
        Plan(number, start, Conditions(dmu_o, oxygen, **config.search))
        for number, (start, dmu_o, _) in enumerate(combined)
    ]


def oxygen_energy(config, calculator, provenance):
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
    snapshots, error = relax(oxygen_molecule(), calculator, conditions)
    if error:
        raise ConfigError(
            f"The calculator fails at O2 ({error}). Give --oxygen_energy, that of half an O2 in eV."
        )
    return snapshots[-1].energy / 2


def run(plans, chains, calculator, provenance, config):
    """Take the chains forward in turn, a trial each, so that all are equally long at any time."""
    progress, starts = Progress(chains, config.steps), {}
    for trial in range(config.steps + 1):
        for plan, chain in zip(plans, chains, strict=True):
            if chain.trials <= trial:
                began = time.monotonic()
                report = advance(plan, chain, calculator, provenance, config.seed, starts)
                progress.show(chain, report, time.monotonic() - began)


def advance(plan, chain, calculator, provenance, seed, starts):
    """Make the next trial of a chain and keep it.

    The trial depends on the seed, the chain, the trial's number and the structure before it only,
    so that it does not matter who makes it and when. `starts` keeps relaxed starts by name, for
    the other chains that begin with them.

    Returns:
        `Trial`.

    Raises:
        ConfigError: If the calculator fails at the start, or again and again.
    """
    if chain.trials == 0:
        name = plan.start.info["start"]
        if name not in starts:
            starts[name] = run_start(plan.start, calculator, plan.conditions)
        trial = starts[name]
        if trial.outcome == FAILED:
            raise ConfigError(f"The calculator fails at {name}: {trial.error}")
    else:
        rng = np.random.default_rng([seed, plan.number, chain.trials])
        trial = run_trial(chain.atoms, chain.energy, calculator, plan.conditions, rng)
    atoms, energy = chain.atoms, chain.energy
    if trial.accepted:
        atoms, energy = trial.snapshots[-1].atoms, trial.snapshots[-1].energy
    common = describe(plan, chain, trial) | provenance
    frames = [frame(shot, k, common, plan) for k, shot in enumerate(trial.snapshots)]
    chain.append(frames, row(plan, chain, trial), trial.accepted, atoms, energy)
    if chain.failures >= MOST_FAILURES:
        raise ConfigError(
            f"The calculator failed in {MOST_FAILURES} trials of chain {plan.number} in a row, at "
            f"last with {trial.error} Use another calculator or shorter moves (--length)."
        )
    return trial


def describe(plan, chain, trial):
    """Return the history that all snapshots of a trial have in common."""
    conditions = plan.conditions
    return {
        **plan.start.info,
        "chain": plan.number,
        "trial": chain.trials,
        "move": trial.kind,
        "outcome": trial.outcome,
        "dmu_o": conditions.dmu_o,
        "oxygen_energy": conditions.oxygen_energy,
        "temperature": conditions.temperature,
    }


def frame(shot, number, common, plan):
    """Return a snapshot as it is written: energy, layers, fixed atoms and history."""
    atoms = shot.atoms.copy()
    num_o = count_oxygen(atoms)
    atoms.info = {
        "name": f"{common['start']}-c{common['chain']:03d}-t{common['trial']:05d}-s{number:03d}",
        **common,
        "snapshot": number,
        f"num_{pair_of(atoms)[0].lower()}": len(atoms) - num_o,
        "num_o": num_o,
        "fmax": round(shot.fmax, 4),
        "grand_potential": grand_potential(shot.energy, num_o, plan.conditions),
    }
    return with_energy(atoms, shot.energy)


def row(plan, chain, trial):
    """Return a trial's values of `chains.COLUMNS`."""
    values = {"energy": "", "grand_potential": "", "num_o": ""}
    if trial.snapshots:
        last = trial.snapshots[-1]
        num_o = count_oxygen(last.atoms)
        values = {
            "energy": f"{last.energy:.6f}",
            "grand_potential": f"{grand_potential(last.energy, num_o, plan.conditions):.6f}",
            "num_o": num_o,
        }
    return values | {
        "trial": chain.trials,
        "move": trial.kind,
        "outcome": trial.outcome,
        "snapshots": len(trial.snapshots),
        "error": trial.error.replace(",", ";").replace("\n", " "),
    }


def count_frames(chain):
    """Return the number of snapshots of a chain."""
    rows = chain.file(".csv").read_text().splitlines()[1:]
    return sum(int(line.split(",")[6]) for line in rows)


class Progress:
    """Print a line for each trial: what happened, acceptance, rate, time left."""

    def __init__(self, chains, steps):
        self.chains, self.steps = chains, steps
        self.began, self.done = time.monotonic(), 0
        self.left = sum(max(0, steps + 1 - chain.trials) for chain in chains)

    def show(self, chain, trial, seconds):
        self.done += 1
        self.left -= 1
        each = (time.monotonic() - self.began) / self.done
        tried = sum(max(0, other.trials - 1) for other in self.chains)
        accepted = sum(other.accepted for other in self.chains)
        rate = f"{100 * accepted / tried:.0f} %" if tried else "-"
        hours, minutes = divmod(round(self.left * each / 60), 60)
        print(
            f"chain {chain.number:3d} trial {chain.trials - 1:4d}/{self.steps} {trial.kind:8s} "
            f"{trial.outcome:17s} {len(trial.snapshots):3d} snapshots {seconds:6.1f} s | "
            f"accepted {rate}, {60 / each:.1f} trials/min, {hours} h {minutes:02d} min left",
            flush=True,
        )
