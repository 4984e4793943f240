"""First pass of a build: every structure is checked and prepared, and what all depend on is found.

Structures are read one after the other. What the recipe voxelises is kept in a trajectory, from
which any shard takes its structures later, and an interrupted pass what it has already prepared; in
memory stay two names and four numbers of each.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.io.trajectory import Trajectory
from numpy.typing import NDArray

from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import fields, messages
from keras_ruo2.io.paths import shown
from keras_ruo2.io.progress import Counting
from keras_ruo2.io.structures import iterate_structures
from keras_ruo2.recipes import Recipe
from keras_ruo2.records.prepared import proven, sealed
from keras_ruo2.structure import cells
from keras_ruo2.structure.cells import energy_of, energy_per_atom
from keras_ruo2.structure.checks import check_species
from keras_ruo2.structure.door import check_structure, warn_of_listed
from keras_ruo2.structure.plausible import long_cell, missing_vacuum_sentence
from keras_ruo2.structure.validity import broken

NAMES = fields.listed(fields.text())
KINDS = {
    "names": NAMES,
    "energies": fields.listed(
        fields.Kind("a number, or NaN", lambda v: isinstance(v, float | int))
    ),
    "longest": fields.listed(fields.number(0)),
    "repeats": fields.listed(fields.listed(fields.integer(1, 1000), least=2, most=2)),
    "families": NAMES,
}


class Survey(NamedTuple):
    """What is known of the prepared structures.

    Args:
        names: Their names.
        energies: Energies per atom, eV, NaN where there is none.
        longest: Longest edge of each cell, Å.
        repeats: How often each cell was repeated along x and y, shape `(n, 2)`.
        families: Whom each belongs to, that are kept from training together, see `family_of`.
    """

    names: list[str]
    energies: np.ndarray
    longest: np.ndarray
    repeats: np.ndarray
    families: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "names": self.names,
            "energies": self.energies.tolist(),
            "longest": self.longest.tolist(),
            "repeats": self.repeats.tolist(),
            "families": self.families,
        }


def survey_from(values: dict[str, Any]) -> Survey:
    """Invert `Survey.as_dict`.

    Raises:
        ConfigError: If the values are not those of a survey.
    """
    fields.check_fields(values, KINDS, "The survey of the structures", "It is not used.")
    if len({len(values[name]) for name in KINDS}) > 1:
        raise ConfigError("The survey of the structures has lists of unequal length.")
    return Survey(
        values["names"],
        np.array(values["energies"], dtype=float),
        np.array(values["longest"], dtype=float),
        np.array(values["repeats"], dtype=int).reshape(-1, 2),
        values["families"],
    )


def survey(config: RecordsConfig, trajectory: Path) -> Survey:
    """Check and prepare every structure, but for those that are in the trajectory already.

    Args:
        config: `RecordsConfig`.
        trajectory: File of the prepared structures, new or left by an interrupted pass.

    Returns:
        `Survey`.

    Raises:
        ConfigError: If the file cannot be read or a structure cannot be used; it is named.
    """
    rows, start = prepared_before(trajectory)
    if rows:
        messages.info(f"Going on after {len(rows):,} structures that are prepared.")
    counting, oddities = Counting("Reading structures"), Oddities(config.structures)
    with Trajectory(trajectory, "a") as prepared:
        for box in prepared_structures(config, start, oddities):
            prepared.write(sealed(box))
            rows.append(survey_row(box))
            counting.step()
    counting.end()
    oddities.tell()
    if not rows:
        raise ConfigError(f"{config.structures} holds no structure that the recipe can use.")
    names, energies, longest, repeats, families = zip(*rows, strict=True)
    surveyed = Survey(
        list(names), np.array(energies), np.array(longest), np.array(repeats), list(families)
    )
    warn_of_coarse_voxels(surveyed, config.rules)
    return surveyed


def prepared_before(trajectory: Path) -> tuple[list[tuple[Any, ...]], int]:
    """Return what is known of the structures of an interrupted pass, and where to go on.

    Args:
        trajectory: File of the prepared structures. It is removed if it cannot be read.

    Returns:
        List of what `survey_row` returns, and the number of the next structure to read.
    """
    rows: list[tuple[Any, ...]] = []
    number = -1
    try:
        with Trajectory(trajectory) as prepared:
            for box in prepared:
                rows.append(survey_row(proven(box, Path(trajectory).parent)))
                number = box.info["number"]
    except Exception as error:  # a damaged trajectory makes ASE raise whatever it likes
        if Path(trajectory).is_file() and Path(trajectory).stat().st_size:
            reason = " ".join(str(error).split()) or type(error).__name__
            messages.warning(f"{shown(trajectory)} is damaged: beginning again ({reason}).")
        Path(trajectory).unlink(missing_ok=True)
        return [], 0
    return rows, number + 1


def survey_row(box: Atoms) -> tuple[Any, ...]:
    """Return what `Survey` keeps of a prepared structure."""
    repeats = tuple(box.info.get("lateral_repeats", (1, 1)))
    longest = float(box.cell.lengths().max())
    return box.info["name"], energy_per_atom(box), longest, repeats, box.info["family"]


def prepared_structures(
    config: RecordsConfig, start: int = 0, oddities: Oddities | None = None
) -> Iterator[Atoms]:
    """Yield every structure that the recipe takes, prepared, with a name, number and family.

    Args:
        config: `RecordsConfig`.
        start: Number of the first structure of the file to look at.
        oddities: `Oddities` that take note of what is odd or was skipped.
    """
    recipe, oddities = config.rules, oddities or Oddities(config.structures)
    frames = itertools.islice(enumerate(iterate_structures(config.structures)), start, None)
    for number, atoms in frames:
        info = atoms.info
        name = str(info.get("name", f"{Path(config.structures).stem}-{number}"))
        try:
            check_species(atoms, config.pair)
            check_structure(atoms)
            if recipe.whole_only and broken(atoms):
                continue
            check_numbers(atoms)
            box = prepare_structure(atoms, recipe)
            oddities.look(f"structure {number} ({name})", atoms, box)
        except ConfigError as error:
            if config.skip_foreign or config.skip_damaged:
                oddities.skipped.append(f"structure {number} ({name}): {error}")
                continue
            reason = f"{config.structures}, structure {number} ({name}): {error}"
            raise ConfigError(
                f"{reason} To leave out what cannot be used: --skip_damaged"
            ) from None
        known = {key: box.info[key] for key in ("dmu_o", "lateral_repeats") if key in box.info}
        box.info = {"name": name, "number": number, "family": family_of(info, number), **known}
        box.set_constraint()
        yield box


class Oddities:
    """What a user should know of structures that are taken, and of those that are not.

    Args:
        path: Where they come from, for messages.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped: list[str] = []
        self.examples: dict[Callable[[Atoms], str], list[str]] = {}

    def look(self, name: str, atoms: Atoms, box: Atoms) -> None:
        """Take note of what is odd about a structure, given it and what it was made into."""
        for check, looked_at in ((missing_vacuum_sentence, atoms), (long_cell, box)):
            text = check(looked_at)
            if text:
                self.examples.setdefault(check, []).append(f"{name}: {text}")

    def tell(self) -> None:
        """Print what was skipped, and warn of what is odd, the first few of each by name."""
        kinds: dict[Callable[[Atoms], str], str] = {
            missing_vacuum_sentence: "are crystals without surfaces",
            long_cell: "have very long cells",
        }
        for check, sentences in self.examples.items():
            warn_of_listed(
                f"Warning: {len(sentences)} structures {kinds[check]}, but were taken", sentences
            )
        if missing_vacuum_sentence in self.examples:
            messages.warning(
                "    For slabs add a vacuum along z: atoms.center(vacuum=6, axis=2)",
            )
        if self.skipped:
            warn_of_listed(f"{self.path}: skipped {len(self.skipped)} structures", self.skipped)


def check_numbers(atoms: Atoms) -> None:
    """Raise `ConfigError` unless what a record says of energies is a number."""
    for name, value in (("energy", energy_of(atoms)), ("dmu_o", atoms.info.get("dmu_o"))):
        try:
            float(np.nan if value is None else value)
        except (TypeError, ValueError):
            raise ConfigError(f"its {name} is {value!r}. Expected a number, in eV.") from None


def family_of(info: Mapping[str, Any], number: int) -> str:
    """Return whom a structure belongs to: a chain of a search, its start, or nobody else.

    Chains from one start have the relaxation of this start in common.

    Args:
        info: What came with the structure; a search writes `chain`, `trial`, `move` and `start`.
        number: Number of the structure in its file.
    """
    if info.get("move") == "start" and "start" in info:
        return f"start {info['start']}"
    return f"chain {info['chain']}" if {"chain", "trial"} <= info.keys() else str(number)


def prepare_structure(atoms: Atoms, recipe: Recipe) -> Atoms:
    """Return `atoms` in the cell that the recipe voxelises."""
    box = cells.orthogonalise(atoms)
    if not recipe.extend:
        return box
    box = cells.set_vacuum(box, recipe.vacuum)
    repeats = cells.lateral_repeats(box.cell.lengths(), recipe.num_voxels)
    box = cells.repeat(box, (*repeats, 1))
    box.info["lateral_repeats"] = repeats
    return box


def count_repeats(repeats: NDArray[np.integer]) -> dict[str, int]:
    """Return how many cells were repeated how often along x or y, `{"3": 95, ...}` for JSON."""
    return {str(count): number for count, number in sorted(Counter(repeats.ravel()).items())}


def warn_of_coarse_voxels(surveyed: Survey, recipe: Recipe) -> None:
    """Say how many structures have voxels in which neighbouring atoms merge."""
    voxels = surveyed.longest / recipe.num_voxels
    coarse = int(np.sum(voxels > cells.LARGEST_VOXEL))
    if coarse:
        messages.warning(
            f"Warning: {coarse} of {len(voxels)} structures have voxels above "
            f"{cells.LARGEST_VOXEL} Å (up to {voxels.max():.2f} Å), where "
            "neighbouring O atoms begin to merge.",
        )
