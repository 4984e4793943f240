"""What counts of a generator of atoms: how many of its slabs are valid, different and new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from keras_ruo2.structure.placed import placed_slabs
from keras_ruo2.structure.validity import reasons_against

if TYPE_CHECKING:
    from keras_ruo2.species import Pair
    from keras_ruo2.structure.anchors import Anchors
    from keras_ruo2.structure.occupied import Occupied


NAMES = ("slabs_valid", "slabs_valid_unique", "slabs_valid_unique_new")


class SlabScores:
    """Judge slabs by their atoms and by the sites that they occupy.

    Two slabs on the same sites of the same frame count as one, so that turned and mirrored copies
    count as different: `screen` afterwards is stricter, and needs a hundred times as long.

    Args:
        anchors: `Anchors`.
        known: Sites of the training slabs, a list of `Occupied` or `None`.
        species: Metal and anion.
    """

    names = NAMES

    def __init__(self, anchors: Anchors, known: Iterable[Occupied | None], species: Pair) -> None:
        self.anchors, self.species = anchors, species
        self.known = {
            (int(anchors.cells[slab.cell, 0]), slab.occupancy.astype(bool).tobytes())
            for slab in known
            if slab
        }
        self.reasons: Counter[str] = Counter()
        self.by_facet: dict[str, float] = {}

    def __call__(self, made: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Return the share of valid slabs, of valid and different, and of valid, different and new.

        `reasons` then counts what speaks against the others, and `by_facet` the share of valid
        slabs of each facet.

        Args:
            made: What a generator of atoms returns, as arrays.
        """
        faults = [
            reasons_against(atoms, self.species) for atoms in placed_slabs(made, self.species)
        ]
        self.reasons = Counter(reason for reasons in faults for reason in reasons)
        frames = self.anchors.cells[made["choice"].argmax(axis=1), 0]
        facets = np.array(self.anchors.facets)[frames]
        valid = np.array([not reasons for reasons in faults])
        self.by_facet = {str(facet): valid[facets == facet].mean() for facet in np.unique(facets)}
        there = made["weights"][:, : self.anchors.num_sites].max(axis=2) > 0.5
        keys = {
            (int(frame), sites.tobytes())
            for frame, sites, good in zip(frames, there, valid, strict=True)
            if good
        }
        counts = valid.sum(), len(keys), len(keys - self.known)
        return {name: float(n / len(valid)) for name, n in zip(NAMES, counts, strict=True)}

    @property
    def text(self) -> str:
        """What is wrong with the slabs, in words; empty where all are valid."""
        return ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common())
