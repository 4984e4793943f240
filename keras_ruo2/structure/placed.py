"""Slabs from the numbers of a generator that places atoms."""

from collections.abc import Mapping

import numpy as np
from ase import Atoms

from keras_ruo2.species import Pair


def placed_slabs(made: Mapping[str, np.ndarray], species: Pair) -> list[Atoms]:
    """Return the slabs that a generator has placed, one cell of each.

    Args:
        made: Dict of arrays: `places` `(n, atoms, 3)` and `cell` `(n, 3)` in Å, `weights`
            `(n, atoms, 2)`, 1 where there is a metal atom or an anion.
        species: Metal and anion.

    Returns:
        List of `ase.Atoms`, periodic, where the generator put them in their cells.
    """
    metal, anion = species
    slabs = []
    for places, weights, cell in zip(made["places"], made["weights"], made["cell"], strict=True):
        there = weights.max(axis=1) > 0.5
        symbols = np.where(weights[there, 0] > 0.5, metal, anion)
        slabs.append(Atoms(symbols, places[there].astype(float), cell=cell.astype(float), pbc=True))
    return slabs
