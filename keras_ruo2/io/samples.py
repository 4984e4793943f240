"""Samples files: what is in them, and whether it can be measured."""

import numpy as np

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.arrays import read_arrays
from keras_ruo2.species import SPECIES


def load_samples(path, grid_shape, species=SPECIES):
    """Read a samples file.

    Args:
        path: File (.npz) with `grid` and perhaps `lattice` and `label`.
        grid_shape: Shape that every grid must have.
        species: What its channels must be, where it names them.

    Returns:
        Dict of arrays of equal length.

    Raises:
        ConfigError: If it cannot be read, or its arrays do not fit together or to the shape.
    """
    try:
        samples = read_arrays(path, ("grid", "lattice", "label", "species"))
        own = tuple(map(str, samples.pop("species", SPECIES)))
    except (OSError, ValueError, TypeError) as error:
        is_foreign = "pickle" in str(error)
        reason = "it holds no plain arrays" if is_foreign else str(error).splitlines()[0]
        raise ConfigError(f"--samples={path} cannot be read as .npz ({reason}).") from None
    if "grid" not in samples:
        raise ConfigError(f"--samples={path} holds no `grid`. Write it with `generate`.")
    if own != tuple(species):
        raise ConfigError(
            f"--samples={path} is of {','.join(own)}, the records are of {','.join(species)}. "
            "Give the samples of this run."
        )
    grids = samples["grid"]
    if grids.shape[1:] != tuple(grid_shape):
        raise ConfigError(
            f"--samples={path} holds grids of {grids.shape[1:]}, the records have "
            f"{tuple(grid_shape)}. Give the samples of this run."
        )
    wanted = {"lattice": (len(grids), len(grid_shape) - 1), "label": (len(grids),)}
    for name in samples.keys() & wanted:
        if samples[name].shape != wanted[name]:
            raise ConfigError(
                f"--samples={path}: `{name}` is {samples[name].shape}, expected {wanted[name]}."
            )
    if not np.issubdtype(grids.dtype, np.number) or np.iscomplexobj(grids):
        raise ConfigError(f"--samples={path}: `grid` holds {grids.dtype}, expected real numbers.")
    return samples


def keep_finite(samples):
    """Return the samples whose values are all finite, and how many are not.

    Raises:
        ConfigError: If none is left.
    """
    finite = np.isfinite(samples["grid"]).reshape(len(samples["grid"]), -1).all(axis=1)
    if "lattice" in samples:
        finite &= np.isfinite(samples["lattice"]).all(axis=1)
    if not finite.any():
        raise ConfigError(
            f"None of the {len(finite)} samples has only finite values: there is nothing to "
            "measure. Look at the losses of the run."
        )
    return {name: values[finite] for name, values in samples.items()}, int((~finite).sum())
