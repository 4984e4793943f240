"""Metastable and broken variations of a slab, each a pure function of `(slab, rng)`.

Every function changes the upper face (larger z) of a copy and returns it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from ase import Atom, Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.bonds import (
    is_anion,
    is_metal,
    pair_of,
    scaled_cutoff,
    unlike_bonds,
    unlike_neighbours,
)

ON_TOP_BOND = 1.75  # Å, Ru to a terminal O; 1.70 to 1.78 by DFT on (110)
PEROXO_BOND = 1.42  # Å, between superoxo (1.33) and peroxo (1.49)
WHOLE_OCTAHEDRON = 6


def unchanged(slab: Atoms, rng: np.random.Generator) -> Atoms:
    """Return a copy of `slab`."""
    return slab.copy()


def remove_oxygen(slab: Atoms, rng: np.random.Generator) -> Atoms:
    """Remove the outermost O."""
    result = slab.copy()
    del result[highest_anion(result)]
    return result


def add_on_top(slab: Atoms, rng: np.random.Generator) -> Atoms:
    """Put an O on the least coordinated Ru of the upper face, where its missing bonds point.

    Raises:
        ConfigError: If every Ru of the upper half is six-fold coordinated.
    """
    result = slab.copy()
    bonds, pair = unlike_neighbours(result), pair_of(result)
    middle = np.median(result.positions[:, 2])
    upper = np.flatnonzero(is_metal(result) & (result.positions[:, 2] > middle))
    site = min(upper, key=lambda index: (bonds[index], -result.positions[index, 2]))
    if bonds[site] >= WHOLE_OCTAHEDRON:
        raise ConfigError(
            f"{slab.get_chemical_formula()} has no undercoordinated {pair[0]} on top."
        )
    first, vectors = unlike_bonds("iD", result)
    towards = vectors[first == site]
    missing = -(towards / np.linalg.norm(towards, axis=1, keepdims=True)).sum(axis=0)
    missing[2] = max(missing[2], 0.5 * np.linalg.norm(missing))
    missing /= np.linalg.norm(missing)
    place = result.positions[site] + scaled_cutoff(ON_TOP_BOND, pair) * missing
    result.append(Atom(pair[1], place))
    return result


def add_peroxo(slab: Atoms, rng: np.random.Generator) -> Atoms:
    """Bond a second O to the outermost O, tilted off the normal."""
    result = slab.copy()
    azimuth, tilt = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(15, 45))
    direction = [np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)]
    place = result.positions[highest_anion(result)] + PEROXO_BOND * np.array(direction)
    result.append(Atom(pair_of(result)[1], place))
    return result


def float_oxygen(slab: Atoms, rng: np.random.Generator) -> Atoms:
    """Leave a single O in the vacuum, 2.8 to 4 Å above the outermost atom."""
    result = slab.copy()
    place = rng.uniform(0, 1, 3) @ result.cell.array
    place[2] = result.positions[:, 2].max() + rng.uniform(2.8, 4.0)
    result.append(Atom(pair_of(result)[1], place))
    return result


def shift_row(slab: Atoms, rng: np.random.Generator) -> Atoms:
    """Shift the outermost Ru plane and all above it by 15 to 30 % of a lateral cell vector."""
    result = slab.copy()
    direction = result.cell.array[rng.integers(2)]
    above = upper_part(result, planes=1)
    result.positions[above] += rng.choice([-1, 1]) * rng.uniform(0.15, 0.30) * direction
    return result


def detach_layer(slab: Atoms, rng: np.random.Generator) -> Atoms:
    """Lift the upper Ru planes off the slab by 2 to 3 Å."""
    result = slab.copy()
    result.positions[upper_part(result, planes=2), 2] += rng.uniform(2.0, 3.0)
    return result


def rattle(slab: Atoms, rng: np.random.Generator) -> Atoms:
    """Move every atom by a normal deviate of 0.15 Å along x, y and z."""
    result = slab.copy()
    result.positions += rng.normal(scale=0.15, size=result.positions.shape)
    return result


def highest_anion(slab: Atoms) -> int:
    """Return the index of the highest O, or other anion."""
    candidates = np.flatnonzero(is_anion(slab))
    return int(candidates[np.argmax(slab.positions[candidates, 2])])


def upper_part(slab: Atoms, planes: int) -> np.ndarray:
    """Select the `planes` highest Ru planes and every O above the middle of the next gap."""
    heights = np.sort(slab.positions[is_metal(slab), 2])[::-1]
    levels = heights[np.concatenate([[True], -np.diff(heights) > 0.5])]
    cut = (levels[planes - 1] + levels[planes]) / 2
    return slab.positions[:, 2] > cut


@dataclass(frozen=True)
class Variation:
    """One kind of variation.

    Args:
        change: Function of `(slab, rng)`.
        steps: Relaxation steps at most after the change; 0 leaves it as it is.
        fmax: Largest force at which the relaxation stops, eV/Å.
    """

    change: Callable[[Atoms, np.random.Generator], Atoms]
    steps: int
    fmax: float = 0.05


VARIATIONS = MappingProxyType(
    {
        "ideal": Variation(unchanged, steps=0),
        "relaxed": Variation(unchanged, steps=200),
        "partly-relaxed": Variation(rattle, steps=4),
        "vacancy": Variation(remove_oxygen, steps=60),
        "extra-oxygen": Variation(add_on_top, steps=60),
        "shifted-row": Variation(shift_row, steps=10),
        "peroxo": Variation(add_peroxo, steps=20),
        "floating-oxygen": Variation(float_oxygen, steps=4),
        "detached-layer": Variation(detach_layer, steps=4),
        "rattled": Variation(rattle, steps=0),
    }
)
