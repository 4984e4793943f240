"""How often the sites of a frame hold atoms, how far these lie off, and what goes together."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from keras_ruo2.species import Pair
from keras_ruo2.structure.opposite import missing_opposites, upper_sites
from keras_ruo2.structure.sites import INSIDE, Frame
from keras_ruo2.structure.spares import spare_sites

BOUNDS = (0.05, 0.5)  # Å, least and largest displacement from a site along an axis
SPREADS = 2.0  # standard deviations of a site's atoms that a displacement may reach
PRIOR = (2, 0.05)  # so many atoms with this standard deviation, Å, are added to those of a site
INNER_SHARES = (0.02, 0.998)  # between which the chance of an atom at an inner site starts
FACE_SHARES = (0.15, 0.85)  # the same at the faces, where other terminations have or lack one


def table_of(frame: Frame, species: Pair) -> dict[str, Any]:
    """Return sites, shares and bounds of a frame, those that no slab has yet after the others."""
    count = np.zeros(len(frame.channels))
    squares = np.zeros((len(frame.channels), 3))
    for slab, sites in zip(frame.slabs, frame.sites, strict=True):
        np.add.at(count, sites, 1)
        apart = frame.offsets(slab.positions, frame.positions[sites])
        np.add.at(squares, sites, apart**2)
    extra, spread = PRIOR
    deviation = np.sqrt((squares + extra * spread**2) / (count[:, None] + extra))
    shares, spare = count / len(frame.slabs), spare_sites(frame, count, species)
    positions, channels = with_anions(frame.positions, frame.channels, spare)
    plane = frame.lengths, frame.centring
    spare = np.concatenate([spare, missing_opposites(positions, channels, *plane)])
    positions, channels = with_anions(frame.positions, frame.channels, spare)
    shares = np.concatenate([shares, np.zeros(len(spare))])
    bounds = np.clip(SPREADS * deviation, *BOUNDS)
    typical = np.tile(np.median(bounds, axis=0), (len(spare), 1))
    limits = np.where(at_faces(frame, positions)[:, None], FACE_SHARES, INNER_SHARES)
    limits[channels == 0] = INNER_SHARES
    occupied = [set(sites.tolist()) for sites in frame.sites]
    return {
        "positions": positions,
        "channels": channels,
        "shares": np.clip(shares, *limits.T),
        "bounds": np.concatenate([bounds, typical]),
        "occupied": occupied,
        **opposite_faces(upper_sites(positions, channels, *plane), occupied, len(positions)),
    }


def with_anions(
    positions: np.ndarray, channels: np.ndarray, spare: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and channels of sites, those of further anions after them."""
    return np.concatenate([positions, spare]), np.concatenate([channels, np.ones(len(spare), int)])


def opposite_faces(
    upper: np.ndarray | None, occupied: Sequence[set[int]], size: int
) -> dict[str, Any]:
    """Return the opposites of lower faces, and the share of slabs whose faces are equal."""
    if upper is None:
        return {"upper": np.arange(size), "equal": 0.0}
    there = np.array([[site in sites for site in range(size)] for sites in occupied])
    return {"upper": upper, "equal": (there == there[:, upper]).all(axis=1).mean()}


def at_faces(frame: Frame, positions: np.ndarray) -> np.ndarray:
    """Say which sites lie as far out as the outermost metal or farther."""
    metal = frame.positions[frame.channels == 0, 2]
    z = positions[:, 2]
    return (z > metal.max() - INSIDE) | (z < metal.min() + INSIDE)


def excluding(frame: Frame, table: Mapping[str, Any], least: float) -> Iterator[tuple[int, ...]]:
    """Yield pairs of anion sites closer than `least` that no slab has together."""
    shifts = frame.centring * frame.lengths
    anions = np.flatnonzero(table["channels"] == 1)
    points = table["positions"][anions]
    lengths = np.array([*frame.lengths, 0.0])
    apart = np.min(
        [periodic_distances(points, points + [*shift, 0], lengths) for shift in shifts], axis=0
    )
    for first, second in zip(*np.nonzero(apart < least), strict=True):
        pair = {int(anions[first]), int(anions[second])}
        if first < second and not any(pair <= sites for sites in table["occupied"]):
            yield tuple(sorted(pair))


def periodic_distances(points: np.ndarray, places: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the distances of points to places and to their lateral images, not to themselves."""
    shifts = np.array([(x, y, 0) for x in (-1, 0, 1) for y in (-1, 0, 1)]) * [*lengths[:2], 0]
    apart = points[:, None] - places[None]
    apart[..., :2] -= lengths[:2] * np.round(apart[..., :2] / lengths[:2])
    distance = np.linalg.norm(apart[..., None, :] + shifts, axis=-1)
    return np.where(distance < 1e-6, np.inf, distance).min(axis=-1, initial=np.inf)
