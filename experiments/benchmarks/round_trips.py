"""One structure through one grid and back: how far off, how fast, what no decoder can beat."""

import time

import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_ruo2.density.backmap import backmap, check_grid
from keras_ruo2.density.count import SEED, first_noise, seeds
from keras_ruo2.density.gaussians import VoxelGrid
from keras_ruo2.density.noise import background
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.bonds import SPECIES

SHAPE = (32, 32, 32)


def noisy(share):
    return lambda grid, rng: np.clip(grid + share * rng.normal(size=grid.shape), 0, 1)


NOISES = {"noise 5 %": 0.05, "noise 10 %": 0.10, "noise 15 %": 0.15}
STORAGES = {
    "float32": lambda grid, rng: grid,
    "float16": lambda grid, rng: grid.astype(np.float16),
    "uint8": lambda grid, rng: np.round(255 * grid).astype(np.uint8),
    **{name: noisy(share) for name, share in NOISES.items()},
}


def species_places(atoms):
    """Return the positions of Ru and of O, Å."""
    return [atoms.positions[np.array(atoms.get_chemical_symbols()) == name] for name in SPECIES]


def rmsd(atoms, places):
    """Return the root mean square distance of the best pairing, Å, NaN for another composition."""
    lengths = atoms.cell.lengths()
    squares = []
    for one, other in zip(species_places(atoms), places, strict=True):
        if len(one) != len(other):
            return np.nan
        apart = one[:, None] - other[None]
        apart -= lengths * np.round(apart / lengths)
        cost = (apart**2).sum(axis=-1)
        squares.extend(cost[linear_sum_assignment(cost)])
    return float(np.sqrt(np.mean(squares)))


def peaks(grid, lengths, alpha):
    """Return the places of Ru and of O by the baseline: maxima between the voxels, no fit."""
    grid, lattice = check_grid(grid, lengths, alpha, len(SPECIES), ndim=3)
    return [
        seeds(density - background(first_noise(density, lattice)), lattice, SEED)
        for density in np.moveaxis(grid, -1, 0)
    ]


def timed(function, *arguments, **options):
    """Return what a function returns and the CPU seconds that it took."""
    start = time.process_time()
    return function(*arguments, **options), time.process_time() - start


def least_rmsd(atoms, alpha, noise):
    """Return the Cramér-Rao bound of the RMSD, Å: no unbiased decoder can do better on average.

    For single Gaussians under normal noise that is not clipped; clipping only takes information
    away. The information is summed over the voxels, so it holds for every place between them.
    """
    lattice = VoxelGrid(atoms.cell.lengths(), SHAPE, alpha)
    factors, slopes = lattice.factors(atoms.positions), lattice.slopes(atoms.positions)
    columns = [factors[:k] + [slopes[k]] + factors[k + 1 :] for k in range(3)]
    information = np.array(
        [
            [
                np.prod([(u * v).sum(axis=1) for u, v in zip(a, b, strict=True)], axis=0)
                for b in columns
            ]
            for a in columns
        ]
    )
    inverse = np.linalg.inv(np.moveaxis(information, -1, 0))
    return float(noise * np.sqrt(np.trace(inverse, axis1=1, axis2=2).mean()))


def attempt(atoms, name, alpha, seed):
    """Return a row: how one structure came back from one kind of storage."""
    rng = np.random.default_rng(seed)
    grid = STORAGES[name](voxelise(atoms, SHAPE, alpha=alpha), rng)
    row = {
        "name": str(atoms.info.get("name", atoms.get_chemical_formula())),
        "atoms": len(atoms),
        "voxel": float(atoms.cell.lengths().max() / 32),
    }
    row |= {"storage": name, "bound": least_rmsd(atoms, alpha, NOISES.get(name, 0.0))}
    lengths = atoms.cell.lengths()
    maxima, row["peak_seconds"] = timed(peaks, grid, lengths, alpha)
    row["peak_rmsd"] = rmsd(atoms, maxima)
    try:
        found, row["seconds"] = timed(backmap, grid, lengths, alpha=alpha)
    except ConfigError as error:
        return row | {"right": False, "rmsd": np.nan, "failures": str(error), "seconds": 0.0}
    places = [one - [0, 0, found.info["shift"]] for one in species_places(found)]
    return row | {
        "right": found.get_chemical_formula() == atoms.get_chemical_formula(),
        "rmsd": rmsd(atoms, places),
        "found": found.get_chemical_formula(),
        "wanted": atoms.get_chemical_formula(),
        "failures": found.info["failures"],
        "reproduced": float(found.arrays["reproduced"].min()),
    }
