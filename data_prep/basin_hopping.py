"""The large dataset: grand-canonical basin hopping, every snapshot kept.

This process alone writes the chains. A trial is a piece of work that depends on the chain's last
structure and the trial's own random numbers only, so that it may be made here or on any worker, and
made again when a worker dies: the files are the same.
"""

import functools
import itertools
import time
from typing import NamedTuple

import numpy as np
from ase import Atoms

from data_prep.chains import Chain, check_settings, join
from data_prep.gap import lattice_constants
from data_prep.pool import Here, open_pool
from data_prep.sampling import (
    FAILED,
    Conditions,
    relax,
    run_start,
    run_trial,
)
from data_prep.snapshots import describe, frame, row
from data_prep.starts import is_file, make_starts, start_words
from data_prep.workplace import only_user
from keras_ruo2.calculators import check_calculator, make_calculator
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.memory import check_memory, free_memory
from keras_ruo2.paths import shown
from keras_ruo2.relaxation.crystals import oxygen_molecule
from keras_ruo2.species import DEFAULT, remark
from keras_ruo2.thermodynamics import KNOWN_REFERENCES

MOST_FAILURES = 10  # trials of a chain in a row in which the calculator may fail
MOST_CHAINS = 1_000_000  # in the order of trials
UNIMPORTANT = (
    "out",
    "steps",
    "overwrite",
    "scheduler",
    "workers",
)  # settings that may differ when a search goes on


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
    with only_user(folder), open_pool(config.scheduler, config.workers) as pool:
        calculator, provenance = make_calculator(config.calculator)
        a, c = config.a, config.c
        if not all(is_file(word) for word in words):
            a, c = lattice_constants(config, calculator)
        oxygen = oxygen_energy(config, calculator, provenance)
        starts = make_starts(config, a, c)
        check_room(config, starts)
        plans = make_plans(config, starts, oxygen)
        settings = {k: v for k, v in config.as_dict().items() if k not in UNIMPORTANT}
        if config.species == DEFAULT:  # searches from before there was a choice go on
            del settings["species"]
        check_settings(folder, settings | provenance | {"oxygen_energy": round(oxygen, 4)})
        chains = [Chain(folder, plan.number) for plan in plans]
        engine = calculator if isinstance(pool, Here) else config.calculator
        run(plans, chains, pool, engine, provenance, config)
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


def check_room(config, starts):
    """Raise `ConfigError` if the largest start would not fit into this machine's memory.

    The memory of a scheduler's workers is not known here.
    """
    if config.scheduler is None:
        free = free_memory()
        each = None if free is None else free / (config.workers or 1)
        check_memory(config.calculator, max(map(len, starts)), each)


def run(plans, chains, pool, engine, provenance, config):
    """Take the chains forward, shorter ones first; each has one trial at work at any time.

    Args:
        plans: `Plan` of each chain.
        chains: `Chain` of each.
        pool: Who makes the trials, see `data_prep.pool`.
        engine: The calculator, or its name for workers, who make one each.
        provenance: Of the calculator, kept with each snapshot.
        config: `BasinHoppingConfig`.
    """
    progress = Progress(chains, config.steps)
    of_start = {}  # chains that begin with a start, which is relaxed once for all of them
    for plan, chain in zip(plans, chains, strict=True):
        if chain.trials == 0:
            of_start.setdefault(plan.start.info["start"], []).append((plan, chain))
        elif chain.trials <= config.steps:
            hand_out(plan, chain, pool, engine, config.seed)
    for name, members in of_start.items():
        plan, chain = members[0]
        arguments = (plan.start, engine, plan.conditions)
        pool.submit(name, chain.number, make_start, *arguments)
    pairs = zip(plans, chains, strict=True)
    members = of_start | {chain.number: [(plan, chain)] for plan, chain in pairs}
    for tag, (trial, seconds) in pool.results():
        for plan, chain in members[tag]:
            keep(plan, chain, trial, provenance)
            progress.show(chain, trial, seconds)
            if chain.trials <= config.steps:
                hand_out(plan, chain, pool, engine, config.seed)


def hand_out(plan, chain, pool, engine, seed):
    """Hand out the next trial of a chain; what comes of it depends on these arguments only."""
    numbers = (seed, plan.number, chain.trials)
    arguments = (chain.atoms, chain.energy, engine, plan.conditions, numbers)
    pool.submit(chain.number, chain.trials * MOST_CHAINS + chain.number, make_trial, *arguments)


def make_start(atoms, engine, conditions):
    """Return the `Trial` that relaxes a start, and the seconds that it took."""
    began = time.monotonic()
    return run_start(atoms, calculator_of(engine), conditions), time.monotonic() - began


def make_trial(atoms, energy, engine, conditions, numbers):
    """Return a `Trial`, and the seconds that it took.

    Args:
        atoms: The structure to start from.
        energy: Its potential energy, eV.
        engine: The calculator, or its name.
        conditions: `Conditions`.
        numbers: Seed, number of the chain and of the trial, which settle its random numbers.
    """
    began, rng = time.monotonic(), np.random.default_rng(numbers)
    trial = run_trial(atoms, energy, calculator_of(engine), conditions, rng)
    return trial, time.monotonic() - began


def calculator_of(engine):
    """Return a calculator, made once in each process where it is given by name."""
    return named_calculator(engine) if isinstance(engine, str) else engine


@functools.lru_cache(maxsize=1)
def named_calculator(name):
    """Return the calculator of a name."""
    return make_calculator(name)[0]


def keep(plan, chain, trial, provenance):
    """Keep a finished trial in the files of its chain.

    Raises:
        ConfigError: If the calculator fails at the start, or again and again.
    """
    if chain.trials == 0 and trial.outcome == FAILED:
        raise ConfigError(f"The calculator fails at {plan.start.info['start']}: {trial.error}")
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
