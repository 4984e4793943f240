"""Fit Gaussians to a density: the inverse of `voxels`, for one species and any rank.

Nothing is linearised: the stencil is that of `voxels.voxelise`, with its periodic images and its
clip.
"""

from __future__ import annotations

import itertools

import numpy as np

from keras_ruo2.density.gaussians import Stencils, VoxelGrid, contract, stencils
from keras_ruo2.density.noise import likely_residual
from keras_ruo2.density.voxelise import Floats, periodic_gaussians

LARGEST_STEP = 0.5  # of a Gaussian's standard deviation, that an atom moves by in one step
DAMPING = 1e-3  # share that is added to the diagonal of the normal equations
CONVERGED = 1e-3  # Å; by default the fit ends when no atom moves further in a step
ROUGH = 0.02  # Å; how well atoms are fitted while they are still being counted
MOST_STEPS = 20
TURNED = 0.3  # share of its last step that an atom goes back by when its steps are too long
TURNS_OVER = 0.2  # share of what is left about an atom that turning it must explain
COUPLED = 0.01  # overlap, of an atom with itself, above which two atoms take their steps together
MOST_PEAKS = 2000  # a flat grid is a peak everywhere
SMALLEST = 1e-12


def refine(
    density: Floats,
    lattice: VoxelGrid,
    positions: Floats,
    heights: Floats,
    *,
    noise: float = 0.0,
    free_heights: bool = False,
    tolerance: float = CONVERGED,
) -> tuple[Floats, Floats, bool]:
    """Fit positions, and heights if they are free, by damped Gauss-Newton steps.

    The residual is that of the clipped rendering. The steps ignore the clip, which keeps atoms
    moving out of each other where the rendering is clipped and the density is not; both
    vanish together, so the solution is the same.

    With noise it is the fit of greatest likelihood under `likely_residual`.

    Args:
        density: Grid of one species, of shape `lattice.shape`.
        lattice: `VoxelGrid`.
        positions: Where to start, shape `(n, ndim)`, Å.
        heights: Height of each Gaussian, shape `(n,)`; 1 for an atom.
        noise: Standard deviation of the noise before it was clipped to [0, 1].
        free_heights: Fit the heights too.
        tolerance: The fit ends when no atom moves further in a step, Å.

    Returns:
        `(positions, heights, converged)`: positions in `[0, length)`.
    """
    positions, heights = positions.copy(), heights.copy()
    ndim, count = positions.shape[1], len(positions)
    pace, before = np.ones((count, 1)), np.zeros(positions.shape)
    for _ in range(MOST_STEPS if count else 0):
        local = stencils(lattice, positions)
        residual = likely_residual(density, local.render(heights), noise)
        step = gauss_newton(residual, lattice, positions, heights, local, free_heights)
        move = step[:, :ndim]
        # An atom that turns back this far swings about its place: noise narrowed its valley.
        pace[(move * before).sum(axis=1) < -TURNED * (before**2).sum(axis=1)] /= 2
        before = move = move * pace
        length = np.linalg.norm(move, axis=1, keepdims=True)
        move = move * np.minimum(1, LARGEST_STEP * lattice.width / np.maximum(length, SMALLEST))
        positions = (positions + move) % lattice.lengths
        if free_heights:
            heights = np.clip(heights + step[:, ndim], 0, None)
        if length.max() < tolerance:
            return positions, heights, True
    return positions, heights, not count


def mirror_atoms(residual: Floats, lattice: VoxelGrid, positions: Floats) -> Floats:
    """Return `positions`, those of atoms turned about their voxel where that explains the rest.

    Amid long voxels an atom shows little on either side of its nearest voxel, and no step of the
    fit leads past it.
    """
    for axis in lattice.coarse:
        spacing = lattice.spacing[axis]
        nearest = np.round(positions[:, axis] / spacing) * spacing
        turned = positions.copy()
        turned[:, axis] = 2 * nearest - positions[:, axis]
        here, there = (stencils(lattice, places) for places in (positions, turned))
        change = there.values - here.values
        left = here.gather(residual)
        window = tuple(range(1, left.ndim))
        gain = (left**2 - (left - change) ** 2).sum(axis=window)
        same = (here.voxels == there.voxels).all(axis=window)
        better = same & (gain > TURNS_OVER * (left**2).sum(axis=window))
        positions = np.where(better[:, None], turned, positions) % lattice.lengths
    return positions


def gauss_newton(
    residual: Floats,
    lattice: VoxelGrid,
    positions: Floats,
    heights: Floats,
    local: Stencils,
    free_heights: bool,
) -> Floats:
    """Return the damped Gauss-Newton step, shape `(n, ndim)`, or `(n, ndim + 1)` with heights.

    Most atoms overlap with no other one: each solves its own few equations. The others are solved
    together.
    """
    columns, scales = local.columns(), np.repeat(heights[:, None], positions.shape[1], axis=1)
    if free_heights:
        columns = [*columns, local.factors]
        scales = np.column_stack([scales, np.ones(len(heights))])
    values = local.gather(residual)
    gradient = scales * np.stack([contract(values, column) for column in columns], axis=1)
    step = solve(local.products(len(columns)), gradient, scales)
    reach = np.sqrt(-2 * np.log(COUPLED) / lattice.alpha)
    for together in lattice.clusters(positions, reach):
        products = lattice.products(positions[together], len(columns))
        step[together] = solve(products, gradient[together], scales[together])
    return step


def solve(products: Floats, gradient: Floats, scales: Floats) -> Floats:
    """Solve the damped normal equations of many groups of k atoms, each group's by itself.

    Args:
        products: What `Lattice.products` returned, shape `(groups, k, columns, k, columns)`.
        gradient: Shape `(groups, k, columns)`; without k, as `scales`, for lone atoms.
        scales: What the products' columns are multiplied by.

    Returns:
        Array of the shape of `gradient`.
    """
    scales = scales.reshape(len(scales), -1)
    matrix = products.reshape(*scales.shape, -1) * scales[:, :, None] * scales[:, None, :]
    diagonal = np.einsum("nii->ni", matrix)
    diagonal += DAMPING * diagonal + SMALLEST
    steps = np.linalg.solve(matrix, gradient.reshape(*scales.shape, 1))
    return np.asarray(steps, dtype=np.float64).reshape(gradient.shape)


def matched(density: Floats, lattice: VoxelGrid) -> Floats:
    """Return how much of an atom lies at each voxel: 1 at that of a lone atom, 0 in a void.

    This is the integral of the density under a Gaussian there, in units of an atom's own.
    """
    result = density
    for axis, (length, count) in enumerate(zip(lattice.lengths, lattice.shape, strict=True)):
        kernel = periodic_gaussians(
            np.arange(count) * (length / count), length, count, lattice.alpha
        )
        kernel /= (kernel[0] ** 2).sum()
        result = np.moveaxis(np.tensordot(kernel, result, (1, axis)), 0, axis)
    return result


def lone_share(offsets: Floats, axis: int, lattice: VoxelGrid) -> Floats:
    """Return what `matched` shows, along an axis, at the voxel nearest to a lone atom.

    Args:
        offsets: Of the atom from that voxel, in voxels, shape `(n,)`.
        axis: Of the lattice.
        lattice: `VoxelGrid`.

    Returns:
        Array of shape `(n,)`, in (0, 1]; `exp(-alpha offset^2 / 2)` where voxels are short.
    """
    length, count = lattice.lengths[axis], lattice.shape[axis]
    places = np.append(0, offsets) * length / count
    gaussians = periodic_gaussians(places, length, count, lattice.alpha)
    return gaussians[1:] @ gaussians[0] / (gaussians[0] ** 2).sum()


def peaks(field: Floats, lattice: VoxelGrid, threshold: float, faintest: float = 0.0) -> Floats:
    """Find the local maxima of a smooth field, between the voxels.

    Equal neighbours (a plateau, or an atom halfway between two voxels) count once.

    Args:
        field: What `matched` returned.
        lattice: `VoxelGrid`.
        threshold: Least value of a maximum, between the voxels.
        faintest: Least value at a voxel, where atoms between long ones may be fainter than half of
            `threshold`.

    Returns:
        Positions of shape `(n, ndim)`, Å, the highest first, none closer than a voxel; at most
        `MOST_PEAKS` are looked at.
    """
    midway = 1.0
    for axis in lattice.coarse:
        midway *= float(lone_share(np.array([0.5]), axis, lattice)[0])
    voxels = np.argwhere(field > max(midway * threshold / 2, min(faintest, threshold / 2)))
    for step in itertools.product((-1, 0, 1), repeat=field.ndim):
        beside = (voxels + step) % field.shape
        voxels = voxels[field[tuple(voxels.T)] >= field[tuple(beside.T)]]
    voxels = voxels[np.argsort(-field[tuple(voxels.T)], kind="stable")][:MOST_PEAKS]
    spacing = lattice.lengths / lattice.shape
    places = np.empty(voxels.shape)
    middle = np.log(field[tuple(voxels.T)])
    height = middle.copy()
    for axis, count in enumerate(lattice.shape):
        before, after = voxels.copy(), voxels.copy()
        before[:, axis] = (voxels[:, axis] - 1) % count
        after[:, axis] = (voxels[:, axis] + 1) % count
        low, high = (np.log(np.maximum(field[tuple(side.T)], SMALLEST)) for side in (before, after))
        curvature = np.maximum(2 * middle - low - high, SMALLEST)
        offset = np.clip((high - low) / (2 * curvature), -0.5, 0.5)
        places[:, axis] = (voxels[:, axis] + offset) * spacing[axis]
        if axis in lattice.coarse:  # a lone atom's maximum is no parabola
            height -= np.log(np.maximum(lone_share(offset, axis, lattice), SMALLEST))
            continue
        own = lattice.alpha * spacing[axis] ** 2  # of a lone atom; noise must not exceed it
        height += np.minimum(curvature, own) * offset**2 / 2
    places = places[height > np.log(threshold)]
    return apart(places % lattice.lengths, lattice, spacing.max())


def apart(places: Floats, lattice: VoxelGrid, least: float) -> Floats:
    """Keep those `places`, first come first served, that are `least` Å from all kept ones."""
    kept = np.ones(len(places), dtype=bool)
    pairs = lattice.pairs(places, least) if len(places) else np.empty((0, 2), dtype=int)
    for earlier, later in pairs[np.argsort(pairs[:, 1])]:
        kept[later] &= not kept[earlier]
    return places[kept]
