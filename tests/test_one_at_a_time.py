"""Two commands on one output: one works, the other says so in a line and does nothing."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import ase.io
import pytest

import data_prep.__main__
import keras_ruo2.__main__
from keras_ruo2 import cli
from keras_ruo2.io.locks import lock_of, one_at_a_time, only_user
from tests.damage_cases import make_records, slabs

PROGRAMS = {
    "keras_ruo2": keras_ruo2.__main__.COMMANDS,
    "data_prep": data_prep.__main__.COMMANDS,
}
FAKE = "--calculator=tests.fakes:Morse"
RUN, NOTHING = "--model=joint3d", "--samples=samples.npz"
SLABS = "--structures=slabs.extxyz"
# Words of each command that writes, its output last.
WORDS = {
    "train": ("--variant=lattice2d", "--records=records", "--run=run"),
    "generate": (RUN, "--count=2", "--out=drawn.npz"),
    "evaluate": (RUN, "--out=scores"),
    "backmap": (NOTHING, "--out=atoms.extxyz"),
    "relax": (SLABS, FAKE, "--out=relaxed.extxyz"),
    "screen": (SLABS, "--out=screened.extxyz"),
    "phase_diagram": ("--out=diagram",),
    "discover": (RUN, FAKE, "--bulk_energy=-20", "--oxygen_energy=-5", "--out=found"),
    "gallery": (RUN, "--out=shown"),
    "basin_hopping": (FAKE, "--steps=1", "--a=4.5", "--c=3.1", "--out=search.extxyz"),
    "export": ("--run=no_run", "--out=small"),
    "gap": (FAKE, "--out=gap.extxyz"),
    "records": (SLABS, "--out=r"),
    "references": (FAKE, "--out=references.extxyz"),
    "replay": (SLABS, "--out=replay.extxyz"),
    "search_report": (SLABS, "--out=report"),
    "thin": (SLABS, "--out=thin.extxyz.xz"),
}
# Of what goes on where it was interrupted the folder of its parts is held.
OF_PARTS = {"basin_hopping": Path("search.chains/lock"), "records": Path("r.partial/lock")}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    make_records(folder)
    (folder / "samples.npz").write_bytes(b"")
    return folder


def program_of(command):
    """Return the program that a command belongs to."""
    return next(name for name, commands in PROGRAMS.items() if command in commands)


def held(command, out):
    """Hold what a command would hold."""
    if command not in OF_PARTS:
        return one_at_a_time(out)
    OF_PARTS[command].parent.mkdir()
    return only_user(OF_PARTS[command])


def files():
    """Return all files and folders below the working folder."""
    return sorted(str(path) for path in Path().rglob("*"))


def test_every_command_that_writes_is_tried_here():
    writing = set()
    for commands in PROGRAMS.values():
        for name, command in commands.items():
            fields = {field.name for field in dataclasses.fields(command.config)}
            writing |= {name} if "out" in fields or name == "train" else set()
    assert writing == set(WORDS)


@pytest.mark.parametrize("command", WORDS)
def test_a_command_says_that_another_one_has_its_output(command, inputs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in inputs.iterdir():
        (tmp_path / path.name).symlink_to(path)
    program = program_of(command)
    out = Path(WORDS[command][-1].partition("=")[2])
    with held(command, out):
        before = files()
        with pytest.raises(SystemExit) as refused:
            cli.run_command_line(program, PROGRAMS[program], [command, *WORDS[command]])
        assert [name for name in files() if name != str(out)] == before
        assert not out.is_file() and not (out.is_dir() and any(out.iterdir()))
    assert f"{program}: Another command is working " in str(refused.value)
    assert str(refused.value).endswith(" Wait for it, or end it.")
    assert "\n" not in str(refused.value)


def test_of_two_processes_at_once_one_writes_and_the_other_says_so(tmp_path):
    ase.io.write(tmp_path / "slabs.extxyz", slabs(24))
    words = "-m keras_ruo2 screen --structures=slabs.extxyz --out=new/out.extxyz --overwrite"
    marked = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    both = [
        subprocess.Popen(
            [sys.executable, *words.split()],
            cwd=tmp_path,
            env=marked,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [process.communicate()[1] for process in both]
    ends = [process.returncode for process in both]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        *("out.csv", "out.extxyz", "out.json")
    ]
    assert len(ase.io.read(tmp_path / "new/out.extxyz", ":")) == 24
    assert 0 in ends
    if 1 in ends:  # else the first had ended before the second began
        assert told[ends.index(1)] == (
            "python -m keras_ruo2: Another command is working on new/out.extxyz. Wait for it, or "
            "end it.\n"
        )


def test_a_lock_leaves_neither_files_nor_folders_even_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="in between"), one_at_a_time(tmp_path / "a/b/out"):
        assert lock_of(tmp_path / "a/b/out").exists()
        raise ValueError("in between")
    assert not list(tmp_path.iterdir())


def test_two_ways_to_one_folder_are_one_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("link").symlink_to("folder")
    with one_at_a_time("folder"):
        for other in ("link", "./folder", tmp_path / "folder"):
            with pytest.raises(cli.ConfigError, match="Another command"), one_at_a_time(other):
                pass
    monkeypatch.chdir("folder")
    with one_at_a_time("."):
        assert (tmp_path / ".folder.lock").exists()


def test_a_folder_beside_which_nothing_can_be_written_is_locked_within(tmp_path, monkeypatch):
    out = tmp_path / "mounted"
    out.mkdir()
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)
    with one_at_a_time(out):
        assert [path.name for path in out.iterdir()] == [".lock"]
        with pytest.raises(cli.ConfigError, match="Another command"), one_at_a_time(out):
            pass
    assert not list(out.iterdir())


def test_a_lock_file_that_was_removed_while_it_was_waited_for_is_no_lock(tmp_path, monkeypatch):
    """Its last holder removes it: who has opened it before must not count as the next one."""
    import fcntl

    path, flock, asked = tmp_path / "lock", fcntl.flock, []

    def late(file, how):
        if not asked:
            path.unlink()
        asked.append(file)
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with only_user(path, removed=True):
        assert path.exists()
        assert len(asked) == 2
        with pytest.raises(cli.ConfigError, match="Another command"), only_user(path):
            pass
    assert not path.exists()
