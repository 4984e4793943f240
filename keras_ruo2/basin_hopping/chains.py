"""Chains of a search on disk: what is finished stays, whatever happens to the command.

A chain has three files. The snapshots (`chain-000.extxyz`) and a row for each trial
(`chain-000.csv`) are only ever appended to. The checkpoint (`chain-000.json`) is replaced in one
piece after each trial; it holds the structure to go on from, to the last bit, and how long the
other two were then. What lies beyond that length is a trial that was cut off, and is dropped. So a
command that was killed goes on with the trial that it was at, and ends with the files that an
uninterrupted one writes.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.io.extxyz import write_extxyz

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.fields import check_fields, integer, listed, mapped, number, record, text
from keras_ruo2.io.paths import atomic_write, shown
from keras_ruo2.io.state import Grown, read_state, write_state
from keras_ruo2.io.workfolder import check_same
from keras_ruo2.structure.layers import layer_of, with_layers

if TYPE_CHECKING:
    from pathlib import Path


COLUMNS = ("trial", "move", "outcome", "energy", "grand_potential", "num_o", "snapshots", "error")
STARTS = "start_sha256"  # of files; names of terminations need none
SUFFIXES = (".extxyz", ".csv")
RESTORE = "Restore it, or delete the chain's three files to begin it anew."
VECTORS = listed(listed(number(-1e6, 1e6), 3, 3))
KINDS = {
    "trials": integer(1),
    "accepted": integer(),
    "failures": integer(),
    "sizes": record(dict.fromkeys(SUFFIXES, integer())),
    "energy": number(),
    "atoms": record(
        {
            "numbers": listed(integer(1, 118), least=1),
            "positions": VECTORS,
            "cell": VECTORS,
            "layer": listed(integer(-9, 9)),
        }
    ),
    "sha256": mapped(text(64)),
}
SEARCHED_WITH = {"calculator", "dmu_o", "start"}  # in settings.json of any version


class Chain:
    """A chain's files and where it stands.

    Args:
        folder: Where the files are.
        number: Number of the chain.

    Attributes:
        trials: Finished trials, the relaxation of the start being the first; 0 at the beginning.
        accepted: Accepted ones, without the start.
        failures: How often in a row the calculator has failed.
        atoms: Structure to go on from, `None` at the beginning.
        energy: Its potential energy, eV.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.path = folder / f"chain-{number:03d}"
        self.trials = self.accepted = self.failures = 0
        self.atoms: Atoms | None = None
        self.energy: float | None = None
        self.parts = {suffix: Grown(self.file(suffix)) for suffix in SUFFIXES}
        self.load()

    def file(self, suffix: str) -> Path:
        """Return the path of the chain's file with this ending."""
        return self.path.with_suffix(suffix)

    def load(self) -> None:
        """Read the checkpoint, if there is one, and drop what was written after it.

        Raises:
            ConfigError: If one of the three files is not what was written.
        """
        sizes, sums = dict.fromkeys(SUFFIXES, 0), {}
        if self.file(".json").exists():
            saved = read_checkpoint(self.file(".json"))
            self.trials, self.accepted = saved["trials"], saved["accepted"]
            self.failures, self.energy = saved["failures"], saved["energy"]
            self.atoms, sizes = atoms_from(saved["atoms"]), saved["sizes"]
            sums = saved.get("sha256", {})
        for suffix, part in self.parts.items():
            part.take_up(sizes[suffix], sums.get(suffix), RESTORE)

    def append(
        self,
        frames: Sequence[Atoms],
        row: Mapping[str, Any],
        accepted: bool,
        atoms: Atoms | None,
        energy: float | None,
    ) -> None:
        """Keep a finished trial.

        Args:
            frames: Its snapshots, `ase.Atoms` with everything that is to be written.
            row: Its values of `COLUMNS`, texts and numbers.
            accepted: Whether it was accepted.
            atoms: The structure to go on from.
            energy: Its potential energy, eV.
        """
        text = ",".join(str(row[name]) for name in COLUMNS) + "\n"
        if not self.trials:
            text = ",".join(COLUMNS) + "\n" + text
        self.accepted += int(accepted and self.trials > 0)
        self.failures = self.failures + 1 if row["outcome"] == "calculator_failed" else 0
        self.trials += 1
        self.atoms, self.energy = atoms, energy
        for suffix, addition in ((".extxyz", snapshots_text(frames)), (".csv", text)):
            self.parts[suffix].append(addition.encode(errors="backslashreplace"))
        self.save()

    def save(self) -> None:
        """Replace the checkpoint."""
        saved = {
            "trials": self.trials,
            "accepted": self.accepted,
            "failures": self.failures,
            "sizes": {suffix: part.size for suffix, part in self.parts.items()},
            "sha256": {suffix: part.note()["sha256"] for suffix, part in self.parts.items()},
            "energy": self.energy,
            "atoms": None if self.atoms is None else atoms_to(self.atoms),
        }
        write_state(self.file(".json"), saved)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the values of a chain's checkpoint.

    Raises:
        ConfigError: If it is not what was written.
    """
    earlier = KINDS.keys() - {"sha256"}
    saved = read_state(path, RESTORE, lambda values: values.keys() == earlier)
    check_fields(saved, KINDS, shown(path), RESTORE, may_lack=("sha256",))
    atoms = saved["atoms"]
    if not len(atoms["numbers"]) == len(atoms["positions"]) == len(atoms["layer"]):
        raise ConfigError(f"{shown(path)} cannot be used: its atoms do not add up. {RESTORE}")
    return saved


def snapshots_text(frames: Sequence[Atoms]) -> str:
    """Return `ase.Atoms` as the text of an extxyz file."""
    text = io.StringIO()
    if frames:
        write_extxyz(text, frames)
    return text.getvalue()


def atoms_to(atoms: Atoms) -> dict[str, Any]:
    """Return what a checkpoint keeps of a structure; JSON holds floats to the last bit."""
    return {
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.array.tolist(),
        "layer": layer_of(atoms).tolist(),
    }


def atoms_from(saved: Mapping[str, Any]) -> Atoms:
    """Invert `atoms_to`."""
    atoms = Atoms(saved["numbers"], saved["positions"], cell=saved["cell"], pbc=True)
    return with_layers(atoms, np.array(saved["layer"]))


def table_rows(path: Path, size: int | None = None) -> list[dict[str, str]]:
    """Return the rows of a chain's table as dicts of texts, up to `size` bytes of the file.

    Only a line feed ends a row: messages of calculators have had other line ends.
    """
    content = path.read_bytes() if path.exists() else b""
    lines = content[:size].decode(errors="replace").split("\n")[:-1]
    names, *rows = (line.split(",") for line in lines or [""])
    return [dict(zip(names, row, strict=False)) for row in rows]


def check_settings(folder: Path, settings: dict[str, Any], checksums: Mapping[str, str]) -> None:
    """Keep what the chains are made with, or raise `ConfigError` if it was something else.

    While no chain has a finished trial, what was kept before is replaced.

    Args:
        folder: Of the chains.
        settings: Dict.
        checksums: Dict of the files that chains begin with to the checksums of their content.
            Searches from before these were kept are given them.
    """
    path = folder / "settings.json"
    settings = json.loads(json.dumps(settings))
    begun = path.exists() and any(folder.glob("chain-*.json"))
    advice = "Restore it, choose another --out, or delete the folder to start anew."
    known, names = settings, {*settings, STARTS}
    if begun:
        known = read_state(path, advice, lambda values: SEARCHED_WITH <= set(values) <= names)
        check_fields(known, {STARTS: mapped(text(64))}, shown(path), advice, may_lack=(STARTS,))
    advice = "Repeat that command (--steps may differ), choose another --out, or delete the folder."
    check_same(shown(folder), known, settings, advice)
    for file, value in checksums.items():
        if known.get(STARTS, checksums).get(file) != value:
            raise ConfigError(
                f"{shown(folder)} was begun with another content of --start={file}. Restore that "
                "file, choose another --out, or delete the folder."
            )
    if checksums:
        settings[STARTS] = checksums
    if not begun or STARTS in settings.keys() - known.keys():
        write_state(path, known | settings)


def join_chains(chains: Iterable[Chain], out: Path) -> None:
    """Write the snapshots of all chains, one after the other, as one file; it appears whole."""
    with atomic_write(out) as partial, open(partial, "wb") as joined:
        for chain in chains:
            if not chain.file(".extxyz").exists():
                continue
            with open(chain.file(".extxyz"), "rb") as part:
                shutil.copyfileobj(part, joined)
