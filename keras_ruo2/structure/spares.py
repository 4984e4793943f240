"""Sites that no known slab has, where the crystal would go on."""

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from keras_ruo2.species import Pair
from keras_ruo2.structure.sites import SAME_SITE, Frame, vectors

BOND = (0.8, 1.25)  # of the sum of covalent radii: how far a spare site is from the nearest metal
STEP = 0.5  # Å along z that a translation of the crystal makes at least
MAPPED, MATCHING = 0.9, 0.6  # share of sites that such a translation maps within so many Å


def spare_sites(frame: Frame, count: np.ndarray, species: Pair) -> np.ndarray:
    """Return sites of anions where the crystal would go on beyond both faces, `(n, 3)`, Å.

    The translations of the crystal are those between its metal atoms that map what lies inside
    the slab onto itself. They carry anions that every slab has to places beyond the faces; those
    within a bond of a metal atom are kept.
    """
    shifts = frame.centring * frame.lengths
    shifts = np.concatenate([shifts, np.zeros((len(shifts), 1))], axis=1)
    places = (frame.positions + shifts[:, None]).reshape(-1, 3)
    kinds, always = (np.tile(v, len(shifts)) for v in (frame.channels, count == count.max()))
    metal, kept = places[kinds == 0], places[always]
    spares = np.empty((0, 3))
    radii = sum(covalent_radii[atomic_numbers[symbol]] for symbol in species)
    near, far = (share * radii for share in BOND)
    for step in crystal_translations(kept, kinds[always], metal, frame.lengths):
        images = kept[kinds[always] == 1] + step
        bond = distances_to_nearest(images, metal, frame.lengths)
        images = images[(bond > near) & (bond < far)]
        for image in images:
            taken = np.concatenate([places, *(spares + shift for shift in shifts)])
            if distances_to_nearest(image[None], taken, frame.lengths)[0] > SAME_SITE:
                spares = np.concatenate([spares, image[None]])
    return spares


def distances_to_nearest(points: np.ndarray, places: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return how far each point is from the nearest place, Å, infinite without places."""
    apart = np.linalg.norm(vectors(points[:, None], places[None], lengths), axis=-1)
    return apart.min(axis=1, initial=np.inf)


def crystal_translations(
    places: np.ndarray, kinds: np.ndarray, metal: np.ndarray, lengths: np.ndarray
) -> list[np.ndarray]:
    """Return vectors out of the plane that map the inside of a slab onto itself, `(n, 3)`, Å."""
    steps = (metal[:, None] - metal[None]).reshape(-1, 3)
    steps = steps[np.abs(steps[:, 2]) > STEP]
    bottom, top = metal[:, 2].min() - STEP, metal[:, 2].max() + STEP
    translations: list[np.ndarray] = []
    for step in steps[np.argsort(np.abs(steps[:, 2]), kind="stable")]:
        moved = places + step
        inside = (moved[:, 2] > bottom + 2 * STEP) & (moved[:, 2] < top - 2 * STEP)
        if inside.sum() < 2:
            continue
        hits = [
            distances_to_nearest(moved[inside & (kinds == kind)], places[kinds == kind], lengths)
            < MATCHING
            for kind in (0, 1)
        ]
        known = (
            any(distances_to_nearest(step[None], np.array(translations), lengths) < STEP)
            if translations
            else False
        )
        if np.concatenate(hits).mean() >= MAPPED and not known:
            translations.append(step)
    return translations
