"""How many whole grids map back to valid slabs, beside as many real ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from keras_ruo2.density.backmap import BackmapFailure, backmap
from keras_ruo2.structure.validity import reasons_against

if TYPE_CHECKING:
    import numpy as np

    from keras_ruo2.species import Pair


COUNT = 24  # of each; a grid takes 0.1 to 0.5 s
NO_STRUCTURE = "not_mapped"


def validity_scores(
    samples: Mapping[str, np.ndarray],
    real: Mapping[str, np.ndarray],
    *,
    alpha: float,
    species: Pair,
    count: int = COUNT,
) -> dict[str, Any]:
    """Return the shares of generated and of real grids that are valid slabs.

    Args:
        samples: Dict with `grid`, `(n, x, y, z, 2)`, and `lattice`, `(n, 3)`, in A.
        real: The same of real records, which are not all valid: voxels may be too coarse.
        alpha: Inverse square width of the Gaussians, Å^-2.
        species: Metal and anion.
        count: How many of each.

    Returns:
        Dict: `compared`, `generated`, `real` and `reasons`, how often each speaks against samples.
    """
    reasons: Counter[str] = Counter()
    shares = {}
    for whose, sets in (("real", real), ("generated", samples)):
        against = [
            reasons_of(grid, lengths, alpha, species)
            for grid, lengths in zip(sets["grid"][:count], sets["lattice"][:count], strict=True)
        ]
        shares[whose] = sum(not names for names in against) / max(len(against), 1)
        if whose == "generated":
            reasons.update(name for names in against for name in names)
    compared = min(count, len(samples["grid"]))
    return {"compared": compared, **shares, "reasons": dict(reasons.most_common())}


def reasons_of(
    grid: np.ndarray, lengths: np.ndarray, alpha: float, species: Pair
) -> tuple[str, ...]:
    """Return what speaks against a grid being a valid slab, a tuple of names."""
    try:
        atoms = backmap(grid, lengths, alpha=alpha, species=species)
    except BackmapFailure as failure:
        return (NO_STRUCTURE, failure.reason)
    return reasons_against(atoms, species)
