"""Density grid -> atoms."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from keras_ruo2.density.count import (
    FAILURES,
    BackmapFailure,
    broken_fits_named,
    coarseness,
    find_atoms,
    find_sections,
    reproduced,
    rest,
)
from keras_ruo2.density.gaussians import VoxelGrid
from keras_ruo2.density.precision import confidences, expected_errors
from keras_ruo2.density.voxelise import Floats
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.samples import TOLERANCE
from keras_ruo2.species import Pair
from keras_ruo2.structure.bonds import SPECIES
from keras_ruo2.structure.cells import SLAB_GAP, widest_gap

BOTTOM = 1.0  # Å below the lowest atom of a slab, so that rounding cannot wrap it to the top
DOUBTFUL = 0.5  # share of its Gaussian that is reproduced below which an atom counts as doubtful
LONGEST_LENGTH = 500.0  # Å
FAINTEST = 0.2  # least height of a Gaussian in a slice: 0.57 Å off its plane at alpha 5


def backmap(
    grid: NDArray[np.floating],
    lengths: NDArray[np.floating],
    *,
    alpha: float,
    species: Pair = SPECIES,
) -> Atoms:
    """Find the atoms whose Gaussians add up to `grid`: the inverse of `voxels.voxelise`.

    Maxima of the density's local integral (its projection on an atom's Gaussian) are the first
    guess. Then positions are refitted until the re-rendered Gaussians, with periodic images and
    clip, match the grid. Where the rest holds more than `MISSING` of an atom's density an atom is
    tried, and dropped again if it then lacks more than half of its own; so an atom stays where the
    integral is nearer to one atom more than to one fewer. Where empty space shows noise, an atom
    counts if the grid is likelier with it by more than chance, and lies at its mean place
    (`evidence`, `posterior`). In the end the density of each species is weighed against its atoms'
    over the whole grid (`balance`). A slab is moved along z so that its
    vacuum lies on top; in x and y it keeps its place.

    Args:
        grid: Densities of shape `(nx, ny, nz, len(species))` in [0, 1]; integers of 8 bits are
            taken as multiples of 1/255.
        lengths: The three lengths of the orthogonal cell, Å.
        alpha: Inverse square width of the Gaussians, Å^-2.
        species: Chemical symbols, in channel order.

    Returns:
        `ase.Atoms`, periodic in three directions, species after species, with the arrays
        `expected_error`, how far off each is likely to be, Å (`precision.expected_errors`);
        `confidence`, how likely it is to lie within `precision.NEAR` of its true place; and
        `reproduced`, 1 where the grid is exactly the atom's Gaussian and 0 where it has nothing
        of it (1 minus the root mean square of what is left under the Gaussian, relative to it).
        `info["residual"]` is the norm of what the atoms do not explain over the grid's,
        `info["shift"]` the way along z that atoms were moved by, Å, and `info["failures"]` names
        of `FAILURES`, separated by blanks, or `no`.

    Raises:
        BackmapFailure: If the grid holds no structure; `reason` is `empty`, `coarse_voxels`,
            `crowded` or `numerical`.
        ConfigError: If the grid, the lengths or `alpha` cannot be used.

    Source:
        The Gaussians are those of section 3.2 of the thesis, which has no way back; it is ours.
    """
    grid, lattice = check_grid(grid, lengths, alpha, len(species), ndim=3)
    symbols, places, errors, shares, failures, squares = [], [], [], [], set(), 0.0
    for channel, symbol in enumerate(species):
        density = grid[..., channel]
        with broken_fits_named():
            positions, residual, failed, error = find_atoms(density, lattice)
        errors.append(error)
        symbols += [symbol] * len(positions)
        places.append(positions)
        shares.append(reproduced(residual, lattice, positions))
        failures |= failed
        squares += (residual**2).sum()
    if not symbols:
        raise nothing_found(lattice, "The grid is empty: no density reaches half of an atom's.")
    atoms = Atoms(symbols, np.concatenate(places), cell=lattice.lengths, pbc=True)
    add_trust(atoms, errors, shares, ndim=3)
    if atoms.arrays["reproduced"].min() < DOUBTFUL:
        failures.add("doubtful_atoms")
    atoms, shift = lift_vacuum(atoms)
    atoms.info["residual"] = float(np.sqrt(squares / (grid**2).sum()))
    atoms.info["shift"] = shift
    atoms.info["failures"] = " ".join(name for name in FAILURES if name in failures) or "no"
    return atoms


def backmap_slice(
    grid: NDArray[np.floating],
    lengths: NDArray[np.floating],
    *,
    alpha: float,
    species: Pair = SPECIES,
    faintest: float = FAINTEST,
) -> Atoms:
    """Find the atoms in and near the plane of a slice.

    A Gaussian's height in the slice, exp(-alpha d^2), tells the atom's distance d from the plane,
    but not on which side it lies. Positions and heights are fitted together.

    Args:
        grid: Densities of shape `(lateral, z, len(species))` in [0, 1].
        lengths: The lateral and the z length, Å.
        alpha: Inverse square width of the Gaussians, Å^-2.
        species: Chemical symbols, in channel order.
        faintest: Least height of a Gaussian that counts.

    Returns:
        `ase.Atoms` in the xz plane (y = 0) without a second cell vector, periodic along x and z,
        with an array `offset` (distance from the plane, Å) and the arrays and `info` of `backmap`;
        expected errors are those in the plane. Atoms keep the grid's z.

    Raises:
        BackmapFailure: If no Gaussian reaches `faintest`, or there are too many, or the fit
            breaks down.
        ConfigError: If the grid, the lengths or `alpha` cannot be used.
    """
    grid, lattice = check_grid(grid, lengths, alpha, len(species), ndim=2)
    if not 0 < faintest < 1:
        raise ConfigError(f"`faintest` is {faintest}. Expected a number between 0 and 1.")
    symbols, places, peak_heights, failures, squares = [], [], [], set(), 0.0
    errors, shares = [], []
    for channel, symbol in enumerate(species):
        density = grid[..., channel]
        with broken_fits_named():
            positions, heights, failed = find_sections(density, lattice, faintest)
        residual, noise = rest(density, lattice, positions, heights)
        symbols += [symbol] * len(positions)
        places.append(positions)
        peak_heights.append(heights)
        errors.append(expected_errors(residual, lattice, positions, noise, heights))
        shares.append(reproduced(residual, lattice, positions, heights))
        failures |= failed
        squares += (residual**2).sum()
    if not symbols:
        raise nothing_found(lattice, f"The slice is empty: no density reaches {faintest}.")
    positions = np.insert(np.concatenate(places), 1, 0.0, axis=1)
    cell = np.diag([lattice.lengths[0], 0.0, lattice.lengths[1]])
    atoms = Atoms(symbols, positions, cell=cell, pbc=(True, False, True))
    heights = np.minimum(np.concatenate(peak_heights), 1)
    atoms.set_array("offset", np.sqrt(-np.log(heights) / alpha))
    add_trust(atoms, errors, shares, ndim=2)
    atoms.info["residual"] = float(np.sqrt(squares / (grid**2).sum()))
    atoms.info["failures"] = " ".join(name for name in FAILURES if name in failures) or "no"
    return atoms


def add_trust(atoms: Atoms, errors: Sequence[Floats], shares: Sequence[Floats], ndim: int) -> None:
    """Add what is to be thought of each atom, as arrays, from those of each species."""
    of_all = np.concatenate(errors)
    atoms.set_array("expected_error", of_all)
    atoms.set_array("confidence", confidences(of_all, ndim))
    atoms.set_array("reproduced", np.concatenate(shares))


def nothing_found(lattice: VoxelGrid, message: str) -> BackmapFailure:
    """Return the `BackmapFailure` of a grid without atoms; long voxels may have hidden them."""
    if not coarseness(lattice):
        return BackmapFailure("empty", message)
    return BackmapFailure(
        "coarse_voxels",
        f"{message} Its voxels of {lattice.spacing.max():.2f} Å are too long for `alpha` = "
        f"{lattice.alpha:g} Å^-2. Take more voxels, or a smaller `alpha`.",
    )


def lift_vacuum(atoms: Atoms) -> tuple[Atoms, float]:
    """Return `atoms` moved along z so that a slab's vacuum lies on top, and the way, Å.

    A structure without a gap of `SLAB_GAP` along z stays where it is.
    """
    gap, bottom = widest_gap(atoms)
    if gap < SLAB_GAP:
        return atoms, 0.0
    length = atoms.cell.lengths()[2]
    atoms.positions[:, 2] = (atoms.positions[:, 2] - bottom) % length + BOTTOM
    return atoms, float(BOTTOM - bottom)


def check_grid(
    grid: NDArray[np.floating],
    lengths: NDArray[np.floating],
    alpha: float,
    channels: int,
    ndim: int,
) -> tuple[Floats, VoxelGrid]:
    """Return the grid as float64 and its `VoxelGrid`, or raise `ConfigError`."""
    grid = np.asarray(grid)
    if grid.ndim != ndim + 1 or grid.shape[-1] != channels or min(grid.shape) < 1:
        axes = "(x, y, z, channel)" if ndim == 3 else "(lateral, z, channel)"
        raise ConfigError(f"`grid` has shape {grid.shape}. Expected {axes}, {channels} channels.")
    if grid.dtype == np.uint8:
        grid = grid / 255
    if grid.dtype.kind != "f":
        raise ConfigError(f"`grid` is {grid.dtype}. Expected floats in [0, 1], or uint8.")
    lengths = np.asarray(lengths, dtype=float)
    usable = lengths.shape == (ndim,) and np.all((lengths > 0) & (lengths < LONGEST_LENGTH))
    if not usable:
        raise ConfigError(
            f"`lengths` are {lengths.tolist()}. Expected {ndim} between 0 and {LONGEST_LENGTH} Å."
        )
    if not 0 < alpha < np.inf:
        raise ConfigError(f"`alpha` is {alpha}. Expected a positive number, Å^-2.")
    if not np.isfinite(grid).all():
        raise ConfigError("`grid` holds values that are not finite (NaN or infinite).")
    if grid.min() < -TOLERANCE or grid.max() > 1 + TOLERANCE:
        raise ConfigError(
            f"`grid` holds values from {grid.min():.3g} to {grid.max():.3g}. Expected [0, 1]."
        )
    return grid.astype(float), VoxelGrid(lengths, grid.shape[:-1], float(alpha))
