"""First pass of a build: every structure is checked and prepared, and what all depend on is found.

Structures are read once, one after the other. What the recipe voxelises is kept in a trajectory,
from which any shard takes its structures later; in memory stay a name and four numbers of each.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ase.io.trajectory import Trajectory

from data_prep.samples import energy_per_atom
from keras_ruo2.errors import ConfigError
from keras_ruo2.progress import Counting
from keras_ruo2.structure import cells
from keras_ruo2.structure.files import iterate_structures
from keras_ruo2.structure.filters import broken
from keras_ruo2.structure.voxels import check_species


class Survey(NamedTuple):
    """What is known of the prepared structures.

    Args:
        names: Their names.
        energies: Energies per atom, eV, NaN where there is none.
        longest: Longest edge of each cell, Å.
        repeats: How often each cell was repeated along x and y, shape `(n, 2)`.
    """

    names: list
    energies: np.ndarray
    longest: np.ndarray
    repeats: np.ndarray

    def as_dict(self):
        """Return it as JSON can hold it."""
        return {
            "names": self.names,
            "energies": self.energies.tolist(),
            "longest": self.longest.tolist(),
            "repeats": self.repeats.tolist(),
        }


def survey_from(values):
    """Invert `Survey.as_dict`."""
    return Survey(
        values["names"],
        np.array(values["energies"], dtype=float),
        np.array(values["longest"], dtype=float),
        np.array(values["repeats"], dtype=int).reshape(-1, 2),
    )


def survey(config, trajectory):
    """Check and prepare every structure.

    Args:
        config: `RecordsConfig`.
        trajectory: File for the prepared structures.

    Returns:
        `Survey`.

    Raises:
        ConfigError: If the file cannot be read or a structure cannot be used; it is named.
    """
    names, numbers = [], []
    counting = Counting("Reading structures")
    with Trajectory(trajectory, "w") as prepared:
        for box in prepared_structures(config):
            names.append(box.info["name"])
            repeats = box.info.pop("lateral_repeats", (1, 1))
            numbers.append((energy_per_atom(box), box.cell.lengths().max(), *repeats))
            prepared.write(box)
            counting.step()
    counting.end()
    if not names:
        raise ConfigError(f"{config.structures} holds no structure that the recipe can use.")
    energies, longest, *repeats = np.array(numbers).T
    found = Survey(names, energies, longest, np.array(repeats, dtype=int).T)
    warn_of_coarse_voxels(found, config.rules)
    return found


def prepared_structures(config):
    """Yield every structure that the recipe takes, prepared and with a name."""
    recipe = config.rules
    for number, atoms in enumerate(iterate_structures(config.structures)):
        name = str(atoms.info.get("name", f"{Path(config.structures).stem}-{number}"))
        try:
            check_species(atoms, config.pair)
            if recipe.whole_only and broken(atoms):
                continue
            box = prepare(atoms, recipe)
        except ConfigError as error:
            raise ConfigError(
                f"{config.structures}, structure {number} ({name}): {error}"
            ) from None
        known = {key: box.info[key] for key in ("dmu_o", "lateral_repeats") if key in box.info}
        box.info = {"name": name, **known}
        box.set_constraint()
        yield box


def prepare(atoms, recipe):
    """Return `atoms` in the cell that the recipe voxelises."""
    box = cells.orthogonalise(atoms)
    if not recipe.extend:
        return box
    box = cells.set_vacuum(box, recipe.vacuum)
    repeats = cells.lateral_repeats(box.cell.lengths(), recipe.num_voxels)
    box = cells.repeat(box, (*repeats, 1))
    box.info["lateral_repeats"] = repeats
    return box


def count_repeats(repeats):
    """Return how many cells were repeated how often along x or y, `{"3": 95, ...}` for JSON."""
    return {str(count): number for count, number in sorted(Counter(repeats.ravel()).items())}


def warn_of_coarse_voxels(found, recipe):
    """Say how many structures have voxels in which neighbouring atoms merge."""
    voxels = found.longest / recipe.num_voxels
    coarse = int(np.sum(voxels > cells.LARGEST_VOXEL))
    if coarse:
        print(
            f"Warning: {coarse} of {len(voxels)} structures have voxels above "
            f"{cells.LARGEST_VOXEL} Å (up to {voxels.max():.2f} Å), where "
            "neighbouring O atoms begin to merge.",
            file=sys.stderr,
        )
