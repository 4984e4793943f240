"""Which snapshots of a search to keep: no repeats, none far above, none next to another.

The rules are ours. All of them are deterministic; what is dropped is counted by rule.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ase import Atoms
from scipy.spatial import cKDTree

from keras_ruo2.basin_hopping.history import START

if TYPE_CHECKING:
    from keras_ruo2.basin_hopping.history import HistoryFrame


REPEATED_START, FAR_ABOVE = "repeated start", "far above the trial's lowest"
NEXT_TO_ANOTHER, SEEN_BEFORE = "next to another of its trial", "seen in another trial"
SPARE = "more than --count"
RULES = (REPEATED_START, FAR_ABOVE, NEXT_TO_ANOTHER, SEEN_BEFORE, SPARE)
SAME_ENERGY = 1e-3  # eV by which two snapshots of one structure may differ
NUM_LEVELS = 5  # equal-width parts of the allowed energies over which --count is spread


class Kept(NamedTuple):
    """A snapshot that the rules keep.

    Args:
        name: Chain, trial and snapshot.
        move: Kind of the trial's move.
        above: Energy above the lowest of its trial, eV per atom.
    """

    name: tuple[int, int, int]
    move: str
    above: float


class Thinning:
    """The rules, and what was seen so far.

    Args:
        limit: Largest energy above the lowest snapshot of the trial, eV per atom.
        least: Least displacement of the atom that moves most, between two snapshots that are kept
            of one trial, Å; and the distance within which structures of different trials are one.
    """

    def __init__(self, limit: float, least: float) -> None:
        self.limit, self.least = limit, least
        self.dropped: Counter[str] = Counter()
        self.starts: set[str] = set()
        self.seen: defaultdict[tuple[str, int, int, float], list[tuple[float, Atoms]]]
        self.seen = defaultdict(list)

    def keep(self, trial: Sequence[HistoryFrame]) -> list[Kept]:
        """Return the snapshots of a trial, `HistoryFrame`s, that are kept, as `Kept`."""
        info = trial[0].info
        if info["move"] == START:
            if info["start"] in self.starts:
                self.dropped[REPEATED_START] += len(trial)
                return []
            self.starts.add(info["start"])
        lowest = min(frame.energy_per_atom for frame in trial)
        near = [frame for frame in trial if frame.energy_per_atom - lowest <= self.limit]
        self.dropped[FAR_ABOVE] += len(trial) - len(near)
        structures = [frame.atoms for frame in near]
        apart = far_apart(structures, self.least)
        self.dropped[NEXT_TO_ANOTHER] += len(near) - len(apart)
        new = [k for k in apart if not self.is_known(near[k], structures[k])]
        self.dropped[SEEN_BEFORE] += len(apart) - len(new)
        for k in new:
            self.seen[key_of(near[k])].append((near[k].energy, geometry_of(structures[k])))
        return [kept_frame(near[k], lowest) for k in new]

    def is_known(self, frame: HistoryFrame, atoms: Atoms) -> bool:
        """Say whether a snapshot of another trial, at whatever dmu_O, has this structure."""
        return any(
            abs(frame.energy - energy) <= SAME_ENERGY and same_places(atoms, other, self.least)
            for energy, other in self.seen[key_of(frame)]
        )


def geometry_of(atoms: Atoms) -> Atoms:
    """Return elements, positions and cell alone, a third of the memory."""
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell)


def key_of(frame: HistoryFrame) -> tuple[str, int, int, float]:
    """Return what equal structures have in common: start, atoms and, roughly, energy."""
    return frame.info["start"], frame.num_metal, frame.num_o, round(frame.energy, 1)


def kept_frame(frame: HistoryFrame, lowest: float) -> Kept:
    """Return the `Kept` of a frame."""
    return Kept(frame.name, frame.info["move"], frame.energy_per_atom - lowest)


def far_apart(structures: Sequence[Atoms], least: float) -> list[int]:
    """Choose snapshots of a relaxation that differ, from its end backwards.

    So the relaxed structure, the one worth most, is always kept.

    Args:
        structures: `ase.Atoms` in the order of the relaxation, in one orthogonal cell.
        least: Least displacement of the atom that moved most since the last one chosen, Å.

    Returns:
        Indices, ascending.
    """
    chosen: list[int] = []
    for k in reversed(range(len(structures))):
        if not chosen or largest_shift(structures[k], structures[chosen[-1]]) >= least:
            chosen.append(k)
    return chosen[::-1]


def largest_shift(first: Atoms, second: Atoms) -> float:
    """Return how far the atom that moved most has moved, through the nearest image, Å."""
    lengths = first.cell.lengths()
    moved = first.positions - second.positions
    moved -= lengths * np.round(moved / lengths)
    return float(np.linalg.norm(moved, axis=1).max())


def same_places(first: Atoms, second: Atoms, tolerance: float) -> bool:
    """Say whether every atom of one structure lies on one of its kind of the other, Å.

    The order of the atoms does not matter; both have the same cell and composition.
    """
    lengths = first.cell.lengths()
    for number in set(first.numbers):
        here, there = (
            atoms.positions[atoms.numbers == number] % lengths % lengths
            for atoms in (first, second)
        )
        distance, _ = cKDTree(there, boxsize=lengths).query(here)
        if distance.max() >= tolerance:
            return False
    return True


def choose_evenly(snapshots: Sequence[Kept], count: int, limit: float) -> set[tuple[int, int, int]]:
    """Choose `count` snapshots evenly over chains, then over moves, energies and time.

    Args:
        snapshots: List of `Kept`, in the order of the search.
        count: How many; all if there are no more.
        limit: The largest `above` that is allowed, eV per atom.

    Returns:
        Set of their names.
    """
    width = limit / NUM_LEVELS
    levels = (
        lambda kept_frame: kept_frame.name[0],
        lambda kept_frame: kept_frame.move,
        lambda kept_frame: min(int(kept_frame.above / width), NUM_LEVELS - 1),
    )
    return {kept_frame.name for kept_frame in share_out(snapshots, count, levels)}


def share_out(
    members: Sequence[Kept], count: int, levels: Sequence[Callable[[Kept], Any]]
) -> Sequence[Kept]:
    """Choose `count` of `members`, as evenly as possible over the groups of each level in turn."""
    if count >= len(members):
        return members
    if not levels:
        places = (np.arange(count) + 0.5) * len(members) / count
        return [members[int(place)] for place in places]
    groups = defaultdict(list)
    for member in members:
        groups[levels[0](member)].append(member)
    order = sorted(groups)
    sizes = even_shares([len(groups[name]) for name in order], count)
    return [
        member
        for name, size in zip(order, sizes, strict=True)
        for member in share_out(groups[name], size, levels[1:])
    ]


def even_shares(sizes: Sequence[int], total: int) -> list[int]:
    """Share `total` out over groups: equally, but to none more than it has.

    Args:
        sizes: What each group has.
        total: No more than all of it.

    Returns:
        List of integers that add up to `total`.
    """
    shares = [0] * len(sizes)
    open_groups = sorted(range(len(sizes)), key=lambda k: (sizes[k], k))
    for position, group in enumerate(open_groups):
        shares[group] = min(sizes[group], total // (len(sizes) - position))
        total -= shares[group]
    return shares
