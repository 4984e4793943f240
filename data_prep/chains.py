"""Chains of a search on disk: what is finished stays, whatever happens to the command.

A chain has three files. The snapshots (`chain-000.extxyz`) and a row for each trial
(`chain-000.csv`) are only ever appended to. The checkpoint (`chain-000.json`) is replaced in one
piece after each trial; it holds the structure to go on from, to the last bit, and how long the
other two were then. What lies beyond that length is a trial that was cut off, and is dropped. So a
command that was killed goes on with the trial that it was at, and ends with the files that an
uninterrupted one writes.
"""

import io
import json
import os

import numpy as np
from ase import Atoms
from ase.io.extxyz import write_extxyz

from data_prep.workplace import write_json
from keras_ruo2.errors import ConfigError
from keras_ruo2.paths import shown
from keras_ruo2.structure.layers import layer_of, with_layers

COLUMNS = ("trial", "move", "outcome", "energy", "grand_potential", "num_o", "snapshots", "error")
STARTS = "start_sha256"  # of files; names of terminations need none


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

    def __init__(self, folder, number):
        self.number = number
        self.path = folder / f"chain-{number:03d}"
        self.trials = self.accepted = self.failures = 0
        self.atoms, self.energy, self.sizes = None, None, {".extxyz": 0, ".csv": 0}
        if self.file(".json").exists():
            self.load()
        self.cut()

    def file(self, suffix):
        """Return the path of the chain's file with this ending."""
        return self.path.with_suffix(suffix)

    def load(self):
        """Read the checkpoint."""
        saved = json.loads(self.file(".json").read_text())
        self.trials, self.accepted = saved["trials"], saved["accepted"]
        self.failures, self.sizes = saved["failures"], saved["sizes"]
        self.atoms, self.energy = atoms_from(saved["atoms"]), saved["energy"]

    def cut(self):
        """Drop what was written after the checkpoint.

        Raises:
            ConfigError: If a file is shorter than the checkpoint says.
        """
        for suffix, size in self.sizes.items():
            path = self.file(suffix)
            path.touch()
            if path.stat().st_size < size:
                raise ConfigError(
                    f"{shown(path)} has {path.stat().st_size} bytes, {size} were written. It was "
                    "changed by something else: restore it, or delete the chain's three files."
                )
            os.truncate(path, size)

    def append(self, frames, row, accepted, atoms, energy):
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
        for suffix, addition in ((".extxyz", extxyz(frames)), (".csv", text)):
            with open(self.file(suffix), "ab") as file:
                file.write(addition.encode(errors="backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
                self.sizes[suffix] = file.tell()
        self.save()

    def save(self):
        """Replace the checkpoint."""
        saved = {
            "trials": self.trials,
            "accepted": self.accepted,
            "failures": self.failures,
            "sizes": self.sizes,
            "energy": self.energy,
            "atoms": atoms_to(self.atoms),
        }
        write_json(self.file(".json"), saved)


def extxyz(frames):
    """Return `ase.Atoms` as the text of an extxyz file."""
    text = io.StringIO()
    if frames:
        write_extxyz(text, frames)
    return text.getvalue()


def atoms_to(atoms):
    """Return what a checkpoint keeps of a structure; JSON holds floats to the last bit."""
    return {
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.array.tolist(),
        "layer": layer_of(atoms).tolist(),
    }


def atoms_from(saved):
    """Invert `atoms_to`."""
    atoms = Atoms(saved["numbers"], saved["positions"], cell=saved["cell"], pbc=True)
    return with_layers(atoms, np.array(saved["layer"]))


def rows_of(path, size=None):
    """Return the rows of a chain's table as dicts of texts, up to `size` bytes of the file.

    Only a line feed ends a row: messages of calculators have had other line ends.
    """
    lines = path.read_bytes()[:size].decode().split("\n")[:-1]
    names, *rows = (line.split(",") for line in lines or [""])
    return [dict(zip(names, row, strict=False)) for row in rows]


def check_settings(folder, settings, checksums):
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
    known = json.loads(path.read_text()) if begun else settings
    for name, value in settings.items():
        if known.get(name) != value:
            raise ConfigError(
                f"{shown(folder)} was begun with {name} = {known.get(name)}, not {value}. Repeat "
                "that command (--steps may differ), choose another --out, or delete the folder."
            )
    for file, value in checksums.items():
        if known.get(STARTS, checksums).get(file) != value:
            raise ConfigError(
                f"{shown(folder)} was begun with another content of --start={file}. Restore that "
                "file, choose another --out, or delete the folder."
            )
    if checksums:
        settings[STARTS] = checksums
    if not begun or STARTS in settings.keys() - known.keys():
        write_json(path, known | settings)


def join(chains, out):
    """Write the snapshots of all chains, one after the other, as one file; it appears whole."""
    partial = out.with_name(f"{out.stem}.whole.partial{out.suffix}")
    with open(partial, "wb") as whole:
        for chain in chains:
            with open(chain.file(".extxyz"), "rb") as part:
                while block := part.read(1 << 20):
                    whole.write(block)
    os.replace(partial, out)
