"""Where atoms may be: known slabs, laid over each other, give the sites of their atoms."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_ruo2.structure.cells import widest_stretch
from keras_ruo2.structure.motifs import Motif

SAME_CELL = 0.03  # share by which lateral lengths of slabs in one frame may differ
SAME_SITE = 1.0  # Å; atoms of two slabs that are closer than this occupy the same site
INSIDE = 0.3  # Å below the outermost metal, from which on an anion lies inside a slab
ALIKE, FAR = 0.7, 0.8  # share of the anions inside that must find one closer than so many Å
CENTRING = 0.3  # Å that the copy of an atom in a centred cell may be off
MOST_STRUCTURES = 600  # that frames are made of; more of a large set add hardly a site
MOST_FRAMES = 64
HALF = np.array([0.5, 0.5])


@dataclass(frozen=True)
class Slab:
    """A motif in canonical axes: the shorter cell vector along x, one of its centred copies.

    Args:
        lengths: Lateral lengths of the cell, Å, shape `(2,)`.
        height: Length of the cell along z, Å.
        level: Mean height of the metal in the cell, Å.
        positions: Of the atoms, Å, shape `(n, 3)`; z is relative to `level` and not periodic.
        channels: 0 for the metal, 1 for the anion, shape `(n,)`.
        repeats: Lateral repeats.
        centring: Lateral translations within the cell that repeat the slab, in fractions of the
            cell, shape `(m, 2)`, the first being zero.
    """

    lengths: np.ndarray
    height: float
    level: float
    positions: np.ndarray
    channels: np.ndarray
    repeats: np.ndarray
    centring: np.ndarray


@dataclass
class Frame:
    """Slabs that lie over each other: the same cell, metal atoms within `SAME_SITE`, one inside.

    Args:
        lengths: Lateral lengths of the cell, Å, shape `(2,)`.
        centring: As in `Slab`; sites are those of one of the copies.
        positions: Of the sites, Å, shape `(s, 3)`; z is relative to the mean of the metal.
        channels: 0 for the metal, 1 for the anion, shape `(s,)`.
        slabs: Its members, laid over it.
        sites: For each member the sites of its atoms, integers `(n,)`.
        numbers: Which of the motifs the members are.
    """

    lengths: np.ndarray
    centring: np.ndarray
    positions: np.ndarray
    channels: np.ndarray
    slabs: list[Slab] = field(default_factory=list)
    sites: list[np.ndarray] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    @classmethod
    def around(cls, slab: Slab) -> "Frame":
        """Return the frame of a slab without members."""
        return cls(slab.lengths, slab.centring, slab.positions, slab.channels)

    def add(self, slab: Slab, number: int) -> None:
        """Add a slab that was laid over the frame; atoms where there was no site make one."""
        sites = self.assign(slab)
        new = sites < 0
        sites[new] = len(self.channels) + np.arange(new.sum())
        self.positions = np.concatenate([self.positions, slab.positions[new]])
        self.channels = np.concatenate([self.channels, slab.channels[new]])
        self.slabs.append(slab)
        self.sites.append(sites)
        self.numbers.append(number)

    def assign(self, slab: Slab) -> np.ndarray:
        """Return the site of each atom of a slab laid over the frame, -1 where there is none."""
        sites = np.full(len(slab.channels), -1)
        for channel in (0, 1):
            mine = np.flatnonzero(slab.channels == channel)
            theirs = np.flatnonzero(self.channels == channel)
            apart = self.offsets(slab.positions[mine][:, None], self.positions[theirs][None])
            cost = np.linalg.norm(apart, axis=-1)
            rows, columns = linear_sum_assignment(np.where(cost < SAME_SITE, cost**2, 1e3))
            near = cost[rows, columns] < SAME_SITE
            sites[mine[rows[near]]] = theirs[columns[near]]
        return sites

    def offsets(self, points: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return the vectors from places, or the nearest of their centred copies, to points, Å."""
        offsets = [
            vectors(points, places + [*shift, 0], self.lengths)
            for shift in self.centring * self.lengths
        ]
        nearest = np.argmin([np.linalg.norm(apart, axis=-1) for apart in offsets], axis=0)
        return np.take_along_axis(np.array(offsets), nearest[None, ..., None], axis=0)[0]

    def settle(self) -> "Frame":
        """Move every site to the mean of its atoms."""
        total, count = np.zeros_like(self.positions), np.zeros(len(self.positions))
        for slab, sites in zip(self.slabs, self.sites, strict=True):
            np.add.at(total, sites, self.offsets(slab.positions, self.positions[sites]))
            np.add.at(count, sites, 1)
        self.positions = self.positions + total / np.maximum(count, 1)[:, None]
        return self


def find_frames(motifs: Sequence[Motif], seed: int = 0) -> list[Frame]:
    """Lay slabs over each other.

    A slab joins a frame if, turned by a multiple of 90 degrees and moved, each metal atom lies on
    one of the frame's and the anions inside fit as well, so that only its faces may differ.

    Args:
        motifs: List of `Motif`.
        seed: Of the choice where there are more than `MOST_STRUCTURES`.

    Returns:
        List of `Frame`, those with most members first, at most `MOST_FRAMES`.
    """
    chosen = np.arange(len(motifs))
    if len(motifs) > MOST_STRUCTURES:
        chosen = np.sort(np.random.default_rng(seed).permutation(chosen)[:MOST_STRUCTURES])
    frames: list[Frame] = []
    for number in chosen.tolist():
        slab = canonical(motifs[number])
        fits = [(*lay_over(slab, frame), frame) for frame in frames]
        moved, _, frame = min(fits, key=lambda fit: fit[1], default=(None, np.inf, None))
        if moved is None or frame is None:
            moved, frame = slab, Frame.around(slab)
            frames.append(frame)
        frame.add(moved, number)
    frames.sort(key=lambda frame: -len(frame.slabs))
    return [frame.settle() for frame in frames[:MOST_FRAMES]]


def canonical(motif: Motif) -> Slab:
    """Return the `Slab` of a motif: whole along z, turned so that x is not longer than y."""
    positions, lengths, repeats = motif.positions.copy(), motif.lengths[:2], motif.repeats
    positions[:, 2] = unwrapped(positions[:, 2], motif.lengths[2])
    if lengths[0] > lengths[1] * (1 + SAME_CELL):
        positions = turned(positions, lengths, 1)
        lengths, repeats = lengths[::-1], repeats[::-1]
    metal = motif.channels == 0
    level = float(positions[metal if metal.any() else slice(None), 2].mean())
    positions[:, 2] -= level
    kept, centring = without_copies(positions, motif.channels, lengths)
    return Slab(
        lengths, motif.lengths[2], level, positions[kept], motif.channels[kept], repeats, centring
    )


def unwrapped(z: np.ndarray, height: float) -> np.ndarray:
    """Return heights moved by whole cells so that the widest gap lies outside of them."""
    z = z % height
    _, bottom = widest_stretch(z, height)
    return (z - bottom) % height + bottom


def turned(positions: np.ndarray, lengths: np.ndarray, turns: int) -> np.ndarray:
    """Return positions turned by `turns` times 90 degrees about z, within the turned cell."""
    result, lengths = positions.copy(), np.array(lengths, dtype=float)
    for _ in range(turns % 4):
        result = np.stack([-result[:, 1], result[:, 0], result[:, 2]], axis=1)
        lengths = lengths[::-1]
    result[:, :2] %= lengths
    return result


def without_copies(
    positions: np.ndarray, channels: np.ndarray, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of one of the copies in a centred cell and the translations to all."""
    moved = positions + [*(HALF * lengths), 0]
    partner, far = nearest_places(moved, channels, positions, channels, lengths)
    is_pair = partner[partner] == np.arange(len(partner))
    if len(partner) > 1 and (far < CENTRING).all() and is_pair.all():
        return np.flatnonzero(np.arange(len(partner)) < partner), np.array([[0, 0], HALF])
    return np.arange(len(partner)), np.zeros((1, 2))


def vectors(points: np.ndarray, places: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the shortest vectors from places to points, periodic in x and y only, Å."""
    apart = points - places
    apart[..., :2] -= lengths * np.round(apart[..., :2] / lengths)
    return apart


def nearest_places(
    points: np.ndarray,
    channels: np.ndarray,
    places: np.ndarray,
    kinds: np.ndarray,
    lengths: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return which place of its kind is nearest to each point, and how far it is, Å."""
    distance = np.linalg.norm(vectors(points[:, None], places[None], lengths), axis=-1)
    distance[channels[:, None] != kinds[None]] = np.inf
    return distance.argmin(axis=1), distance.min(axis=1)


def lay_over(slab: Slab, frame: Frame) -> tuple[Slab | None, float]:
    """Turn and move a slab so that it fits a frame best.

    Returns:
        The moved `Slab` and its cost, infinite if it does not fit.
    """
    alike = len(slab.centring) == len(frame.centring)
    if not alike or (slab.channels == 0).sum() != (frame.channels == 0).sum():
        return None, np.inf
    best, least = None, np.inf
    for turns in range(4):
        order = [0, 1] if turns % 2 == 0 else [1, 0]
        lengths = slab.lengths[order]
        if np.abs(lengths / frame.lengths - 1).max() > SAME_CELL:
            continue
        points = turned(slab.positions, slab.lengths, turns)
        points[:, :2] *= frame.lengths / lengths
        moved, cost = best_translation(points, slab.channels, frame)
        if moved is not None and cost < least:
            repeats = slab.repeats[order]
            best, least = replace(slab, lengths=lengths, repeats=repeats, positions=moved), cost
    return best, least


def best_translation(
    points: np.ndarray, channels: np.ndarray, frame: Frame
) -> tuple[np.ndarray | None, float]:
    """Return moved points and the cost of the translation that lays them over a frame best.

    Without one they are `None` and infinite.
    """
    shifts = np.concatenate([frame.centring * frame.lengths, np.zeros((len(frame.centring), 1))], 1)
    places = (frame.positions + shifts[:, None]).reshape(-1, 3)
    kinds = np.tile(frame.channels, len(shifts))
    metal, sites = points[channels == 0], places[kinds == 0]
    best, least = None, np.inf
    if not len(metal):
        return best, least
    moves = np.concatenate([np.zeros((1, 3)), sites - metal[0]])
    apart = vectors(metal[:, None] + moves[:, None, None], sites[None, None], frame.lengths)
    far = np.linalg.norm(apart, axis=-1).min(axis=2).max(axis=1)
    for move in moves[far < SAME_SITE]:
        moved = metal_aligned(points + move, channels, places, kinds, frame.lengths)
        distance = nearest_places(moved, channels, places, kinds, frame.lengths)[1]
        cost = float((np.minimum(distance, SAME_SITE) ** 2).mean())
        if cost < least and fits_frame(moved, channels, distance):
            best, least = moved, cost
    return best, least


def metal_aligned(
    points: np.ndarray,
    channels: np.ndarray,
    places: np.ndarray,
    kinds: np.ndarray,
    lengths: np.ndarray,
) -> np.ndarray:
    """Return points moved as a whole until their metal lies on that of the places on average."""
    index = nearest_places(points, channels, places, kinds, lengths)[0]
    return points - vectors(points, places[index], lengths)[channels == 0].mean(axis=0)


def fits_frame(points: np.ndarray, channels: np.ndarray, distance: np.ndarray) -> bool:
    """Say whether metal and the anions inside a slab are close enough to those of a frame."""
    metal, z = channels == 0, points[:, 2]
    bottom, top = z[metal].min() + INSIDE, z[metal].max() - INSIDE
    inside = ~metal & (z > bottom) & (z < top)
    alike = not inside.any() or (distance[inside] < FAR).mean() >= ALIKE
    return bool(alike and (distance[metal] < SAME_SITE).all())
