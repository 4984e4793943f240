"""Samples files: what is in them, and whether it can be measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.arrays import read_arrays
from keras_ruo2.species import DEFAULT, SPECIES, Pair, species_in

TOLERANCE = 1e-3  # by which densities may lie outside [0, 1]


def load_samples(
    path: Path, grid_shape: Sequence[int], species: Pair = SPECIES
) -> dict[str, np.ndarray]:
    """Read samples that are measured beside records; those that are not finite are among them.

    Args:
        path: A .npz file as `generate` writes it, perhaps without `lattice` and `label`.
        grid_shape: Shape that every grid must have.
        species: What its channels must be, where it names them.

    Returns:
        Dict of arrays of equal length: `grid` of densities, `lattice` in Å and `label`.

    Raises:
        ConfigError: If it cannot be read, or its arrays do not fit together or to the records.
    """
    arrays = load_arrays(path)
    grids, given, own = grids_in(path, arrays), arrays.get("lattice"), species_of(path)
    if own != tuple(species):
        raise ConfigError(
            f"--samples={path} is of {','.join(own)}, the records are of {','.join(species)}. "
            "Give the samples of this run."
        )
    if grids.shape[1:] != tuple(grid_shape):
        raise ConfigError(
            f"--samples={path} holds grids of {grids.shape[1:]}, the records have "
            f"{tuple(grid_shape)}. Give the samples of this run."
        )
    samples = {"grid": check_densities(path, grids, finite=False)}
    if given is not None:
        samples["lattice"] = lengths_of(path, given, grids)
    labels = labels_in(path, arrays, len(grids))
    return samples if labels is None else samples | {"label": labels}


def keep_finite(samples: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], int]:
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


def read_samples(
    path: Path, lengths: ArrayLike | None = None, *, advice: str = "Give them: --lengths={example}."
) -> tuple[NDArray[np.floating], NDArray[np.float64], np.ndarray | None]:
    """Read a samples file, refusing pickles and anything of another shape or kind.

    Args:
        path: A .npz file as `generate` writes it.
        lengths: Lattice lengths for every sample, Å, where the file has none.
        advice: What to do where there are none at all.

    Returns:
        `(grids, lengths, labels)`: `(n, *grid, 2)`, `(n, ndim)` in Å, and `(n,)` or `None`.

    Raises:
        ConfigError: If it is no such file, or lengths are missing, doubled or unusable.
    """
    arrays = load_arrays(path)
    grids = check_densities(path, grids_in(path, arrays))
    lengths = check_lengths(path, arrays.get("lattice"), lengths, grids, advice)
    return grids, lengths, labels_in(path, arrays, len(grids))


def grids_in(path: Path, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the grids of a samples file as they are, or raise `ConfigError`."""
    grids = arrays.get("grid")
    if grids is None:
        raise ConfigError(f"--samples={path} has no array `grid`, only: {', '.join(arrays)}.")
    if grids.ndim not in (4, 5) or grids.shape[-1] != 2 or not grids.size:
        raise ConfigError(
            f"--samples={path}: `grid` has shape {grids.shape}. Expected (n, 32, 32[, 32], 2)."
        )
    return grids


def labels_in(path: Path, arrays: Mapping[str, np.ndarray], count: int) -> np.ndarray | None:
    """Return the classes of a samples file, `(count,)`, `None` without any; or `ConfigError`."""
    labels = arrays.get("label")
    if labels is not None and (labels.dtype.kind not in "iu" or labels.shape != (count,)):
        raise ConfigError(
            f"--samples={path}: `label` is {kind(labels)} of shape {labels.shape}. Expected "
            f"integers of shape {(count,)}. Mend it, or leave it out."
        )
    return labels


def load_arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Return the arrays of a .npz file, those of `names` if any are given, by their names.

    Raises:
        ConfigError: If it is no such file, or holds pickles.
    """
    try:
        return read_arrays(path, names)
    except ValueError as error:
        raise ConfigError(
            f"--samples={path} was refused: {error}. Give a file of `generate`."
        ) from None


def species_of(path: Path, given: str | None = None) -> Pair:
    """Return the elements of a samples file's channels: its own, those `given`, or Ru and O.

    Raises:
        ConfigError: If it names others than those given, or what it names are no elements.
    """
    own = load_arrays(path, "species").get("species")
    if own is None:
        return species_in(given or DEFAULT)
    if own.dtype.kind != "U" or own.shape != (2,):
        raise ConfigError(
            f"--samples={path}: `species` is {kind(own)} of shape {own.shape}. Expected two "
            "symbols, e.g. np.array(['Ru', 'O'])."
        )
    named = ",".join(own)
    try:
        species = species_in(named)
    except ConfigError:
        raise ConfigError(
            f"--samples={path}: `species` names {named}. Expected two elements, the metal first."
        ) from None
    if given and species != species_in(given):
        raise ConfigError(f"--samples={path} is of {named}. Leave out --species={given}.")
    return species


def kind(array: np.ndarray) -> str:
    """Return what an array holds, in words of an error message."""
    return "text" if array.dtype.kind in "SU" else str(array.dtype)


def check_densities(path: Path, grids: np.ndarray, finite: bool = True) -> NDArray[np.floating]:
    """Return grids in [0, 1], those of 8 bits scaled by 1/255, or raise `ConfigError`.

    Args:
        path: Their file.
        grids: Array of shape `(n, *grid, 2)`.
        finite: Refuse NaN and infinities; else they stay.
    """
    expected = "Expected floats in [0, 1], or uint8 (multiples of 1/255)."
    if grids.dtype == np.uint8:
        return grids.astype(np.float32) / 255
    if grids.dtype.kind != "f":
        raise ConfigError(f"--samples={path}: `grid` is {kind(grids)}. {expected}")
    usable = np.isfinite(grids)
    if finite and not usable.all():
        bad = np.flatnonzero(~np.isfinite(grids.reshape(len(grids), -1)).all(axis=1))
        raise ConfigError(
            f"--samples={path}: {len(bad)} of {len(grids)} grids hold NaN or infinities, first "
            f"sample {bad[0]}. Draw the samples again, from another checkpoint."
        )
    low = np.min(grids, where=usable, initial=np.inf)
    high = np.max(grids, where=usable, initial=-np.inf)
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        raise ConfigError(
            f"--samples={path}: `grid` holds {grids.dtype} from {low:.3g} to {high:.3g}. {expected}"
        )
    return np.where(usable, np.clip(grids, 0, 1), grids)


def check_lengths(
    path: Path, own: np.ndarray | None, given: ArrayLike | None, grids: np.ndarray, advice: str
) -> NDArray[np.float64]:
    """Return the lattice lengths of every sample, `(n, ndim)` in Å, or raise `ConfigError`."""
    ndim = grids.ndim - 2
    if given is not None and own is not None:
        raise ConfigError(f"--samples={path} has lattice lengths of its own. Leave out --lengths.")
    chosen = own if given is None else np.tile(given, (len(grids), 1))
    if chosen is None:
        example = ",".join(["18"] * ndim)
        raise ConfigError(
            f"--samples={path} has no lattice lengths. {advice.format(example=example)}"
        )
    lengths = lengths_of(path, chosen, grids)
    unusable = ~(np.isfinite(lengths) & (lengths > 1) & (lengths < 200)).all(axis=1)
    if unusable.any():
        first = int(np.flatnonzero(unusable)[0])
        raise ConfigError(
            f"--samples={path}: {unusable.sum()} samples have absurd lattice lengths, first sample "
            f"{first}: {lengths[first].tolist()}. Expected 1 to 200 Å."
        )
    return lengths


def lengths_of(path: Path, lengths: np.ndarray, grids: np.ndarray) -> NDArray[np.float64]:
    """Return lattice lengths as floats, `(n, ndim)` in Å, or raise `ConfigError`."""
    if lengths.dtype.kind not in "fiu":
        raise ConfigError(
            f"--samples={path}: `lattice` is {kind(lengths)}. Expected floats, lengths in Å."
        )
    if lengths.shape != (len(grids), grids.ndim - 2):
        raise ConfigError(
            f"--samples={path}: lattice lengths have shape {lengths.shape}. Expected "
            f"{(len(grids), grids.ndim - 2)} for grids of shape {grids.shape[1:]}."
        )
    return lengths.astype(float)
