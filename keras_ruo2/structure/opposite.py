"""Which site of the upper face lies where one of the lower face does, seen from its own side."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_ruo2.structure.sites import SAME_CELL, SAME_SITE, vectors

OPERATIONS = ((1, -1), (1, -1), (False, True))  # signs of x and y, whether they are swapped
MIDDLE = 0.3  # Å about the mean of the metal that belong to no face
ALIKE = 0.75  # share of the sites that must lie on others
METAL_OFF = 0.6  # Å that a metal atom may be off where the slab is turned over


def opposite_sites(
    positions: np.ndarray, channels: np.ndarray, lengths: np.ndarray, centring: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | tuple[None, None]:
    """Find how a slab, turned over, lies on itself, and which sites then change places.

    Turning over keeps the plane: z changes its sign, x and y may change theirs or, in square cells,
    change places, and the slab is moved within the plane.

    Args:
        positions: Of the sites, Å, z relative to the mean of the metal, `(s, 3)`.
        channels: 0 for the metal, 1 for the anion, `(s,)`.
        lengths: Lateral lengths of the cell, Å, `(2,)`.
        centring: Lateral translations that repeat the slab, fractions of the cell, `(m, 2)`.

    Returns:
        Places `(s, 3)` of the turned sites, Å, and the number of the site on each of these places,
        -1 where there is none, `(s,)`; `None` for both if the slab does not lie on itself.
    """
    best: tuple[np.ndarray, np.ndarray] | tuple[None, None] = (None, None)
    least = np.inf
    metal = channels == 0
    if not metal.any():
        return best
    for places, partners, far in laid_on_itself(positions, channels, lengths, centring, (-1,)):
        cost = np.minimum(far, SAME_SITE).sum()
        if cost < least:
            best, least = (places, partners), cost
    return best


def laid_on_itself(
    positions: np.ndarray,
    channels: np.ndarray,
    lengths: np.ndarray,
    centring: np.ndarray,
    ups: Sequence[int],
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield how a slab lies on itself: places, the sites there, -1 for none, and how far, Å.

    Arguments are those of `opposite_sites`, and `ups`, the signs of z that are tried.
    """
    metal = channels == 0
    for places in moved_onto(positions, metal, lengths, centring, ups):
        partners, far = sites_at(places, positions, channels, lengths, centring)
        if (far[metal] < METAL_OFF).all() and (partners >= 0).mean() >= ALIKE:
            yield places, partners, far


def moved_onto(
    positions: np.ndarray,
    metal: np.ndarray,
    lengths: np.ndarray,
    centring: np.ndarray,
    ups: Sequence[int],
) -> Iterator[np.ndarray]:
    """Yield the places of sites turned in every way that lays a metal atom on one."""
    for sign_x, sign_y, swapped, up in product(*OPERATIONS, ups):
        if swapped and abs(lengths[0] / lengths[1] - 1) > SAME_CELL:
            continue
        turned = positions[:, [1, 0, 2] if swapped else [0, 1, 2]] * [sign_x, sign_y, up]
        for move in positions[metal] - turned[metal][:1]:
            if abs(move[2]) < METAL_OFF:
                moved = turned + [*move[:2], 0]
                apart = moved[metal] - nearest_sites(
                    moved[metal], positions[metal], lengths, centring
                )
                yield moved - [*middle_of(apart, lengths), 0]


def middle_of(apart: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the mean of vectors within the plane, `(2,)`, each the shortest of its images."""
    return (apart[:, :2] - lengths * np.round(apart[:, :2] / lengths)).mean(axis=0)


def copies_of(positions: np.ndarray, lengths: np.ndarray, centring: np.ndarray) -> np.ndarray:
    """Return sites and their copies in a centred cell, `(m * s, 3)`, Å."""
    shifts = np.concatenate([centring * lengths, np.zeros((len(centring), 1))], axis=1)
    return (positions + shifts[:, None]).reshape(-1, 3)


def nearest_sites(
    places: np.ndarray, positions: np.ndarray, lengths: np.ndarray, centring: np.ndarray
) -> np.ndarray:
    """Return the site nearest to each place, `(n, 3)`, Å."""
    copies = copies_of(positions, lengths, centring)
    apart = np.linalg.norm(vectors(places[:, None], copies[None], lengths), axis=-1)
    return copies[apart.argmin(axis=1)]


def sites_at(
    places: np.ndarray,
    positions: np.ndarray,
    channels: np.ndarray,
    lengths: np.ndarray,
    centring: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the site at the place of each turned site, -1 where there is none, and how far, Å.

    No site is at two places.
    """
    copies = copies_of(positions, lengths, centring)
    apart = np.linalg.norm(vectors(places[:, None], copies[None], lengths), axis=-1)
    apart = apart.reshape(len(places), len(centring), len(positions)).min(axis=1)
    apart[channels[:, None] != channels[None]] = np.inf
    _, sites = linear_sum_assignment(np.minimum(apart, SAME_SITE) ** 2)
    far = np.take_along_axis(apart, sites[:, None], axis=1)[:, 0]
    return np.where(far < SAME_SITE, sites, -1), far


def missing_opposites(
    positions: np.ndarray, channels: np.ndarray, lengths: np.ndarray, centring: np.ndarray
) -> np.ndarray:
    """Return the places where sites of a face have no opposite, `(n, 3)`, Å."""
    places, partners = opposite_sites(positions, channels, lengths, centring)
    if places is None or partners is None:
        return np.empty((0, 3))
    return places[(partners < 0) & (np.abs(positions[:, 2]) > MIDDLE)]


def upper_sites(
    positions: np.ndarray, channels: np.ndarray, lengths: np.ndarray, centring: np.ndarray
) -> np.ndarray | None:
    """Return for each site of a lower face the one of the upper face that is its opposite.

    Returns:
        Integers `(s,)`, a site's own number where it has none or belongs to no lower face; `None`
        where the slab does not lie on itself when it is turned over.
    """
    places, partners = opposite_sites(positions, channels, lengths, centring)
    if places is None or partners is None:
        return None
    upper = np.flatnonzero((positions[:, 2] > MIDDLE) & (partners >= 0) & (channels == 1))
    upper = upper[positions[partners[upper], 2] < -MIDDLE]
    opposites = np.arange(len(positions))
    opposites[partners[upper]] = upper
    return opposites
