"""Find how many atoms of a species a density holds, and where: fit, drop surplus, add missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from keras_ruo2.density import fit
from keras_ruo2.density.balance import EMPTY, flaws
from keras_ruo2.density.evidence import drop_twins, evidence, least_evidence
from keras_ruo2.density.gaussians import VoxelGrid, stencils
from keras_ruo2.density.noise import NOISELESS, background, noise_level
from keras_ruo2.density.posterior import mean_positions
from keras_ruo2.density.precision import expected_errors, too_coarse_for
from keras_ruo2.density.voxelise import Floats
from keras_ruo2.errors import ConfigError

SEED = 0.5  # share of an atom's density that a maximum needs to become an atom
MISSING = 0.3  # share that, left over by the fit, is worth trying another atom for
NOISY = 0.02  # noise from which atoms have more than one place
DIM = 0.2  # height of the Gaussians that `settle` fits
CLEAR = 4.0  # standard deviations by which a maximum must stand out of noise
MOST_ASKED = 0.6  # share of an atom's density that noise can make necessary
MOST_ROUNDS = 8
MOST_TURNS = 2
TOO_COARSE = 3.5  # widths of a Gaussian; atoms amid longer voxels are lost among 8 bits
CROWDED = 0.1  # atoms of one species per Å^3; bulk RuO2 has 0.064 O
FEWEST_VOXELS = 3  # along each axis between atoms of a species, whatever the cell
INVISIBLE = 1e-200  # of a Gaussian that no voxel shows
NEIGHBOURHOOD = 6.0  # widths of a Gaussian within which one atom is added or dropped at a time


class BackmapFailure(ConfigError):
    """A well-formed grid that no structure can be read from.

    Args:
        reason: One of `FAILURES`.
        message: What came and what was expected.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


FAILURES = {
    "empty": "no density reaches half of an atom's: there is no structure",
    "numerical": "the fit broke down in rounding errors: no structure",
    "crowded": "a species has more maxima than atoms could lie beside each other: no structure",
    "not_converged": "the fit of the positions had not settled",
    "coarse_voxels": "voxels so long against the Gaussians, or in their noise, that atoms can be "
    "missed, or turned about a voxel",
    "missing_density": "density is left that no atom explains: half an atom or more at one place, "
    "or over the whole grid more than `balance.flaws` allows",
    "surplus_density": "an atom has less than half of its density, or all atoms together hold more "
    "than the grid by more than `balance.flaws` allows",
    "poor_fit": "less than half of a species' density is reproduced",
    "doubtful_atoms": "an atom's Gaussian is reproduced by less than half",
}


@contextmanager
def broken_fits_named() -> Iterator[None]:
    """Make a `BackmapFailure` of a system of equations without a solution."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise BackmapFailure(
            "numerical", f"The fit broke down ({error}). Check `lengths` and `alpha`."
        ) from None


def find_atoms(density: Floats, lattice: VoxelGrid) -> tuple[Floats, Floats, set[str], Floats]:
    """Return `(positions, residual, failures, errors)` of one species.

    The second is what the atoms leave, the last their `expected_errors`.

    Fit, drop surplus atoms, add missing ones. In noise an atom's place is the mean of those that
    the grid allows.

    Raises:
        BackmapFailure: If there are more maxima than atoms have room.
    """
    positions, noise, settled = count_atoms(density, lattice)
    heights = np.ones(len(positions))
    positions, _, converged = fit.refine(density, lattice, positions, heights, noise=noise)
    if noise >= NOISY and len(positions):
        positions = mean_positions(density, lattice, positions, noise)
    rendering = stencils(lattice, positions).render(heights)
    residual, noise = unexplained(density, rendering)
    failures = flaws(density, rendering, lattice) | coarseness(lattice)
    if too_coarse_for(lattice, positions, noise):
        failures.add("coarse_voxels")
    if not (settled and converged):
        failures.add("not_converged")
    if len(surplus_atoms(density, lattice, positions, noise)):
        failures.add("surplus_density")
    if len(seeds(residual, lattice, SEED, noise)):
        failures.add("missing_density")
    errors = expected_errors(residual, lattice, positions, noise)
    return positions, residual, failures, errors


def count_atoms(density: Floats, lattice: VoxelGrid) -> tuple[Floats, float, bool]:
    """Return `(positions, noise, settled)`: roughly fitted atoms, as many as the density wants."""
    tried = np.empty((0, len(lattice.shape)))
    noise = first_noise(density, lattice)
    positions = seeds(
        density - background(noise), lattice, SEED, noise if len(lattice.coarse) else 0.0
    )
    for _ in range(MOST_ROUNDS):
        check_atoms_fit(len(positions), lattice)
        if len(tried):
            positions = settle(density - background(noise), lattice, positions)
        heights = np.ones(len(positions))
        positions, _, _ = fit.refine(
            density, lattice, positions, heights, noise=noise, tolerance=fit.ROUGH
        )
        residual, noise = rest(density, lattice, positions, heights)
        if len(lattice.coarse):
            positions, residual, noise = mirror_and_refit(
                density, lattice, positions, residual, noise
            )
        surplus = surplus_atoms(density, lattice, positions, noise)
        if len(surplus):
            positions = np.delete(positions, surplus, axis=0)
            continue
        missing = untried(seeds(residual, lattice, MISSING, noise), tried, lattice)
        if not len(missing):
            if noise >= NOISY:
                positions = drop_twins(density, lattice, positions, noise)
            return positions, noise, True
        tried = np.concatenate([tried, missing])
        positions = np.concatenate([positions, missing])
    return positions, noise, False  # atoms were still added or dropped in the last round


def find_sections(
    density: Floats, lattice: VoxelGrid, faintest: float
) -> tuple[Floats, Floats, set[str]]:
    """Return `(positions, heights, failures)` of the Gaussians of one species in a slice."""
    tried = np.empty((0, len(lattice.shape)))
    noise = first_noise(density, lattice)
    positions = seeds(density - background(noise), lattice, faintest, noise)
    heights = heights_at(density, lattice, positions)
    for _ in range(MOST_ROUNDS):
        check_atoms_fit(len(positions), lattice)
        positions, heights, converged = fit.refine(
            density, lattice, positions, heights, noise=noise, free_heights=True
        )
        residual, noise = rest(density, lattice, positions, heights)
        faint = heights < faintest
        if faint.any():
            positions, heights = positions[~faint], heights[~faint]
            continue
        missing = untried(seeds(residual, lattice, faintest, noise), tried, lattice)
        if not len(missing):
            break
        tried = np.concatenate([tried, missing])
        positions = np.concatenate([positions, missing])
        heights = np.concatenate([heights, heights_at(residual, lattice, missing)])
    else:
        converged = False
    failures = set() if converged else {"not_converged"}
    return positions, heights, failures | coarseness(lattice)


def coarseness(lattice: VoxelGrid) -> set[str]:
    """Return `coarse_voxels`, as a set, where the voxels are too long for the Gaussians."""
    return {"coarse_voxels"} if lattice.spacing.max() > TOO_COARSE * lattice.width else set()


def mirror_and_refit(
    density: Floats, lattice: VoxelGrid, positions: Floats, residual: Floats, noise: float
) -> tuple[Floats, Floats, float]:
    """Turn atoms to the other side of their voxel where they fit better, and fit again."""
    heights = np.ones(len(positions))
    for _ in range(MOST_TURNS if len(positions) else 0):
        turned = fit.mirror_atoms(residual, lattice, positions)
        if (turned == positions).all():
            break
        positions, _, _ = fit.refine(
            density, lattice, turned, heights, noise=noise, tolerance=fit.ROUGH
        )
        residual, noise = rest(density, lattice, positions, heights)
    return positions, residual, noise


def settle(density: Floats, lattice: VoxelGrid, positions: Floats) -> Floats:
    """Let atoms find their places among new neighbours, fitted to a smoothed density.

    Smoothing doubles the variance of a Gaussian. One that is narrower than a voxel does not see
    density two voxels away, and stays where the maximum of two merged atoms was. `DIM` keeps sums
    of Gaussians below the clip.
    """
    wide = VoxelGrid(lattice.lengths, lattice.shape, lattice.alpha / 2)
    field = fit.matched(density, lattice)
    heights = np.full(len(positions), DIM)
    return fit.refine(DIM * field, wide, positions, heights, tolerance=fit.ROUGH)[0]


def first_noise(density: Floats, lattice: VoxelGrid) -> float:
    """Return the noise before any atom is known: most of a grid is empty, so the median is."""
    whole = fit.matched(np.ones(lattice.shape), lattice).flat[0]
    return noise_level(np.median(fit.matched(density, lattice)) / whole)


def seeds(density: Floats, lattice: VoxelGrid, threshold: float, noise: float = 0.0) -> Floats:
    """Return the maxima of the local integral, shape `(n, ndim)`, Å.

    Args:
        density: Grid of one species, or what is left of it.
        lattice: `VoxelGrid`.
        threshold: Least share of an atom's density.
        noise: Standard deviation of noise that a maximum must stand out of.
    """
    field = fit.matched(density, lattice)
    in_noise, faintest = CLEAR * np.array([noise, max(noise, NOISELESS)]) / np.sqrt(lattice.energy)
    threshold = max(threshold, min(MOST_ASKED, in_noise))
    return fit.peaks(field, lattice, threshold, faintest)


def check_atoms_fit(count: int, lattice: VoxelGrid) -> None:
    """Raise `BackmapFailure` if `count` atoms of one species have no room in the cell."""
    room = max(4, CROWDED ** (len(lattice.shape) / 3) * lattice.lengths.prod())
    room = min(room, np.prod(lattice.shape) / FEWEST_VOXELS ** len(lattice.shape))
    if count > room:
        lengths = " x ".join(f"{length:.1f}" for length in lattice.lengths)
        raise BackmapFailure(
            "crowded",
            f"The grid has {count} maxima of one species in a cell of {lengths} Å, which has room "
            f"for {int(room)} atoms. Check `lengths` and `alpha`, or the grid is noise.",
        )


def untried(places: Floats, tried: Floats, lattice: VoxelGrid) -> Floats:
    """Return those `places` that lie off all `tried` ones, one a neighbourhood.

    Two atoms merged into one leave density on both sides of it, but want a single atom more.
    """
    if len(tried) and len(places):
        near = lattice.distances(places, tried).min(axis=1) < lattice.width
        places = places[~near]
    return fit.apart(places, lattice, NEIGHBOURHOOD * lattice.width)


def rest(
    density: Floats, lattice: VoxelGrid, positions: Floats, heights: Floats
) -> tuple[Floats, float]:
    """Return what the atoms leave of `density`, and the noise that empty space shows."""
    return unexplained(density, stencils(lattice, positions).render(heights))


def unexplained(density: Floats, rendering: Floats) -> tuple[Floats, float]:
    """Return what a rendering leaves of `density`, and the noise that empty space shows."""
    empty = rendering < EMPTY
    noise = noise_level((density - rendering)[empty].mean() if empty.any() else 0.0)
    return density - np.minimum(rendering, 1) - empty * background(noise), noise


def heights_at(density: Floats, lattice: VoxelGrid, positions: Floats) -> Floats:
    """Return the height of the Gaussian at each place, read from the local integral."""
    local = stencils(lattice, positions)
    return np.clip(local.project(density) / np.maximum(local.norms, INVISIBLE), 0, 1)


def surplus_atoms(
    density: Floats, lattice: VoxelGrid, positions: Floats, noise: float
) -> NDArray[np.intp]:
    """Return the indices of atoms that the grid speaks against, one a neighbourhood.

    Without noise those are the atoms that lack more than half of their density. Of several that
    lack density together only the worst is named: without it the others may fit.
    """
    local = stencils(lattice, positions)
    odds = evidence(density, local, noise) - least_evidence(lattice, len(positions), noise)
    order = np.argsort(odds)
    order = order[odds[order] < 0]
    reach = NEIGHBOURHOOD * lattice.width
    near = np.tril(lattice.distances(positions[order], positions[order]) < reach, -1)
    return order[~near.any(axis=1)]


def reproduced(
    residual: Floats, lattice: VoxelGrid, positions: Floats, heights: float | Floats = 1.0
) -> Floats:
    """Return how well each atom's Gaussian is reproduced, shape `(n,)` in [0, 1]."""
    local = stencils(lattice, positions)
    own = np.prod([(factor**3).sum(axis=1) for factor in local.factors], axis=0) * heights**2
    left = local.project(residual**2)
    return np.clip(1 - np.sqrt(np.maximum(left, 0) / np.maximum(own, INVISIBLE)), 0, 1)
