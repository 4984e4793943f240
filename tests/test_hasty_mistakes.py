"""Each hasty mistake gets one line: what came, what was expected, what to type."""

import importlib.util

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.constraints import FixAtoms

from data_prep.__main__ import COMMANDS as PREPARATION
from keras_ruo2.__main__ import COMMANDS
from keras_ruo2.cli import run_command_line
from keras_ruo2.structure.crystals import rutile_ruo2


def scaled(slab, factor):
    slab.set_cell(slab.cell * factor, scale_atoms=True)
    return slab


def vacuum_along_x(slab):
    order = [2, 0, 1]
    cell = slab.cell.array[order][:, order]
    return Atoms(slab.symbols, slab.positions[:, order], cell=cell, pbc=True)


def with_first(slab, symbol):
    slab.symbols[0] = symbol
    return slab


def all_iridium(slab):
    slab.symbols[slab.symbols == "Ru"] = "Ir"
    return slab


STRUCTURES = {
    "slab": lambda slab: slab,
    "vacuum_along_x": vacuum_along_x,
    "nm": lambda slab: scaled(slab, 0.1),
    "bohr": lambda slab: scaled(slab, 1 / 0.529177),
    "titanium": lambda slab: with_first(slab, "Ti"),
    "iridium": all_iridium,
    "molecule": lambda slab: Atoms("O2", [[0, 0, 0], [0, 0, 1.2]]),
}


@pytest.fixture
def folder(slab, tmp_path, monkeypatch):
    """A working directory with the files that a hurried user would give."""
    monkeypatch.chdir(tmp_path)
    bare = Atoms(slab.symbols, slab.positions, cell=slab.cell, pbc=True)
    for name, change in STRUCTURES.items():
        ase.io.write(f"{name}.extxyz", change(bare.copy()))
    ase.io.write("partial.cif", bare)
    text = (tmp_path / "partial.cif").read_text()
    (tmp_path / "partial.cif").write_text(text.replace(" 1.0000", " 0.5000", 3))
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty.extxyz").touch()
    np.savez("other.npz", a=np.zeros(3))
    return tmp_path


def records(name, *flags):
    return ["records", f"--structures={name}", "--out=new", *flags]


# Mistake: command line, what came, what was expected, what to type.
MISTAKES = {
    "wrong command": (["trian"], "'trian'", "Expected one of", "Did you mean train?"),
    "wrong flag": (
        ["train", "--variant=joint3d", "--batchsize=3"],
        "--batchsize",
        "--batch_size",
        "train --help",
    ),
    "missing flag": (["generate"], "--out is missing", "samples (.npz)", "where to write"),
    "missing steps": (
        ["basin_hopping", "--out=a.extxyz"],
        "--steps: ",
        "Trials of each chain",
        "basin_hopping --help",
    ),
    "wrong ending": (["generate", "--out=s.txt"], "s.txt", "must end in", ".npz"),
    "text for a number": (["generate", "--out=s.npz", "--count=many"], "'many'", "int", "--count"),
    "wrong variant": (["train", "--variant=joint"], "'joint'", "Expected one of", "joint3d"),
    "wrong backend": (
        ["train", "--variant=joint3d", "--backend=pytorch"],
        "'pytorch'",
        "tensorflow, jax, torch",
        "Did you mean 'torch'?",
    ),
    "wrong calculator": (
        ["relax", "--structures=slab.extxyz", "--out=a.extxyz", "--calculator=chgnt"],
        "'chgnt'",
        "Expected 'chgnet'",
        "module:callable",
    ),
    "wrong bundled file": (
        ["phase_diagram", "--structures=bundled:gab", "--out=a"],
        "'gab'",
        "Expected one of: ",
        "Did you mean 'gap'?",
    ),
    "missing file": (records("none.extxyz"), "none.extxyz", "no such file", "existing file"),
    "wrong file": (records("notes.txt"), "notes.txt", "extxyz, db, traj, POSCAR", "ase convert"),
    "empty file": (records("empty.extxyz"), "empty.extxyz", "Expected at least one", "ase gui"),
    "structures as records": (
        ["train", "--variant=lattice2d", "--records=slab.extxyz"],
        "slab.extxyz is a file",
        "expected a folder of records",
        "data_prep records --structures=slab.extxyz --out=tfrecords/mine",
    ),
    "no records": (
        ["train", "--variant=lattice2d", "--records=none"],
        "none does not exist",
        "records folder",
        "data_prep records --out=none",
    ),
    "no run": (
        ["generate", "--run=none", "--out=s.npz"],
        "none",
        "trained run",
        "train --variant=lattice2d --run=none",
    ),
    "structures as samples": (
        ["backmap", "--samples=slab.extxyz", "--out=a.extxyz"],
        "slab.extxyz",
        "no .npz",
        "a file of `generate`",
    ),
    "other arrays as samples": (
        ["backmap", "--samples=other.npz", "--out=a.extxyz"],
        "only: a",
        "`grid`",
        "--samples",
    ),
    "no energies": (records("slab.extxyz"), "no energy", "need one each", "--num_classes=0"),
    "no energies to compare": (
        ["phase_diagram", "--structures=slab.extxyz", "--out=a"],
        "have no energy",
        "Compute energies first",
        "keras_ruo2 relax",
    ),
    "vacuum along x": (
        records("vacuum_along_x.extxyz"),
        "across its first cell vector",
        "Expected it across the third",
        "[1, 2, 0]",
    ),
    "lengths in nm": (records("nm.extxyz"), "0.19 Å apart", "in nm?", "times 10"),
    "lengths in Bohr": (records("bohr.extxyz"), "3.7 Å apart", "in Bohr radii?", "times 0.529"),
    "fractional occupancies": (
        records("partial.cif"),
        "partly occupied",
        "ordered structure",
        "--skip_damaged",
    ),
    "a foreign atom": (records("titanium.extxyz"), "holds Ti", "are Ru, O", "Drop"),
    "another oxide": (records("iridium.extxyz"), "holds Ir", "are Ru, O", "--species"),
    "species upside down": (
        records("slab.extxyz", "--species=O,Ru"),
        "O,Ru",
        "the metal comes first",
        "--species=Ru,O",
    ),
    "no element": (
        records("slab.extxyz", "--species=Ruu,O"),
        "Ruu,O",
        "the metal and the anion",
        "Ir,O",
    ),
    "a molecule": (records("molecule.extxyz"), "(O2)", "three-dimensional cell", "atoms.center("),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_line(mistake, folder):
    words, came, expected, advice = MISTAKES[mistake]
    with pytest.raises(SystemExit) as caught:
        run_command_line("ruo2", COMMANDS | PREPARATION, words)
    message = caught.value.code
    assert isinstance(message, str), "a message makes the exit status 1"
    assert "\n" not in message
    for part in (came, expected, advice):
        assert part in message, message


@pytest.mark.parametrize(
    ("words", "hidden", "extra"),
    [
        (["generate", "--out=s.npz", "--backend=jax"], "jax", "jax"),
        (["screen", "--structures=slab.extxyz", "--out=a.extxyz"], "dscribe", "screen"),
        (["relax", "--structures=slab.extxyz", "--out=a.extxyz"], "chgnet", "energies"),
        (records("slab.extxyz", "--num_classes=0", "--workers=2"), "distributed", "scale"),
        (["train", "--variant=lattice2d", "--tracker=wandb"], "wandb", "wandb"),
    ],
)
def test_a_missing_extra_is_named(words, hidden, extra, folder, monkeypatch):
    find = importlib.util.find_spec

    def without(name, package=None):
        return None if name.partition(".")[0] == hidden else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(SystemExit) as caught:
        run_command_line("ruo2", COMMANDS | PREPARATION, words)
    message = caught.value.code
    assert isinstance(message, str) and "\n" not in message
    assert f"pip install -e '.[{extra}]'" in message


def test_a_crystal_is_taken_with_a_warning(folder, capsys):
    ase.io.write("bulk.extxyz", rutile_ruo2())
    run_command_line("ruo2", PREPARATION, records("bulk.extxyz", "--num_classes=0"))
    told = capsys.readouterr().err
    assert "crystals without surfaces, but were taken" in told
    assert "For slabs add a vacuum along z: atoms.center(vacuum=6, axis=2)" in told


def test_selective_dynamics_are_no_obstacle(folder, slab, capsys):
    slab.set_constraint(FixAtoms([0, 1]))
    ase.io.write("POSCAR", slab, format="vasp", direct=True)
    assert "Selective" in (folder / "POSCAR").read_text()
    run_command_line("ruo2", PREPARATION, records("POSCAR", "--num_classes=0"))
    assert "128 records of 1 structures" in capsys.readouterr().out
