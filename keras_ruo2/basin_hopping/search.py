"""The large dataset: grand-canonical basin hopping, every snapshot kept.

This process alone writes the chains. A trial is a piece of work that depends on the chain's last
structure and the trial's own random numbers only, so that it may be made here or on any worker, and
made again when a worker dies: the files are the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ase import Atoms

from keras_ruo2.basin_hopping.chains import Chain, check_settings, join_chains, table_rows
from keras_ruo2.basin_hopping.moves import CLASH
from keras_ruo2.basin_hopping.snapshots import snapshot_atoms, trial_history, trial_row
from keras_ruo2.basin_hopping.starts import check_files, is_file, make_starts, start_words
from keras_ruo2.basin_hopping.trial import CLASHING, FAILED, Conditions, Trial, faults_of
from keras_ruo2.basin_hopping.worker import Engine, find_search_references, make_start, make_trial
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io import messages
from keras_ruo2.io.locks import only_user
from keras_ruo2.io.memory import check_memory, free_memory
from keras_ruo2.io.paths import checksum, shown
from keras_ruo2.io.pool import SerialPool, open_pool
from keras_ruo2.io.progress import ChainProgress
from keras_ruo2.relaxation.calculators import check_calculator, make_calculator
from keras_ruo2.species import DEFAULT, assumption_note

if TYPE_CHECKING:
    from keras_ruo2.config.preparation import BasinHoppingConfig


MOST_FAILURES = 10  # trials of a chain in a row in which the calculator may fail
MOST_CHAINS = 1_000_000  # in the order of trials
# Settings that may differ when a search goes on.
UNIMPORTANT = ("out", "steps", "overwrite", "scheduler", "workers", "trust")


class Plan(NamedTuple):
    """What a chain is made of: its number, its start and its `Conditions`."""

    number: int
    start: Atoms
    conditions: Conditions


def main(config: BasinHoppingConfig) -> None:
    """Run every chain to `config.steps` trials and join their snapshots in one file.

    Args:
        config: `BasinHoppingConfig`.
    """
    if config.scheduler is None:
        check_calculator(config.calculator)
    checksums = {
        start: checksum(Path(start)) for start in start_words(config.start) if is_file(start)
    }
    check_files(config)
    folder = config.out.with_suffix(".chains")
    check_writable(folder)
    assumption_note(config.pair)
    with only_user(folder / "lock"), open_pool(config.scheduler, config.workers) as pool:
        engine: Engine | str = config.calculator
        if isinstance(pool, SerialPool):
            engine = Engine(*make_calculator(config.calculator))
        provenance, a, c, oxygen = pool.call(find_search_references, engine, config)
        starts = make_starts(config, a, c)
        check_fits_memory(config, starts)
        plans = make_plans(config, starts, oxygen)
        settings = {k: v for k, v in config.as_dict().items() if k not in UNIMPORTANT}
        if config.species == DEFAULT:  # searches from before there was a choice go on
            del settings["species"]
        settings |= provenance | {"oxygen_energy": round(oxygen, 4)}
        check_settings(folder, settings, checksums)
        chains = [Chain(folder, plan.number) for plan in plans]
        run_chains(plans, chains, pool, engine, provenance, config)
        join_chains(chains, config.out)
    num_snapshots = sum(count_frames(chain) for chain in chains)
    messages.info(
        f"{shown(config.out)}: {num_snapshots:,} snapshots of {len(chains)} chains. "
        f"{shown(folder)} holds the chains: keep it to go on with more --steps."
    )


def make_plans(config: BasinHoppingConfig, starts: Sequence[Atoms], oxygen: float) -> list[Plan]:
    """Return a `Plan` for every start, chemical potential and repetition."""
    combined = itertools.product(starts, config.potentials, range(config.chains))
    return [
        Plan(number, start, Conditions(dmu_o, oxygen, **config.search))
        for number, (start, dmu_o, _) in enumerate(combined)
    ]


def check_fits_memory(config: BasinHoppingConfig, starts: Sequence[Atoms]) -> None:
    """Raise `ConfigError` if the largest start would not fit into this machine's memory.

    The workers of a scheduler look at their own memory.
    """
    if config.scheduler is None:
        free = free_memory()
        each = None if free is None else free // (config.workers or 1)
        check_memory(config.calculator, max(map(len, starts)), each)


def run_chains(
    plans: Sequence[Plan],
    chains: Sequence[Chain],
    pool: Any,
    engine: Engine | str,
    provenance: Mapping[str, str],
    config: BasinHoppingConfig,
) -> None:
    """Take the chains forward, shorter ones first; each has one trial at work at any time.

    Args:
        plans: `Plan` of each chain.
        chains: `Chain` of each.
        pool: Who makes the trials, see `keras_ruo2.io.pool`.
        engine: `Engine`, or the name of a calculator for workers, who make one each.
        provenance: Of the calculator, kept with each snapshot.
        config: `BasinHoppingConfig`.

    Raises:
        ConfigError: If the calculator of a worker is another one or fails.
    """
    progress = ChainProgress(chains, config.steps)
    # Chains that begin with a start, which is relaxed once for all of them.
    of_start: dict[int | str, list[tuple[Plan, Chain]]] = {}
    for plan, chain in zip(plans, chains, strict=True):
        if chain.trials == 0:
            of_start.setdefault(plan.start.info["start"], []).append((plan, chain))
        elif chain.trials <= config.steps:
            hand_out(plan, chain, pool, engine, config.seed)
    for name, alike in of_start.items():
        plan, chain = alike[0]
        arguments = (plan.start, engine, plan.conditions)
        pool.submit(name, chain.number, make_start, *arguments)
    pairs = zip(plans, chains, strict=True)
    members = of_start | {chain.number: [(plan, chain)] for plan, chain in pairs}
    for tag, (trial, seconds, made_with) in pool.results():
        check_same_calculator(made_with, provenance)
        progress.count(seconds)
        if trial.accepted and tag in of_start:
            remark_on_faults(tag, trial.snapshots[-1].atoms)
        for plan, chain in members[tag]:
            save_trial(plan, chain, trial, provenance)
            progress.show(chain, trial, seconds)
            if chain.trials <= config.steps:
                hand_out(plan, chain, pool, engine, config.seed)


def remark_on_faults(name: str, atoms: Atoms) -> None:
    """Say so if a relaxed start is faulty: trials may mend it, or all be refused for it."""
    faults = ", ".join(fault.replace("_", " ") for fault, _ in faults_of(atoms))
    if faults:
        messages.info(
            f"{name}, relaxed, has {faults}: trials are refused until one has mended that.",
        )


def hand_out(plan: Plan, chain: Chain, pool: Any, engine: Engine | str, seed: int) -> None:
    """Hand out the next trial of a chain; what comes of it depends on these arguments only."""
    numbers = (seed, plan.number, chain.trials)
    arguments = (chain.atoms, chain.energy, engine, plan.conditions, numbers)
    pool.submit(chain.number, chain.trials * MOST_CHAINS + chain.number, make_trial, *arguments)


def check_same_calculator(made_with: Mapping[str, str], provenance: Mapping[str, str]) -> None:
    """Raise `ConfigError` unless a trial was made with the calculator of the search."""
    for name, value in provenance.items():
        if made_with[name] != value:
            raise ConfigError(
                f"A worker made a trial with {name} = {made_with[name]}, this search has {value}. "
                "Install the same on all workers. What is finished is kept."
            )


def save_trial(plan: Plan, chain: Chain, trial: Trial, provenance: Mapping[str, str]) -> None:
    """Keep a finished trial in the files of its chain.

    Raises:
        ConfigError: If the calculator fails at the start, or again and again, or atoms of the start
            are too close for it.
    """
    if chain.trials == 0 and trial.outcome == CLASHING:
        raise ConfigError(
            f"{plan.start.info['start']} has atoms closer than {CLASH} of their covalent radii, "
            "where potentials cannot be trusted. Give another --start."
        )
    if chain.trials == 0 and trial.outcome == FAILED:
        raise ConfigError(f"The calculator fails at {plan.start.info['start']}: {trial.error}")
    atoms, energy = chain.atoms, chain.energy
    if trial.accepted:
        atoms, energy = trial.snapshots[-1].atoms, trial.snapshots[-1].energy
    common = trial_history(plan, chain, trial) | dict(provenance)
    frames = [snapshot_atoms(shot, k, common, plan) for k, shot in enumerate(trial.snapshots)]
    chain.append(frames, trial_row(plan, chain, trial), trial.accepted, atoms, energy)
    if chain.failures >= MOST_FAILURES:
        raise ConfigError(
            f"The calculator failed in {MOST_FAILURES} trials of chain {plan.number} in a row, at "
            f"last with {trial.error} Use another calculator or shorter moves (--length)."
        )


def count_frames(chain: Chain) -> int:
    """Return the number of snapshots of a chain."""
    return sum(int(trial_row["snapshots"]) for trial_row in table_rows(chain.file(".csv")))
