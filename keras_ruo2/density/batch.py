"""`backmap`: samples -> structures."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from keras_ruo2.config import BackmapConfig
from keras_ruo2.density.backmap import BackmapFailure, backmap, backmap_slice
from keras_ruo2.density.voxelise import Floats
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io import messages
from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.paths import move_over, shown
from keras_ruo2.io.samples import read_samples, species_of
from keras_ruo2.io.structures import read_structures
from keras_ruo2.plotting import atoms as plotting_atoms
from keras_ruo2.plotting import style
from keras_ruo2.species import SPECIES, Pair


def main(config: BackmapConfig) -> None:
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


def map_samples(config: BackmapConfig) -> list[int]:
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
    failures: Counter[str] = Counter()
    num_atoms, shown_first = [], []
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
    if config.picture:
        draw_found_atoms(config.picture, grids, lengths, shown_first)
    if config.out.suffix == ".db":
        write_frames(config.out, read_structures(partial) if count else [])
        partial.unlink()
    else:
        move_over(partial, config.out)
    messages.info(backmap_summary(config.out, num_atoms, failures))
    return num_atoms


def draw_found_atoms(
    path: Path, grids: NDArray[np.floating], lengths: Floats, structures: Sequence[Atoms]
) -> None:
    """Write a picture of the first samples with the atoms found in them."""
    count = len(structures)
    check_writable(path.parent)
    figure = plotting_atoms.found_atoms(grids[:count], lengths[:count], structures)
    style.save_figure(figure, path)
    messages.info(f"{shown(path)} shows {count}.")


def map_sample(
    grid: NDArray[np.floating], lengths: NDArray[np.floating], alpha: float, species: Pair = SPECIES
) -> Atoms:
    """Return the structure of a sample; a frame without atoms if it holds none."""
    decode = backmap if grid.ndim == 4 else backmap_slice
    try:
        return decode(grid, lengths, alpha=alpha, species=species)
    except BackmapFailure as failure:
        cell = lengths if grid.ndim == 4 else [lengths[0], 0, lengths[1]]
        atoms = Atoms(cell=np.diag(np.asarray(cell, dtype=float)), pbc=True)
        atoms.info = {"residual": 1.0, "failures": failure.reason}
        return atoms


def backmap_summary(out: Path, num_atoms: Sequence[int], failures: Counter[str]) -> str:
    """Return the closing line: structures, those without a flaw, and failures by name."""
    whole = failures.pop("no", 0)
    flaws = ", ".join(f"{name} {count}" for name, count in failures.most_common()) or "none"
    return (
        f"{shown(out)}: {len(num_atoms)} frames of {np.mean(num_atoms):.1f} atoms on average; "
        f"{whole} without failures. Failures: {flaws}."
    )
