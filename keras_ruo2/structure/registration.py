"""How the sites of a frame lie on the kept part of a slab."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_ruo2.structure.anchors import Anchors
from keras_ruo2.structure.layers import PLANE_GAP
from keras_ruo2.structure.sites import ALIKE, FAR, HALF, INSIDE, SAME_SITE, vectors

if TYPE_CHECKING:
    from keras_ruo2.structure.kept import Base

STRAIN = 0.05  # share by which lengths of a cell may differ from multiples of a frame's


class Registration(NamedTuple):
    """A frame laid on a slab; t is the number of its repeats in the slab's cell.

    Args:
        frame: Its number.
        tiles: Repeats along the first two cell vectors.
        matrix: From the frame's axes to the slab's: turn, turning upside down and strain, `(3, 3)`.
        places: Of the sites in the first repeat, Å along the slab's cell vectors, `(s, 3)`.
        shifts: Of the other repeats, Å, `(t, 3)`.
        channels: 0 for the metal, 1 for the anion, `(s,)`.
        sites: The number that each has in the frame; those of a centred one come twice, `(s,)`.
        partners: Index of the kept atom at each site, -1 for none, `(t, s)`.
        lower: Whether a site belongs to what is kept, `(t, s)`.
        misfit: Root mean square distance of kept atoms from their sites, Å.
    """

    frame: int
    tiles: tuple[int, ...]
    matrix: np.ndarray
    places: np.ndarray
    shifts: np.ndarray
    channels: np.ndarray
    sites: np.ndarray
    partners: np.ndarray
    lower: np.ndarray
    misfit: float


def registrations(base: "Base", anchors: Anchors, frames: Iterable[int]) -> list[Registration]:
    """Return how frames lie on a slab, each at most twice, one of these upside down.

    Args:
        base: `Base`.
        anchors: `Anchors`.
        frames: Numbers of the frames.
    """
    registered = []
    for frame in frames:
        there = np.flatnonzero(anchors.channels[frame] >= 0)
        positions, channels = anchors.positions[frame][there], anchors.channels[frame][there]
        lengths, centred = anchors.lengths[frame], bool(anchors.centred[frame])
        registered += register(base, positions, channels, lengths, centred, frame, there)
    return registered


def register(
    base: "Base",
    positions: np.ndarray,
    channels: np.ndarray,
    lengths: np.ndarray,
    centred: bool = False,
    frame: int = 0,
    sites: np.ndarray | None = None,
) -> list[Registration]:
    """Lay sites on what is kept of a slab, as many planes of metal above it as the slab had.

    Args:
        base: `Base`.
        positions: Of the sites, Å, `(s, 3)`.
        channels: 0 for the metal, 1 for the anion, `(s,)`.
        lengths: Lateral lengths of their cell, Å.
        centred: Whether each site has a copy in the middle of the cell.
        frame: Number of the frame.
        sites: Numbers of the sites, in order by default.

    Returns:
        List of `Registration`: the best one as it is and the best one upside down, if they fit.
    """
    sites = np.arange(len(channels)) if sites is None else sites
    if centred:
        positions = np.concatenate([positions, positions + [*(HALF * lengths), 0]])
        channels, sites = np.tile(channels, 2), np.tile(sites, 2)
    registered = []
    for flip in (1, -1):
        fits = [
            fit
            for turns in range(4)
            for fit in fitting_placements(base, positions, channels, lengths, turns, flip)
        ]
        if fits:
            cost, tiles, matrix, places = min(fits, key=lambda fit: fit[0])
            registered.append(laid(base, frame, tiles, matrix, places, channels, sites, cost))
    return registered


def fitting_placements(
    base: "Base",
    positions: np.ndarray,
    channels: np.ndarray,
    lengths: np.ndarray,
    turns: int,
    flip: int,
) -> Iterator[tuple[float, tuple[int, ...], np.ndarray, np.ndarray]]:
    """Yield `(cost, tiles, matrix, places)` of the ways to lay turned sites on a slab."""
    lengths = np.array(lengths)[:: -1 if turns % 2 else 1]
    tiles = np.maximum(np.round(base.lengths[:2] / lengths), 1).astype(int)
    scale = base.lengths[:2] / (tiles * lengths)
    if np.abs(scale - 1).max() > STRAIN:
        return
    cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[turns]
    matrix = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, flip]], float)
    matrix = np.diag([*scale, np.sqrt(scale.prod())]) @ matrix
    places, cell = positions @ matrix.T, base.lengths[:2] / tiles
    planes = planes_of(places[channels == 0, 2])
    chosen = planes.max() - base.planes
    if chosen < 0:
        return
    metal = places[channels == 0]
    kept, kinds = base.places[base.kept], base.channels[base.kept]
    tops = kept[kinds == 0]
    tops = tops[planes_of(tops[:, 2]) == planes_of(tops[:, 2]).max()]
    for site in metal[planes == chosen]:
        moved = places + tops[0] - site
        cost, moved = settled(base, moved, channels, cell, planes, chosen)
        if np.isfinite(cost):
            yield cost, tuple(tiles.tolist()), matrix, moved


def settled(
    base: "Base",
    places: np.ndarray,
    channels: np.ndarray,
    cell: np.ndarray,
    planes: np.ndarray,
    chosen: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Move sites until the kept metal lies on theirs on average; return the cost and the places.

    The cost is the mean square distance of kept atoms from sites of their kind, no further down
    than the lowest metal of the sites; it is infinite where they do not fit.
    """
    kept, kinds = base.places[base.kept], base.channels[base.kept]
    for _ in range(2):
        bottom = places[channels == 0, 2].min() - INSIDE
        looked = kept[:, 2] > bottom
        points, of_kind = kept[looked], kinds[looked]
        apart = nearest_vectors(points, of_kind, places, channels, cell)
        if apart is None:
            return np.inf, places
        distance = np.linalg.norm(apart, axis=1)
        metal = of_kind == 0
        if (distance[metal] > SAME_SITE).any():
            return np.inf, places
        places = places + apart[metal].mean(axis=0)
    repeats = round(float(np.prod(base.lengths[:2]) / np.prod(cell)))
    inside = ~metal & (points[:, 2] < points[metal, 2].max() - INSIDE)
    unlike = inside.any() and (distance[inside] < FAR).mean() < ALIKE
    if unlike or metal.sum() != repeats * (planes <= chosen).sum():
        return np.inf, places
    return float((np.minimum(distance, SAME_SITE) ** 2).mean()), places


def nearest_vectors(
    points: np.ndarray,
    kinds: np.ndarray,
    places: np.ndarray,
    channels: np.ndarray,
    cell: np.ndarray,
) -> np.ndarray | None:
    """Return the vectors to points from the nearest sites of their kind, `None` without any."""
    apart = vectors(points[:, None].copy(), places[None], cell)
    distance = np.linalg.norm(apart, axis=-1)
    distance[kinds[:, None] != channels[None]] = np.inf
    nearest = distance.argmin(axis=1)
    rows = np.arange(len(points))
    if not np.isfinite(distance[rows, nearest]).all():
        return None
    return apart[rows, nearest]


def planes_of(z: np.ndarray) -> np.ndarray:
    """Return the number of the plane of each height, 0 the lowest."""
    order = np.argsort(z, kind="stable")
    planes = np.empty(len(z), int)
    planes[order] = np.cumsum(np.diff(z[order], prepend=z[order[0]]) > PLANE_GAP)
    return planes


def laid(
    base: "Base",
    frame: int,
    tiles: tuple[int, ...],
    matrix: np.ndarray,
    places: np.ndarray,
    channels: np.ndarray,
    sites: np.ndarray,
    cost: float,
) -> Registration:
    """Return the `Registration` of sites that lie where they belong."""
    cell = base.lengths[:2] / tiles
    shifts = np.array(
        [(x * cell[0], y * cell[1], 0) for x in range(tiles[0]) for y in range(tiles[1])]
    )
    everywhere = (places[None] + shifts[:, None]).reshape(-1, 3)
    kinds = np.tile(channels, len(shifts))
    partners = np.full(len(kinds), -1)
    for channel in (0, 1):
        mine = base.kept[base.channels[base.kept] == channel]
        theirs = np.flatnonzero(kinds == channel)
        apart = vectors(
            base.places[mine][:, None].copy(), everywhere[theirs][None], base.lengths[:2]
        )
        distance = np.linalg.norm(apart, axis=-1)
        near = np.where(distance < SAME_SITE, distance**2, 1e3)
        rows, columns = linear_sum_assignment(near)
        close = near[rows, columns] < 1e3
        partners[theirs[columns[close]]] = mine[rows[close]]
    by_tile = partners.reshape(len(shifts), -1)
    lower = (places[:, 2] < base.cut) | (by_tile >= 0)
    return Registration(
        frame, tiles, matrix, places, shifts, channels, sites, by_tile, lower, float(np.sqrt(cost))
    )
