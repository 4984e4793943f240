"""`backmap`: samples -> structures."""

import os
import sys
from collections import Counter

import ase.io
import numpy as np
from ase import Atoms

from keras_ruo2.density.backmap import TOLERANCE, BackmapFailure, backmap, backmap_slice
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io.arrays import read_arrays
from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.paths import shown
from keras_ruo2.io.structures import read_structures
from keras_ruo2.plotting import atoms as plotting_atoms
from keras_ruo2.plotting import style
from keras_ruo2.species import DEFAULT, SPECIES, species_in


def main(config):
    """Map every sample back, and fail where none of them holds a structure.

    Args:
        config: `BackmapConfig`.

    Raises:
        ConfigError: If the samples cannot be used, or, the file being written, if none of them
            holds a structure.
    """
    if not any(map_samples(config)):
        raise ConfigError(
            f"No sample of {config.samples} holds a structure: {shown(config.out)} has frames "
            "without atoms. Check --alpha and --lengths, or train longer."
        )


def map_samples(config):
    """Map every sample back and write the structures in the samples' order.

    Finished structures are appended to a partial file next to the output, which takes its name
    when it is whole.

    Args:
        config: `BackmapConfig`.

    Returns:
        The number of atoms of each structure.

    Raises:
        ConfigError: If the samples cannot be used; a sample without a structure is no error.
    """
    grids, lengths, labels = read_samples(config.samples, config.lengths)
    species = species_of(config.samples, config.species)
    count = min(config.count or len(grids), len(grids))
    check_writable(config.out.parent)
    partial = config.out.with_suffix(".partial.extxyz")
    partial.unlink(missing_ok=True)
    failures, num_atoms, shown_first = Counter(), [], []
    for index in range(count):
        atoms = map_sample(grids[index], lengths[index], config.alpha, species)
        atoms.info |= {"sample": index, "alpha": config.alpha}
        if labels is not None:
            atoms.info["label"] = int(labels[index])
        ase.io.write(partial, atoms, format="extxyz", append=True)
        failures.update(atoms.info["failures"].split())
        num_atoms.append(len(atoms))
        shown_first += [atoms] if index < plotting_atoms.MOST else []
        end = "\n" if index + 1 == count else "\r"
        if sys.stdout.isatty() or end == "\n":
            print(f"Mapping back: {index + 1}/{count}", end=end, flush=True)
    if config.out.suffix == ".db":
        write_frames(config.out, read_structures(partial) if count else [])
        partial.unlink()
    else:
        os.replace(partial, config.out)
    print(summary(config.out, num_atoms, failures))
    if config.picture:
        draw(config.picture, grids, lengths, shown_first)
    return num_atoms


def draw(path, grids, lengths, structures):
    """Write a picture of the first samples with the atoms found in them."""
    count = len(structures)
    check_writable(path.parent)
    figure = plotting_atoms.found_atoms(grids[:count], lengths[:count], structures)
    style.save(figure, path)
    print(f"{shown(path)} shows {count}.")


def map_sample(grid, lengths, alpha, species=SPECIES):
    """Return the structure of a sample; a frame without atoms if it holds none."""
    decode = backmap if grid.ndim == 4 else backmap_slice
    try:
        return decode(grid, lengths, alpha=alpha, species=species)
    except BackmapFailure as failure:
        cell = lengths if grid.ndim == 4 else [lengths[0], 0, lengths[1]]
        atoms = Atoms(cell=np.diag(np.asarray(cell, dtype=float)), pbc=True)
        atoms.info = {"residual": 1.0, "failures": failure.reason}
        return atoms


def summary(out, num_atoms, failures):
    """Return the closing line: structures, those without a flaw, and failures by name."""
    whole = failures.pop("no", 0)
    flaws = ", ".join(f"{name} {count}" for name, count in failures.most_common()) or "none"
    return (
        f"{shown(out)}: {len(num_atoms)} frames of {np.mean(num_atoms):.1f} atoms on average; "
        f"{whole} without failures. Failures: {flaws}."
    )


def read_samples(path, lengths=None, *, advice="Give them: --lengths={example}."):
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
    grids, labels = arrays.get("grid"), arrays.get("label")
    if grids is None:
        raise ConfigError(f"--samples={path} has no array `grid`, only: {', '.join(arrays)}.")
    if grids.ndim not in (4, 5) or grids.shape[-1] != 2 or not grids.size:
        raise ConfigError(
            f"--samples={path}: `grid` has shape {grids.shape}. Expected (n, 32, 32[, 32], 2)."
        )
    grids = check_densities(path, grids)
    if labels is not None and (labels.dtype.kind not in "iu" or labels.shape != (len(grids),)):
        raise ConfigError(
            f"--samples={path}: `label` is {kind(labels)} of shape {labels.shape}. Expected "
            f"integers of shape {(len(grids),)}. Mend it, or leave it out."
        )
    return grids, check_lengths(path, arrays.get("lattice"), lengths, grids, advice), labels


def load_arrays(path, *names):
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


def species_of(path, given=None):
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
        found = species_in(named)
    except ConfigError:
        raise ConfigError(
            f"--samples={path}: `species` names {named}. Expected two elements, the metal first."
        ) from None
    if given and found != species_in(given):
        raise ConfigError(f"--samples={path} is of {named}. Leave out --species={given}.")
    return found


def kind(array):
    """Return what an array holds, in words of an error message."""
    return "text" if array.dtype.kind in "SU" else str(array.dtype)


def check_densities(path, grids):
    """Return grids in [0, 1], those of 8 bits scaled by 1/255, or raise `ConfigError`."""
    expected = "Expected floats in [0, 1], or uint8 (multiples of 1/255)."
    if grids.dtype == np.uint8:
        return grids.astype(np.float32) / 255
    if grids.dtype.kind != "f":
        raise ConfigError(f"--samples={path}: `grid` is {kind(grids)}. {expected}")
    if not np.isfinite(grids).all():
        bad = np.flatnonzero(~np.isfinite(grids.reshape(len(grids), -1)).all(axis=1))
        raise ConfigError(
            f"--samples={path}: {len(bad)} of {len(grids)} grids hold NaN or infinities, first "
            f"sample {bad[0]}. Draw the samples again, from another checkpoint."
        )
    low, high = grids.min(), grids.max()
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        raise ConfigError(
            f"--samples={path}: `grid` holds {grids.dtype} from {low:.3g} to {high:.3g}. {expected}"
        )
    return np.clip(grids, 0, 1)


def check_lengths(path, found, given, grids, advice):
    """Return the lattice lengths of every sample, `(n, ndim)` in Å, or raise `ConfigError`."""
    ndim = grids.ndim - 2
    if found is None and given is None:
        example = ",".join(["18"] * ndim)
        raise ConfigError(
            f"--samples={path} has no lattice lengths. {advice.format(example=example)}"
        )
    if found is not None and given is not None:
        raise ConfigError(f"--samples={path} has lattice lengths of its own. Leave out --lengths.")
    lengths = found if given is None else np.tile(given, (len(grids), 1))
    if lengths.dtype.kind not in "fiu":
        raise ConfigError(
            f"--samples={path}: `lattice` is {kind(lengths)}. Expected floats, lengths in Å."
        )
    if lengths.shape != (len(grids), ndim):
        raise ConfigError(
            f"--samples={path}: lattice lengths have shape {lengths.shape}. Expected "
            f"{(len(grids), ndim)} for grids of shape {grids.shape[1:]}."
        )
    unusable = ~(np.isfinite(lengths) & (lengths > 1) & (lengths < 200)).all(axis=1)
    if unusable.any():
        first = int(np.flatnonzero(unusable)[0])
        raise ConfigError(
            f"--samples={path}: {unusable.sum()} samples have absurd lattice lengths, first sample "
            f"{first}: {lengths[first].tolist()}. Expected 1 to 200 Å."
        )
    return lengths.astype(float)
