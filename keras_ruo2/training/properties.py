"""Properties of a structure that follow from its densities and can be differentiated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from keras import ops

from keras_ruo2.errors import ConfigError
from keras_ruo2.models.tensors import Tensor

SMALLEST_SUM = 1e-3  # an atom adds about ten to the sum over the voxels
HALF_FILLED = 0.1  # density at which a voxel counts half
# share / (sqrt(6 (1 - r)) / pi) as a polynomial of 1 - r, where r = sin(pi share) / (pi share)
THICKNESS = (0.9951786, 0.20883403, -0.1227749, 0.19864563)  # least squares, within 0.002


@dataclass(frozen=True)
class Property:
    """A number that a grid of densities has.

    Args:
        function: Takes grids `(batch, *grid, 2)`, z the last direction, channels Ru and O;
            returns `(batch,)`.
        unit: Unit of the number.
        meaning: What it is, in a line.
    """

    function: Callable[[Tensor], Tensor]
    unit: str
    meaning: str


def oxygen_per_ruthenium(grid: Tensor) -> Tensor:
    """Return the ratio of the channels' sums: atoms of O per atom of Ru.

    All Gaussians have one integral, so that sums count atoms as long as voxels are not much
    wider than the Gaussians and no two of one element overlap enough to be clipped. A grid with
    (almost) no Ru is divided by `SMALLEST_SUM` instead of its sum.
    """
    sums = ops.sum(grid, axis=tuple(range(1, len(grid.shape) - 1)))
    return sums[:, 1] / ops.maximum(sums[:, 0], SMALLEST_SUM)


def filled(grid: Tensor) -> Tensor:
    """Return the mean over the voxels of rho / (rho + `HALF_FILLED`), rho the sum of channels.

    A voxel counts 0 where it is empty, half at `HALF_FILLED` and 0.91 at the centre of an atom.
    """
    density = ops.sum(grid, axis=-1)
    counts = density / (density + HALF_FILLED)
    return ops.mean(counts, axis=tuple(range(1, len(density.shape))))


def slab_thickness(grid: Tensor) -> Tensor:
    """Return the thickness of the even slab whose first wave along z is as strong.

    The profile of the density along z has a first Fourier coefficient, whose amplitude relative
    to the mean does not change when the slab is moved across the cell's edge. An even slab that
    fills a share f of the cell has sin(pi f) / (pi f), which falls from 1 to 0; this is solved
    for f (`THICKNESS`). A slab of n equal layers a distance d apart has about sqrt(n^2 - 1) d if
    the layers are sharp and about n d as atoms smear them: half a distance beyond the outer
    layers on both sides. A grid without density counts as even, 1.
    """
    size = grid.shape[-2]
    profile = ops.sum(grid, axis=(*range(1, len(grid.shape) - 2), -1))
    angles = ops.arange(size, dtype=profile.dtype) * (2 * math.pi / size)
    total = ops.maximum(ops.sum(profile, axis=1), SMALLEST_SUM)
    cosine = ops.sum(profile * ops.cos(angles), axis=1) / total
    sine = ops.sum(profile * ops.sin(angles), axis=1) / total
    missing = 1 - ops.sqrt(cosine**2 + sine**2 + 1e-12)  # finite slope where nothing waves
    missing = ops.maximum(missing, 1e-6)  # and where everything is in one layer of voxels
    factor = sum(value * missing**power for power, value in enumerate(THICKNESS))
    return ops.sqrt(6 * missing) / math.pi * factor


PROPERTIES = MappingProxyType(
    {
        "oxygen_per_ruthenium": Property(
            oxygen_per_ruthenium, "atoms per atom", "O atoms per Ru atom"
        ),
        "filled": Property(filled, "share of the voxels", "voxels that hold density, softly"),
        "slab_thickness": Property(
            slab_thickness, "share of the cell's height", "thickness of the slab along z"
        ),
    }
)


def range_penalty(values: Tensor, low: float | None, high: float | None) -> Tensor:
    """Return the mean squared distance of values from a range, 0 for those inside.

    Args:
        values: Tensor of any shape.
        low: Lower end of the wanted range, or `None` for an open one.
        high: Upper end, or `None`.

    Returns:
        Scalar tensor, in the squared unit of the values.

    Raises:
        ConfigError: If `low` is above `high`.

    Source:
        The user-desired range of Kim et al., Sci. Adv. 6, eaax9324 (2020); the square is ours.
    """
    if low is not None and high is not None and low > high:
        raise ConfigError(f"The wanted range is {low} to {high}. Give the lower number first.")
    outside = ops.zeros_like(values)
    if low is not None:
        outside += ops.relu(low - values)
    if high is not None:
        outside += ops.relu(values - high)
    return ops.mean(ops.square(outside))
