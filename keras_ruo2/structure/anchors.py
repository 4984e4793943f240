"""The sites of known slabs as tables of numbers, from which a generator places atoms."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_ruo2.errors import ConfigError
from keras_ruo2.species import SPECIES, Pair
from keras_ruo2.structure.motifs import Motif
from keras_ruo2.structure.orientation import UNKNOWN, facet_of
from keras_ruo2.structure.site_tables import (
    FACE_SHARES,
    excluding,
    periodic_distances,
    table_of,
)
from keras_ruo2.structure.sites import Frame, find_frames

MOST_SITES = 400
NEVER = 5.0  # Å, a distance that stands for none
SELDOM = 1e-3  # how often a class has a cell that it has not in the data, against others
TOUCHING = 0.9  # of the shortest distance of anions in the data: closer sites exclude each other

LATER: Any = None  # of a field that is filled in after an object is made


@dataclass(frozen=True)
class Anchors:
    """Frames of slabs, padded to the same number of sites.

    Args:
        species: Metal and anion.
        alpha: Inverse square width of the Gaussians, Å^-2.
        rotated: Whether the records were turned by multiples of 90 degrees.
        translated: Axes along which the records were moved, `xyz` or `xy`.
        vacuum: Empty space along z, Å; `None` where cells have a height of their own.
        facets: Facet of each frame, f names.
        positions: Of the sites, Å, z relative to the mean of the metal, `(f, s, 3)`.
        channels: 0 metal, 1 anion, -1 padding, `(f, s)`.
        shares: Chance of an atom at each site, `(f, s)`.
        bounds: Largest displacement from each site, Å, `(f, s, 3)`.
        excluded: Triples of a frame and two of its sites that never hold atoms together, `(n, 3)`.
        lengths: Lateral lengths, Å, `(f, 2)`.
        heights: Mean length of the cells along z, Å, `(f,)`.
        levels: Mean height of the metal in the cells, Å, `(f,)`.
        centred: Whether the cell of a frame is centred: each site stands there twice, `(f,)`.
        shortest: Shortest distance of metal and metal, metal and anion, anion and anion, Å, `(3,)`.
        farthest: Longest distance of an anion from the metal atom next to it, Å.
        cells: Frame and lateral repeats of each kind of cell, `(k, 3)`.
        counts: Training records of each cell in each class, `(k, classes)`.
        upper: For each site of a lower face its opposite on the upper one, its own number for all
            other sites, `(f, s)`; `None`, of runs that knew none, is read as the latter.
        equal: Share of the slabs whose two faces are equal, `(f,)`; `None` is read as 0.
    """

    species: Pair
    alpha: float
    rotated: bool
    translated: str
    vacuum: float | None
    facets: tuple[str, ...]
    positions: np.ndarray
    channels: np.ndarray
    shares: np.ndarray
    bounds: np.ndarray
    excluded: np.ndarray
    lengths: np.ndarray
    heights: np.ndarray
    levels: np.ndarray
    centred: np.ndarray
    shortest: np.ndarray
    farthest: float
    cells: np.ndarray
    counts: np.ndarray
    upper: np.ndarray = LATER
    equal: np.ndarray = LATER

    def __post_init__(self) -> None:
        if self.upper is None:
            frames, sites = self.channels.shape
            object.__setattr__(self, "upper", np.tile(np.arange(sites), (frames, 1)))
            object.__setattr__(self, "equal", np.zeros(frames))

    @property
    def chances(self) -> np.ndarray:
        """Chance of each cell in each class, `(k, classes)`; none is zero, all can be had."""
        counts = self.counts + SELDOM * self.counts.sum(axis=1, keepdims=True)
        return counts / counts.sum(axis=0)

    @property
    def overall(self) -> np.ndarray:
        """Chance of each cell whatever the class, `(k,)`."""
        return self.counts.sum(axis=1) / self.counts.sum()

    @property
    def opposed(self) -> np.ndarray:
        """Whether each site has an opposite on the other face, `(f, s)`."""
        own = np.arange(self.num_sites)
        opposed = self.upper != own
        for frame, upper in enumerate(self.upper):
            opposed[frame, upper[upper != own]] = True
        return opposed

    def cells_of(self, facet: str | None) -> list[int]:
        """Return the numbers of the cells whose slabs show a facet, e.g. `"(110)"`."""
        return [k for k, (frame, *_) in enumerate(self.cells) if self.facets[frame] == facet]

    def with_equal_faces(self, cells: Iterable[int]) -> list[int]:
        """Return those of the cells in which some slab of the data has two equal faces."""
        return [k for k in cells if self.equal[self.cells[k, 0]] > 0]

    def anion_range(self) -> tuple[float, float]:
        """Return the least and the largest number of anions for a metal atom that sites allow."""
        metal = (self.channels == 0).sum(axis=1)
        anions, always = self.channels == 1, self.shares > FACE_SHARES[1] + 1e-6
        fewest, most = ((anions & kind).sum(axis=1) / metal for kind in (always, True))
        return float(fewest.min()), float(most.max())

    def describe_cells(self) -> list[str]:
        """Return a few words on each cell: facet, lengths and lateral repeats."""
        return [
            "{} of {:.2f} x {:.2f} Å, {} x {}".format(
                self.facets[frame], *self.lengths[frame], *repeats
            )
            for frame, *repeats in self.cells
        ]

    @property
    def num_sites(self) -> int:
        """Sites of a frame, padding included."""
        return self.channels.shape[1]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it, lengths to 0.0001 Å."""
        values = asdict(self)
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                rounded = np.round(value, 4) if value.dtype.kind == "f" else value
                values[name] = {"shape": value.shape, "values": rounded.ravel().tolist()}
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Anchors":
        """Invert `as_dict`."""
        known: dict[str, Any] = {}
        for name, value in values.items():
            if isinstance(value, dict):
                value = np.array(value["values"]).reshape(value["shape"])
            known[name] = tuple(value) if isinstance(value, list) else value
        return cls(**known)


def find_anchors(
    motifs: Sequence[Motif],
    labels: Sequence[int] | np.ndarray,
    counts: Sequence[int] | np.ndarray,
    *,
    num_classes: int,
    species: Pair = SPECIES,
    **known: Any,
) -> Anchors:
    """Return the `Anchors` of training structures.

    Args:
        motifs: List of `Motif`, one of each structure.
        labels: Class of each, 0 to `num_classes - 1`, or -1.
        counts: Records of each.
        num_classes: Number of classes, at least 1.
        species: Metal and anion.
        known: `alpha`, `rotated` and `translated`.

    Raises:
        ConfigError: If slabs have more than `MOST_SITES` sites.
    """
    frames = find_frames(motifs)
    shortest = np.min([shortest_of(motif) for motif in motifs], axis=0)
    farthest = max(farthest_of(motif) for motif in motifs)
    tables = [table_of(frame, species) for frame in frames]
    size = max(len(table["channels"]) for table in tables)
    if size > MOST_SITES:
        raise ConfigError(
            f"The slabs have {size} sites for atoms in a cell, {MOST_SITES} at most are possible. "
            "Give smaller cells, or train another architecture, e.g. --arch=waves."
        )
    stacked: dict[str, Any] = {
        name: np.stack([padded(table[name], size, fill) for table in tables])
        for name, fill in (("positions", 0), ("channels", -1), ("shares", 0), ("bounds", 0))
    }
    excluded = [
        (number, *pair)
        for number, (frame, table) in enumerate(zip(frames, tables, strict=True))
        for pair in excluding(frame, table, TOUCHING * shortest[2])
    ]
    cells, tallies = cell_kinds(frames, labels, counts, num_classes)
    heights = [np.array([slab.height for slab in frame.slabs]) for frame in frames]
    return Anchors(
        species=(species[0], species[1]),
        vacuum=vacuum_of(frames, heights),
        facets=tuple(facet(motifs[frame.numbers[0]], species) for frame in frames),
        **stacked,
        excluded=np.reshape(excluded, (-1, 3)).astype(int),
        lengths=np.stack([frame.lengths for frame in frames]),
        heights=np.array([values.mean() for values in heights]),
        levels=np.array([np.mean([slab.level for slab in frame.slabs]) for frame in frames]),
        centred=np.array([len(frame.centring) > 1 for frame in frames]),
        shortest=shortest,
        farthest=farthest,
        cells=cells,
        counts=tallies,
        upper=np.stack([padded_numbers(table["upper"], size) for table in tables]),
        equal=np.array([table["equal"] for table in tables]),
        **known,
    )


def facet(motif: Motif, species: Pair) -> str:
    """Return the facet that a motif shows, `unknown` where it cannot be told."""
    try:
        return facet_of(motif.to_atoms(species))
    except ValueError:
        return UNKNOWN


def padded(values: ArrayLike, size: int, fill: float) -> np.ndarray:
    """Return an array with its first axis filled up to `size`."""
    values = np.asarray(values)
    result = np.full((size, *values.shape[1:]), fill, dtype=values.dtype)
    result[: len(values)] = values
    return result


def padded_numbers(sites: np.ndarray, size: int) -> np.ndarray:
    """Return numbers of sites, followed by those of the padding."""
    result = np.arange(size)
    result[: len(sites)] = sites
    return result


def shortest_of(motif: Motif) -> np.ndarray:
    """Return the shortest distances of metals, of metals and anions, and of anions, `(3,)`, Å."""
    metal, anions = (motif.positions[motif.channels == channel] for channel in (0, 1))
    return np.array(
        [
            periodic_distances(points, places, motif.lengths).min(initial=NEVER)
            for points, places in ((metal, metal), (metal, anions), (anions, anions))
        ]
    )


def farthest_of(motif: Motif) -> float:
    """Return the longest distance of an anion from the metal atom next to it, Å."""
    metal, anions = (motif.positions[motif.channels == channel] for channel in (0, 1))
    nearest = periodic_distances(anions, metal, motif.lengths).min(axis=1, initial=NEVER)
    return float(nearest.max(initial=0.0))


def vacuum_of(frames: Sequence[Frame], heights: Sequence[np.ndarray]) -> float | None:
    """Return the empty space that all cells have along z, `None` if they have no such thing."""
    extents = [np.array([np.ptp(slab.positions[:, 2]) for slab in frame.slabs]) for frame in frames]
    gaps = [height - extent for height, extent in zip(heights, extents, strict=True)]
    spread_of_gaps = np.concatenate(gaps).std()
    spread_of_heights = np.concatenate([height - height.mean() for height in heights]).std()
    return float(np.concatenate(gaps).mean()) if spread_of_gaps < spread_of_heights else None


def cell_kinds(
    frames: Sequence[Frame],
    labels: Sequence[int] | np.ndarray,
    counts: Sequence[int] | np.ndarray,
    num_classes: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the kinds of cells, `(k, 3)`, and their records in each class, `(k, classes)`."""
    kinds: dict[tuple[int, ...], np.ndarray] = {}
    for number, frame in enumerate(frames):
        for slab, index in zip(frame.slabs, frame.numbers, strict=True):
            key = (number, *(int(count) for count in slab.repeats))
            tally = kinds.setdefault(key, np.zeros(num_classes))
            tally[max(int(labels[index]), 0)] += counts[index]
    return np.array(list(kinds)), np.array(list(kinds.values()))
