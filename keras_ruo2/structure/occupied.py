"""Which sites of the frames a slab occupies, and how far from them its atoms rest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_ruo2.structure.anchors import Anchors
from keras_ruo2.structure.motifs import Motif
from keras_ruo2.structure.sites import HALF, Frame, canonical, lay_over

CLOSE = 0.25  # Å, root mean square, at which no other frame is tried


def sites_of_all(motifs: Iterable[Motif], anchors: Anchors) -> "list[Occupied | None]":
    """Return what `occupied_sites` does of each of many slabs; those of a search resemble the last.

    Args:
        motifs: List of `Motif`.
        anchors: `Anchors`.
    """
    frames, occupied, first = anchor_frames(anchors), [], 0
    for motif in motifs:
        occupied.append(occupied_sites(motif, anchors, frames, first))
        if occupied[-1]:
            first = int(anchors.cells[occupied[-1].cell, 0])
    return occupied


@dataclass(frozen=True)
class Occupied:
    """A slab told by the sites of a frame.

    Args:
        cell: Number of its frame and lateral repeats among `Anchors.cells`.
        occupancy: 1 where a site holds an atom, `(sites,)`.
        offsets: Of its atoms from their sites, Å, 0 at empty ones, `(sites, 3)`.
    """

    cell: int
    occupancy: np.ndarray
    offsets: np.ndarray


def anchor_frames(anchors: Anchors) -> list[Frame]:
    """Return the frames of `Anchors`, without members."""
    frames = []
    for number, channels in enumerate(anchors.channels):
        there = channels >= 0
        centring = np.array([[0, 0], HALF]) if anchors.centred[number] else np.zeros((1, 2))
        positions = anchors.positions[number][there]
        frames.append(Frame(anchors.lengths[number], centring, positions, channels[there]))
    return frames


def occupied_sites(
    motif: Motif, anchors: Anchors, frames: Sequence[Frame], first: int = 0
) -> Occupied | None:
    """Return what sites a slab occupies.

    Args:
        motif: `Motif`.
        anchors: `Anchors`.
        frames: What `anchor_frames` returned.
        first: Number of the frame that is tried first, and taken if the slab lies `CLOSE` on it.

    Returns:
        `Occupied`, or `None` where the slab fits no frame or has an atom far from every site.
    """
    slab = canonical(motif)
    best = *lay_over(slab, frames[first]), first
    if best[1] > CLOSE**2:
        fits = [(*lay_over(slab, frame), number) for number, frame in enumerate(frames)]
        best = min(fits, key=lambda fit: fit[1])
    moved, _, number = best
    if moved is None:
        return None
    sites = frames[number].assign(moved)
    if (sites < 0).any():
        return None
    occupancy, offsets = np.zeros(anchors.num_sites), np.zeros((anchors.num_sites, 3))
    occupancy[sites] = 1
    offsets[sites] = frames[number].offsets(moved.positions, frames[number].positions[sites])
    return Occupied(cell_of(number, moved.repeats, anchors), occupancy, offsets)


def cell_of(frame: int, repeats: np.ndarray, anchors: Anchors) -> int:
    """Return the number of a frame's cell, the one with these lateral repeats if there is one."""
    mine = np.flatnonzero(anchors.cells[:, 0] == frame)
    same = (anchors.cells[mine, 1:] == np.asarray(repeats)).all(axis=1)
    return int(mine[np.argmax(same)])


def at_rest(occupied: Sequence[Occupied | None], energies: np.ndarray) -> list[int]:
    """Find for each slab the one of lowest energy that occupies the same sites.

    Args:
        occupied: List of `Occupied` or `None`.
        energies: eV per atom, NaN where unknown, `(n,)`.

    Returns:
        For each the number of the slab at rest, -1 for those that occupy no known sites.
    """
    keys = [None if slab is None else (slab.cell, slab.occupancy.tobytes()) for slab in occupied]
    energies = np.where(np.isnan(energies), np.inf, energies)
    lowest: dict[tuple[int, bytes] | None, int] = {}
    for number in np.argsort(energies, kind="stable").tolist():
        lowest.setdefault(keys[number], number)
    return [-1 if key is None else lowest[key] for key in keys]
