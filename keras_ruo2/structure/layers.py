"""The layers of a slab, counted from below."""

import numpy as np

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.bonds import RU
from keras_ruo2.structure.faces import heights

PLANE_GAP = 0.5  # Å between Ru atoms of two planes; relaxed planes are rumpled by less


def bottom_layers(atoms, count):
    """Choose the lowest Ru planes and all atoms up to halfway to the next one.

    Args:
        atoms: `ase.Atoms`, a slab across its third cell vector.
        count: Number of Ru planes.

    Returns:
        Indices of the atoms, ascending.

    Raises:
        ConfigError: If the slab has no more than `count` planes of Ru.
    """
    if not count:
        return np.array([], dtype=int)
    found, _ = heights(atoms)
    planes = np.sort(found[atoms.numbers == RU])
    breaks = np.flatnonzero(np.diff(planes) > PLANE_GAP)
    if len(breaks) < count:
        raise ConfigError(
            f"{atoms.get_chemical_formula()} has {len(breaks) + bool(len(planes))} layers of Ru, "
            f"{count} of which cannot be frozen. Freeze fewer."
        )
    last = breaks[count - 1]
    return np.flatnonzero(found < (planes[last] + planes[last + 1]) / 2)
