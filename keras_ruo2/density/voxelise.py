"""Atoms -> density grid."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from keras_ruo2.errors import ConfigError
from keras_ruo2.species import SPECIES, Pair
from keras_ruo2.structure.checks import check_cell, check_species

Floats = NDArray[np.float64]
NEGLIGIBLE = 1e-9  # a Gaussian's tail below this is not looked for in further images


def voxelise(
    atoms: Atoms,
    shape: tuple[int, int, int] = (32, 32, 32),
    *,
    alpha: float,
    species: Pair = SPECIES,
) -> NDArray[np.float32]:
    """Smear every atom into a Gaussian exp(-alpha r^2) on a periodic grid.

    Voxel `(i, j, k)` lies at the fractional coordinates `(i / nx, j / ny, k / nz)`. Atoms keep
    their exact places, the Gaussians of all periodic images add up, and the sum is clipped to 1.
    A Gaussian is a product of three one-dimensional ones, so that the sum over the atoms of one
    species is a single matrix product.

    Args:
        atoms: `ase.Atoms` in an orthogonal cell with its vectors along x, y and z; treated as
            periodic in all three directions.
        shape: Voxels along each cell vector, `(nx, ny, nz)`.
        alpha: Inverse square width of the Gaussian, Å^-2.
        species: Chemical symbols, in channel order.

    Returns:
        Array of shape `(nx, ny, nz, len(species))`, dtype float32, in [0, 1].

    Raises:
        ConfigError: If `atoms` holds an element that is not in `species`, or its cell is
            missing, or not orthogonal, or `alpha` is not positive.

    Source:
        Section 3.2 of the thesis; the form of the Gaussian and the unit of alpha are ours.
    """
    check_voxelisable(atoms, species)
    if not alpha > 0:
        raise ConfigError(f"`alpha` is {alpha}. Expected a positive number, Å^-2.")
    symbols = np.array(atoms.get_chemical_symbols())
    lengths = atoms.cell.lengths()
    grid = np.empty((*shape, len(species)), dtype=np.float32)
    for channel, symbol in enumerate(species):
        positions = atoms.positions[symbols == symbol]
        x, y, z = (
            periodic_gaussians(positions[:, axis], lengths[axis], shape[axis], alpha).astype(
                np.float32
            )
            for axis in range(3)
        )
        plane = (x[:, :, None] * y[:, None, :]).reshape(-1, shape[0] * shape[1])
        grid[..., channel] = np.minimum(plane.T @ z, 1).reshape(shape)
    return grid


def periodic_gaussians(positions: Floats, length: float, count: int, alpha: float) -> Floats:
    """Return one-dimensional Gaussians on a periodic line, summed over all their images.

    Args:
        positions: Centres, shape `(n,)`, Å.
        length: Period, Å.
        count: Number of points on the line, the first at 0.
        alpha: Inverse square width, Å^-2.

    Returns:
        Array of shape `(n, count)`.
    """
    distance = np.arange(count) * (length / count) - np.asarray(positions)[:, None]
    distance -= length * np.round(distance / length)
    # the nearest image is at most half a period away, so that the next is at least that far
    reach = int(np.sqrt(-np.log(NEGLIGIBLE) / alpha) / length + 0.5)
    images = length * np.arange(-reach, reach + 1)
    return np.exp(-alpha * (distance[..., None] + images) ** 2).sum(axis=-1)


def check_voxelisable(atoms: Atoms, species: Pair = SPECIES) -> None:
    """Raise `ConfigError` if `voxelise` could not place `atoms` on a grid."""
    check_species(atoms, species)
    check_cell(atoms)
    cell = atoms.cell.array
    if not np.allclose(cell, np.diag(np.diag(cell)), atol=1e-6 * np.abs(cell).max()):
        raise ConfigError(
            f"`atoms` ({atoms.get_chemical_formula()}) is not in an orthogonal cell along x, y "
            "and z. Pass it through `orthogonalise` first."
        )
