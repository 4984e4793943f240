"""What a search did, in numbers: its chains, trials, outcomes and energies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_ruo2.basin_hopping.history import ACCEPTED, START, HistoryFrame, iterate_trials, unplaced
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
        first: That of the relaxed start, of a chain at another dmu_O if its own is not there.
        lowest: That of the accepted structure with the lowest grand potential, or `None`.
    """

    def __init__(self, frame: HistoryFrame) -> None:
        info = frame.info
        self.number, self.start, self.dmu_o = info["chain"], info["start"], info["dmu_o"]
        self.facet = info.get("facet", "unknown")
        self.lengths = frame.lengths
        self.area = float(frame.lengths[0] * frame.lengths[1])
        self.num_metal = frame.num_metal
        self.earliest = frame
        self.trials: list[TrialRow] = []
        self.first = frame
        self.own_start: HistoryFrame | None = None
        self.lowest: HistoryFrame | None = None

    def add(self, frames: Sequence[HistoryFrame]) -> None:
        """Add a trial by its snapshots."""
        last = frames[-1]
        info, omega = last.info, last.grand_potential
        row = (info["trial"], info["move"], info["outcome"], len(frames))
        self.trials.append(TrialRow(*row, last.energy, omega, last.num_o))
        if info["outcome"] == ACCEPTED:
            if info["move"] == START:
                self.first = self.own_start = last
            if self.lowest is None or omega < self.lowest.grand_potential:
                self.lowest = last

    def add_unplaced(self, rows: Iterable[tuple[int, str, str]]) -> None:
        """Add trials that left no snapshot, `(trial, move, outcome)`."""
        self.trials.extend(TrialRow(*row, 0, np.nan, np.nan, np.nan) for row in rows)
        self.trials.sort(key=lambda row: row.trial)

    @property
    def moves(self) -> list[TrialRow]:
        """The trials without the start."""
        return [row for row in self.trials if row.move != START]

    @property
    def accepted(self) -> np.ndarray:
        """1 for each accepted trial, 0 for each other, without the start."""
        return np.array([float(row.outcome == ACCEPTED) for row in self.moves])

    def current(self, name: str) -> np.ndarray:
        """Return `num_o` or `grand_potential` of the structure each trial leaves the chain with."""
        start: dict[str, float] = {"num_o": self.first.num_o, "grand_potential": self.reference}
        values, present = [], start[name]
        for row in self.trials:
            if row.outcome == ACCEPTED:
                present = getattr(row, name)
            values.append(present)
        return np.array(values)

    @property
    def refused(self) -> list[float]:
        """Grand potential of each refused trial's last snapshot, eV; NaN elsewhere."""
        return [np.nan if r.outcome == ACCEPTED else r.grand_potential for r in self.trials]

    @property
    def reference(self) -> float:
        """Grand potential of the relaxed start at the chain's own dmu_O, eV."""
        per_oxygen = self.first.info["oxygen_energy"] + self.dmu_o
        return self.first.energy - self.first.num_o * per_oxygen

    def excess(self, num_o: ArrayLike) -> np.ndarray:
        """Return O beyond two per metal atom, nm^-2 of the cell."""
        return (np.asarray(num_o) - 2 * self.num_metal) / self.area * SQUARE_NM

    def relative(self, values: ArrayLike) -> np.ndarray:
        """Return grand potentials over the relaxed start's, meV/Å^2."""
        return (np.asarray(values) - self.reference) * MILLI / self.area


class Search(NamedTuple):
    """A whole search.

    Args:
        chains: List of `ChainRecord`, by number.
        energies: Of all snapshots, eV per atom.
        above: Over the lowest snapshot of the same trial, eV per atom; starts are left out.
        knows_unplaced: Whether trials that left no snapshot are counted.
    """

    chains: list[ChainRecord]
    energies: np.ndarray
    above: np.ndarray
    knows_unplaced: bool


def read_search(path: Path) -> Search:
    """Read a search's snapshots, from whatever `histories.iterate_frames` reads.

    Returns:
        `Search`.
    """
    chains: dict[int, ChainRecord] = {}
    energies, above = [], []
    for frames in iterate_trials(path):
        info = frames[0].info
        if info["chain"] not in chains:
            chains[info["chain"]] = ChainRecord(frames[0])
        chains[info["chain"]].add(frames)
        per_atom = np.array([frame.energy_per_atom for frame in frames])
        energies.append(per_atom)
        if info["move"] != START:
            above.append(per_atom - per_atom.min())
    rest = unplaced(path)
    for number, rows in (rest or {}).items():
        if number in chains:
            chains[number].add_unplaced(rows)
    fill_in_starts(list(chains.values()))
    ordered = [chains[number] for number in sorted(chains)]
    return Search(ordered, np.concatenate(energies), joined(above), rest is not None)


def fill_in_starts(chains: Sequence[ChainRecord]) -> None:
    """Give chains without their start that of another chain, or else their first structure.

    The relaxed start does not depend on dmu_O; a thinned set has it once.
    """
    known = {chain.start: chain.own_start for chain in chains if chain.own_start}
    for chain in chains:
        chain.first = chain.own_start or known.get(chain.start, chain.earliest)


def joined(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Concatenate arrays, of which there may be none."""
    return np.concatenate(arrays) if arrays else np.zeros(0)


def by_start(chains: Sequence[ChainRecord]) -> dict[str, list[ChainRecord]]:
    """Return chains by their start, in the order of their numbers."""
    groups = defaultdict(list)
    for chain in chains:
        groups[chain.start].append(chain)
    return dict(groups)


def outcomes_by(
    chains: Sequence[ChainRecord], name_of: Callable[[ChainRecord, TrialRow], Any]
) -> dict[Any, dict[str, int]]:
    """Count outcomes of moves.

    Args:
        chains: List of `ChainRecord`.
        name_of: Function of a chain and a `TrialRow` that says where it is counted.

    Returns:
        Dict of names to dicts of outcomes to counts.
    """
    counts: defaultdict[Any, Counter[str]] = defaultdict(Counter)
    for chain in chains:
        for row in chain.moves:
            counts[name_of(chain, row)][row.outcome] += 1
    return {name: dict(counts[name]) for name in sorted(counts)}


def formula_excess(frame: HistoryFrame) -> str:
    """Return the formula of a frame and its O beyond two per metal atom, as text."""
    extra = frame.num_o - 2 * frame.num_metal
    atoms = frame.atoms
    metal = sorted(set(atoms.symbols[atoms.numbers != O]))
    return f"{''.join(metal)}{frame.num_metal}O{frame.num_o} ({extra:+d} O)"
