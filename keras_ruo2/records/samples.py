"""A prepared structure -> its samples: translations, rotations, grids and slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.recipes import TRANSLATIONS
from keras_ruo2.structure import cells
from keras_ruo2.structure.energies import energy_class
from keras_ruo2.structure.motifs import motif_of

EMPTY = 0.01  # a slice whose densities all stay below this holds no Gaussian


def collect(
    atoms: Atoms, index: int, config: RecordsConfig, edges: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Return every sample of a structure.

    Args:
        atoms: Prepared `ase.Atoms` with `info["name"]`.
        index: Its number, which with the seed settles its translations and rotations.
        config: `RecordsConfig`.
        edges: Edges of the energy classes, eV per atom; empty without classes.

    Returns:
        List of dicts that `Schema.encode` takes.
    """
    recipe = config.rules
    rng = np.random.default_rng([config.seed, index])
    energy = cells.energy_per_atom(atoms)
    common = {
        "label": int(energy_class(energy, edges)) if len(edges) else -1,
        "energy": energy,
        "dmu_o": float(atoms.info.get("dmu_o", np.nan)),
        "structure": atoms.info["name"],
        "motif": motif_of(atoms, config.pair).to_bytes(),
    }
    grids: list[dict[str, Any]] = []
    for _ in range(recipe.translations):
        box = rotate_and_translate(atoms, rng, recipe.rotate, config.translate)
        shape = (recipe.num_voxels,) * 3
        grid = voxelise(box, shape, alpha=recipe.alpha, species=config.pair)
        parts = slices(grid, box.cell.lengths(), recipe.positions)
        grids.extend(common | part for part in parts)
    return grids


def rotate_and_translate(
    atoms: Atoms, rng: np.random.Generator, rotate: bool, translate: str = TRANSLATIONS[0]
) -> Atoms:
    """Turn `atoms` by a random multiple of 90 degrees and move them by a random vector.

    Args:
        atoms: `ase.Atoms` in an orthogonal cell; it is left as it is.
        rng: `numpy.random.Generator`; its draws do not depend on the other arguments but `rotate`.
        rotate: Whether to turn.
        translate: Axes to move along, one of `TRANSLATIONS`.

    Returns:
        `ase.Atoms`, wrapped into its cell.
    """
    turned = cells.rotate_quarter(atoms, int(rng.integers(4)) if rotate else 0)
    along = np.array([axis in translate for axis in "xyz"])
    turned.positions += rng.uniform(size=3) * turned.cell.lengths() * along
    turned.wrap()
    return turned


def slices(
    grid: NDArray[np.float32], lengths: NDArray[np.float64], positions: Sequence[int]
) -> list[dict[str, Any]]:
    """Cut a grid into its xz and yz planes, without the empty ones.

    Args:
        grid: Densities, shape `(nx, ny, nz, channels)`.
        lengths: The cell's three lengths, Å.
        positions: Where to cut along x and along y; without any the whole grid is returned.

    Returns:
        List of dicts with `grid`, `lattice` and `plane`.
    """
    if not positions:
        return [{"grid": grid, "lattice": lengths, "plane": "xyz"}]
    cuts = [("xz", 1, lengths[[0, 2]]), ("yz", 0, lengths[[1, 2]])]
    planes = (
        (grid.take(position, axis=axis), lattice, plane)
        for plane, axis, lattice in cuts
        for position in positions
    )
    return [
        {"grid": cut, "lattice": lattice, "plane": plane}
        for cut, lattice, plane in planes
        if cut.max() >= EMPTY
    ]
