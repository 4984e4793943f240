"""Which energies count, and their classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_ruo2.errors import ConfigError

USABLE = ("no", "not_converged")  # what `relax` may say of a structure whose energy counts


def class_edges(
    energies: ArrayLike, num_classes: int = 10, names: Sequence[str] = ()
) -> np.ndarray:
    """Split the range of `energies` into classes of equal width.

    Args:
        energies: Energies per atom, shape `(n,)`, eV.
        num_classes: Number of classes.
        names: Names of the structures, for the error.

    Returns:
        Array of shape `(num_classes + 1,)`, ascending, eV per atom.

    Raises:
        ConfigError: If an energy is missing or all are equal.

    Source:
        Table 3.1 of the thesis.
    """
    energies = np.asarray(energies, dtype=float)
    if not len(energies) or not np.isfinite(energies).all():
        lacking = np.flatnonzero(~np.isfinite(energies))
        first = f" (first {names[lacking[0]]})" if len(lacking) and len(names) else ""
        raise ConfigError(
            f"{len(lacking)} of {len(energies)} structures have no energy{first}, but energy "
            "classes need one each. Add energies, or ask for --num_classes=0."
        )
    low, high = energies.min(), energies.max()
    if not high > low:
        raise ConfigError(
            f"All {len(energies)} structures have the same energy per atom ({low:.4f} eV), which "
            f"cannot be split into {num_classes} classes. Ask for --num_classes=0."
        )
    return np.linspace(low, high, num_classes + 1)


def energy_class(energies: ArrayLike, edges: ArrayLike) -> np.ndarray:
    """Return the class of each energy, integers from 0; the last class holds its upper edge.

    Energies outside the edges fall into the nearest class.
    """
    inner = np.asarray(edges)[1:-1]
    return np.searchsorted(inner, energies, side="right")
