"""Read what a basin-hopping search has kept, also while it goes on: snapshots and trials.

Nothing is written, locked or cut. Of a chain that is being worked on only what its checkpoint
counts is read (see `keras_ruo2.basin_hopping.chains`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.io.extxyz import key_val_str_to_dict

from keras_ruo2.basin_hopping.chains import RESTORE, read_checkpoint, table_rows
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import structure_files, unpacked
from keras_ruo2.io.state import prove
from keras_ruo2.io.structures import iterate_file, parse_structure, texts_of
from keras_ruo2.structure.cells import potential_energy

HISTORY = ("chain", "trial", "snapshot", "move", "outcome", "dmu_o", "start", "oxygen_energy")
START, ACCEPTED = "start", "accepted"
NOTHING_MADE = 0  # snapshots of a trial whose move found no place


class HistoryFrame(NamedTuple):
    """A snapshot: what was written about it, and the structure for those who ask.

    Args:
        info: Its history, see `HISTORY`.
        energy: Potential energy, eV.
        num_metal: Number of metal atoms.
        num_o: Number of O atoms.
        lengths: Of the cell vectors, Å, shape `(3,)`.
        source: The text of the frame in extxyz, or `ase.Atoms`.
    """

    info: dict[str, Any]
    energy: float
    num_metal: int
    num_o: int
    lengths: np.ndarray
    source: str | Atoms

    @property
    def atoms(self) -> Atoms:
        """The structure, `ase.Atoms`; read anew each time."""
        if isinstance(self.source, Atoms):
            return self.source
        return parse_structure(self.source)

    @property
    def energy_per_atom(self) -> float:
        """Potential energy, eV per atom."""
        return self.energy / (self.num_metal + self.num_o)

    @property
    def grand_potential(self) -> float:
        """Omega of `keras_ruo2.basin_hopping.trial`, eV."""
        return self.energy - self.num_o * (self.info["oxygen_energy"] + self.info["dmu_o"])

    @property
    def trial(self) -> tuple[int, int]:
        """Chain and trial."""
        return self.info["chain"], self.info["trial"]

    @property
    def name(self) -> tuple[int, int, int]:
        """Chain, trial and snapshot, which no other one of the search has."""
        return *self.trial, self.info["snapshot"]


def iterate_frames(path: Path) -> Iterator[HistoryFrame]:
    """Read the snapshots of a search one after the other.

    Args:
        path: The joined file, a chain's file, a folder of chains or of parts, or a pattern.

    Yields:
        `HistoryFrame`.

    Raises:
        ConfigError: If a file cannot be read, its structures have no energy or no history, or a
            snapshot comes twice, as those of two searches do; or if there is none.
    """
    seen: dict[tuple[int, int, int], Path] = {}
    for file in structure_files("structures", path):
        number = 0
        try:
            for frame in frames_in(file):
                check_new(frame, file, seen)
                yield frame
                number += 1
        except ConfigError:
            raise
        except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
            raise ConfigError(
                f"{file} cannot be read after {number} structures ({error!r}). Give snapshots of "
                "python -m data_prep basin_hopping."
            ) from None
    if not seen:
        raise ConfigError(f"{path} holds no snapshot.")


def check_new(frame: HistoryFrame, file: Path, seen: dict[tuple[int, int, int], Path]) -> None:
    """Note where a snapshot is, or raise `ConfigError` if it was there before.

    Args:
        frame: `HistoryFrame`.
        file: Where it is.
        seen: Dict of the names of those before to their files; is added to.
    """
    if frame.name in seen:
        chain, trial, snapshot = frame.name
        raise ConfigError(
            f"Chain {chain}, trial {trial}, snapshot {snapshot} is in {seen[frame.name]} and again "
            f"in {file}. Give one search at a time, each snapshot once."
        )
    seen[frame.name] = file


def frames_in(file: Path) -> Iterator[HistoryFrame]:
    """Return an iterator over the frames of one file; extxyz is parsed no more than needed.

    Of a chain's file only what its checkpoint counts is read.
    """
    if unpacked(file)[1] == ".extxyz":
        size = kept_size(file, ".extxyz")
        return (frame_of_text(text, file) for text in texts_of(file, size))
    return (frame_of_atoms(atoms, file) for atoms in iterate_file(file))


def kept_size(file: Path, suffix: str) -> float:
    """Return how many bytes of a chain's file are finished trials; all of it if it is no chain's.

    A search writes the trial first and then the checkpoint, so that the checkpoint is read first.
    """
    checkpoint = Path(file).with_suffix(".json")
    if not checkpoint.exists():
        return np.inf
    known = read_checkpoint(checkpoint)
    size, sha256 = known["sizes"][suffix], known.get("sha256", {}).get(suffix)
    prove(Path(file).with_suffix(suffix), size, sha256, RESTORE)
    return size


def frame_of_text(text: str, file: Path) -> HistoryFrame:
    """Parse the comment line of a frame, and count its atoms."""
    number, header, *rows, rest = text.split("\n")
    if len(rows) < int(number) or rest:
        raise EOFError("the last structure is cut off")
    info = key_val_str_to_dict(header.rstrip("\r"))
    cell = np.array(info.pop("Lattice")).reshape(3, 3)
    num_o = sum(row.split(maxsplit=1)[0] == "O" for row in rows)
    energy = check_history(info, info.pop("energy", None), file)
    lengths = np.linalg.norm(cell, axis=1)
    for name in ("Properties", "pbc"):
        info.pop(name, None)
    return HistoryFrame(python_numbers(info), energy, len(rows) - num_o, num_o, lengths, text)


def frame_of_atoms(atoms: Atoms, file: Path) -> HistoryFrame:
    """Return the frame of a structure of another format."""
    energy = check_history(atoms.info, potential_energy(atoms), file)
    num_o = int(np.sum(atoms.symbols == "O"))
    lengths = atoms.cell.lengths()
    return HistoryFrame(
        python_numbers(atoms.info), energy, len(atoms) - num_o, num_o, lengths, atoms
    )


def check_history(info: Mapping[str, Any], energy: float | None, file: Path) -> float:
    """Return the energy, or raise `ConfigError` if a structure is no snapshot of a search."""
    missing = [name for name in HISTORY if name not in info]
    missing += ["energy"] if energy is None else []
    if missing or energy is None:
        raise ConfigError(
            f"{file}: a structure has no {', '.join(missing)}. Give snapshots of "
            "python -m data_prep basin_hopping, with their history."
        )
    return float(energy)


def python_numbers(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return `info` with Python's numbers instead of NumPy's."""
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in info.items()}


def iterate_trials(path: Path) -> Iterator[list[HistoryFrame]]:
    """Yield the frames of one trial after the other, as lists."""
    group: list[HistoryFrame] = []
    for frame in iterate_frames(path):
        if group and frame.trial != group[-1].trial:
            yield group
            group = []
        group.append(frame)
    if group:
        yield group


def unplaced(path: Path) -> dict[int, list[tuple[int, str, str]]] | None:
    """Return the trials that left no snapshot, which only the tables of chains know.

    Args:
        path: As for `iterate_frames`.

    Returns:
        `{chain: [(trial, move, outcome), ...]}`, or `None` if there are no tables.
    """
    trials, tables = {}, 0
    for file in structure_files("structures", path):
        table = Path(file).with_suffix(".csv")
        if not (table.exists() and Path(file).with_suffix(".json").exists()):
            continue
        tables += 1
        size = kept_size(file, ".csv")
        trials[int(table.stem.split("-")[-1])] = [
            (int(row["trial"]), row["move"], row["outcome"])
            for row in table_rows(table, None if size == np.inf else int(size))
            if int(row["snapshots"]) == NOTHING_MADE
        ]
    return trials if tables else None
