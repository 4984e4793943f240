"""When slabs on the sites of a frame are the same one, turned, mirrored or moved."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_ruo2.structure.anchors import Anchors
from keras_ruo2.structure.occupied import Occupied
from keras_ruo2.structure.opposite import laid_on_itself
from keras_ruo2.structure.sites import HALF

SlabKey = tuple[int, tuple[int, ...]]  # frame, and the sites that hold an atom


class SlabKeys:
    """Give equal slabs equal keys.

    Slabs that differ in the frame only, such as the same faces on more layers, count as different;
    `screen` is stricter, and needs a hundred times as long.

    Args:
        anchors: `Anchors`.
    """

    def __init__(self, anchors: Anchors) -> None:
        self.anchors = anchors
        self.moves: dict[int, np.ndarray] = {}

    def __call__(self, cell: int, there: np.ndarray) -> SlabKey:
        """Return what equal slabs share, to be compared and hashed.

        Args:
            cell: Number of the slab's cell; lateral repeats do not count.
            there: Which sites hold an atom, bool `(sites,)`.
        """
        frame = int(self.anchors.cells[cell, 0])
        if frame not in self.moves:
            self.moves[frame] = self.moves_of(frame)
        moved = self.moves[frame]
        sites = np.flatnonzero(there[: moved.shape[1]])
        images = moved[:, sites]
        images = np.sort(images[(images >= 0).all(axis=1)], axis=1)
        return frame, min(map(tuple, images.tolist()))

    def moves_of(self, frame: int) -> np.ndarray:
        """Return where each way to lay a frame on itself takes its sites, `(ways, sites)`."""
        anchors = self.anchors
        real = anchors.channels[frame] >= 0
        centring = np.array([[0, 0], HALF]) if anchors.centred[frame] else np.zeros((1, 2))
        ways = laid_on_itself(
            anchors.positions[frame][real],
            anchors.channels[frame][real],
            anchors.lengths[frame],
            centring,
            (1, -1),
        )
        itself = np.arange(real.sum())
        return np.unique([itself, *(sites for _, sites, _ in ways)], axis=0)


@dataclass(frozen=True)
class KnownSlabs:
    """Which slabs a generator learned from.

    Args:
        keys: Their `SlabKeys`.
    """

    keys: frozenset[SlabKey]

    @classmethod
    def of(cls, occupied: Iterable[Occupied | None], anchors: Anchors) -> "KnownSlabs":
        """Return those of what `occupied_sites` returned for each slab.

        Args:
            occupied: List of `Occupied`; `None` where a slab fits no frame.
            anchors: `Anchors`.
        """
        key_of = SlabKeys(anchors)
        return cls(frozenset(key_of(one.cell, one.occupancy > 0) for one in occupied if one))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it: of each slab the frame and the sites with an atom."""
        return {"slabs": [[frame, list(sites)] for frame, sites in sorted(self.keys)]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "KnownSlabs":
        """Invert `as_dict`."""
        return cls(frozenset((frame, tuple(sites)) for frame, sites in values["slabs"]))
