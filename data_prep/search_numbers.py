"""What a search did, in numbers: its chains, trials, outcomes and energies."""

from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np

from data_prep.histories import ACCEPTED, START, Frame, iterate_trials, unplaced
from keras_ruo2.structure.bonds import O

SQUARE_NM = 100.0  # Å^2
MILLI = 1000.0


class TrialRow(NamedTuple):
    """A trial: what was tried, what came of it, and its last snapshot (NaN without one)."""

    trial: int
    move: str
    outcome: str
    snapshots: int
    energy: float
    grand_potential: float
    num_o: float


class ChainRecord:
    """A chain of a search, without its structures.

    Attributes:
        number, start, facet, dmu_o: What it is; dmu_o in eV.
        lengths: Of the cell, Å.
        area: Of the surface, Å^2.
        num_metal: Number of metal atoms.
        trials: List of `TrialRow`, the start's first.
        first, lowest: `Frame` of the relaxed start, and of the accepted structure with the lowest
            grand potential.
    """

    def __init__(self, frame):
        info = frame.info
        self.number, self.start, self.dmu_o = info["chain"], info["start"], info["dmu_o"]
        self.facet = info.get("facet", "unknown")
        self.lengths = frame.lengths
        self.area = float(frame.lengths[0] * frame.lengths[1])
        self.num_metal = frame.num_metal
        self.trials, self.first, self.lowest = [], None, None

    def add(self, frames):
        """Add a trial by its snapshots."""
        last = frames[-1]
        info, omega = last.info, last.grand_potential
        row = (info["trial"], info["move"], info["outcome"], len(frames))
        self.trials.append(TrialRow(*row, last.energy, omega, last.num_o))
        if info["outcome"] == ACCEPTED:
            self.first = self.first or last
            if self.lowest is None or omega < self.lowest.grand_potential:
                self.lowest = last

    def add_unplaced(self, rows):
        """Add trials that left no snapshot, `(trial, move, outcome)`."""
        nothing = (0, np.nan, np.nan, np.nan)
        self.trials.extend(TrialRow(*row, *nothing) for row in rows)
        self.trials.sort(key=lambda row: row.trial)

    @property
    def moves(self):
        """The trials without the start."""
        return [row for row in self.trials if row.move != START]

    @property
    def accepted(self):
        """1 for each accepted trial, 0 for each other, without the start."""
        return np.array([float(row.outcome == ACCEPTED) for row in self.moves])

    def current(self, name):
        """Return a value of the structure that each trial leaves the chain with."""
        values, present = [], np.nan
        for row in self.trials:
            if row.outcome == ACCEPTED or not values:
                present = getattr(row, name)
            values.append(present)
        return np.array(values)

    @property
    def excess(self):
        """O beyond two per metal atom, nm^-2 of the cell, after each trial."""
        return (self.current("num_o") - 2 * self.num_metal) * SQUARE_NM / self.area

    def relative(self, values):
        """Return grand potentials over that of the first structure, meV/Å^2."""
        return (np.asarray(values) - self.trials[0].grand_potential) * MILLI / self.area


class Search(NamedTuple):
    """A whole search.

    Args:
        chains: List of `ChainRecord`, by number.
        energies: Of all snapshots, eV per atom.
        above: Over the lowest snapshot of the same trial, eV per atom; starts are left out.
        knows_unplaced: Whether trials that left no snapshot are counted.
    """

    chains: list
    energies: np.ndarray
    above: np.ndarray
    knows_unplaced: bool


def read_search(path):
    """Read a search's snapshots, from whatever `histories.iterate_frames` reads.

    Returns:
        `Search`.
    """
    chains, energies, above = {}, [], []
    for frames in iterate_trials(path):
        info = frames[0].info
        if info["chain"] not in chains:
            chains[info["chain"]] = ChainRecord(frames[0])
        chains[info["chain"]].add(frames)
        found = np.array([frame.energy_per_atom for frame in frames])
        energies.append(found)
        if info["move"] != START:
            above.append(found - found.min())
    rest = unplaced(path)
    for number, rows in (rest or {}).items():
        if number in chains:
            chains[number].add_unplaced(rows)
    ordered = [chains[number] for number in sorted(chains)]
    return Search(ordered, np.concatenate(energies), joined(above), rest is not None)


def joined(arrays):
    """Concatenate arrays, of which there may be none."""
    return np.concatenate(arrays) if arrays else np.zeros(0)


def by_start(chains):
    """Return chains by their start, in the order of their numbers."""
    groups = defaultdict(list)
    for chain in chains:
        groups[chain.start].append(chain)
    return dict(groups)


def outcomes_by(chains, name_of):
    """Count outcomes of moves.

    Args:
        chains: List of `ChainRecord`.
        name_of: Function of a chain and a `TrialRow` that says where it is counted.

    Returns:
        Dict of names to dicts of outcomes to counts.
    """
    found = defaultdict(Counter)
    for chain in chains:
        for row in chain.moves:
            found[name_of(chain, row)][row.outcome] += 1
    return {name: dict(found[name]) for name in sorted(found)}


def formula_excess(frame: Frame):
    """Return the formula of a frame and its O beyond two per metal atom, as text."""
    extra = frame.num_o - 2 * frame.num_metal
    atoms = frame.atoms
    metal = sorted(set(atoms.symbols[atoms.numbers != O]))
    return f"{''.join(metal)}{frame.num_metal}O{frame.num_o} ({extra:+d} O)"
