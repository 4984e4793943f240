import subprocess
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.config import RelaxConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation import batch as command
from keras_ruo2.relaxation.batch import main as relax
from keras_ruo2.structure.layers import bottom_layers
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.thermodynamics.references import common_method, read_slabs

ROOT = Path(__file__).resolve().parents[2]
FAKE = "tests.fakes:Morse"


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(3)
    frames = []
    for name in ("110-stoichiometric", "100-O-rich", "101-O-poor"):
        slab = build_slab(name, a=4.5, c=3.1)
        slab.positions += rng.normal(scale=0.05, size=slab.positions.shape)
        slab.info = {"name": name, "facet": f"({name[:3]})", "failures": "no"}
        frames.append(slab)
    frames.insert(1, Atoms(cell=np.eye(3) * 9, pbc=True, info={"failures": "empty"}))
    frames.insert(3, Atoms("RuO2", np.arange(9).reshape(3, 3), cell=[9, 0, 9]))
    path = tmp_path / "in.extxyz"
    ase.io.write(path, frames)
    return path


def config(file, **values):
    options = {"structures": file, "out": file.with_name("out.extxyz"), "calculator": FAKE}
    return RelaxConfig(**options | {"steps": 6, "fmax": 0.5} | values)


def test_results_stand_in_the_order_of_the_input_whatever_failed(file, capsys):
    relax(config(file, trajectories=file.parent / "steps", calculator="tests.fakes:Nan"))
    found = ase.io.read(file.with_name("out.extxyz"), ":")
    start = ase.io.read(file, ":")
    assert [len(atoms) for atoms in found] == [len(atoms) for atoms in start]
    for one, other in zip(found, start, strict=True):
        assert other.info.items() <= one.info.items()
        np.testing.assert_array_equal(one.numbers, other.numbers)
    failures = [atoms.info["relax_failures"] for atoms in found]
    assert failures[1] == failures[3] == "no_structure"
    assert all(atoms.info["calculator"] == "tests.fakes:Nan" for atoms in found)
    assert {"calculator_version", "correction", "date", "command"} <= set(found[0].info)
    assert found[0].get_forces().shape == (18, 3)
    assert (file.parent / "steps" / "00004.traj").exists()
    printed = capsys.readouterr().out
    assert "5/5" in printed and "/min" in printed and "no_structure 2" in printed
    assert not list(file.parent.glob("*partial*"))


def test_frozen_layers_are_the_same_text_in_the_file(file):
    relax(config(file, frozen_layers=1))
    start, found = (ase.io.read(path, 0) for path in (file, file.with_name("out.extxyz")))
    frozen = bottom_layers(start, 1)
    assert found.positions[frozen].tobytes() == start.positions[frozen].tobytes()
    assert not np.array_equal(found.positions, start.positions)


def test_a_folder_is_relaxed_in_the_order_of_its_files(file, tmp_path):
    for number, atoms in enumerate(ase.io.read(file, ":")[:3:2]):
        (tmp_path / "jobs" / str(number)).mkdir(parents=True)
        atoms.info.pop("name")
        ase.io.write(tmp_path / "jobs" / str(number) / "POSCAR", atoms, format="vasp")
    jobs = tmp_path / "jobs" / "*" / "POSCAR"
    relax(config(jobs, steps=1, out=tmp_path / "out.extxyz"))
    found = ase.io.read(tmp_path / "out.extxyz", ":")
    assert [atoms.info["name"] for atoms in found] == ["0-POSCAR-0", "1-POSCAR-0"]
    assert [len(atoms) for atoms in found] == [18, 14]


def test_names_may_be_numbers(file):
    frames = ase.io.read(file, ":")[:3:2]
    for number, atoms in enumerate(frames):
        atoms.info["name"] = number
    ase.io.write(file, frames)
    relax(config(file, steps=1))
    found = ase.io.read(file.with_name("out.extxyz"), ":")
    assert [str(atoms.info["name"]) for atoms in found] == ["0", "1"]


def test_results_do_not_go_among_what_is_read(file, tmp_path, monkeypatch):
    for structures in (tmp_path, tmp_path / "*.extxyz"):
        with pytest.raises(ConfigError, match="out.extxyz would be among --structures="):
            config(structures, out=tmp_path / "out.extxyz")
    config(tmp_path / "i*.extxyz", out=tmp_path / "out.extxyz")
    config(tmp_path / "*.extxyz", out=tmp_path / "sub" / "out.extxyz")
    (tmp_path / "[odd]").mkdir()
    monkeypatch.chdir(tmp_path / "[odd]")
    ase.io.write("in.extxyz", ase.io.read(file))
    with pytest.raises(ConfigError, match="out.extxyz would be among --structures="):
        config(Path("*.extxyz"), out=Path("out.extxyz"))


def test_a_phase_diagram_takes_those_that_are_relaxed(file, capsys):
    relax(config(file))
    slabs = read_slabs(file.with_name("out.extxyz"))
    assert [len(slab) for slab in slabs] == [18, 14, 14]
    common_method(slabs)
    assert "left out 2 structures whose relaxation failed: no_st" in capsys.readouterr().out


def test_a_killed_command_goes_on_and_repeats_nothing(file, tmp_path, monkeypatch, capsys):
    """`kill -9` in the middle of the third structure; the first ones are not computed again."""
    calls = tmp_path / "calls"
    calls.write_text("9")  # the first slab takes 7 calls, the empty frame none
    flags = {"structures": file, "out": tmp_path / "out.extxyz", "steps": 6, "fmax": 1e-6}
    command = [sys.executable, "-m", "keras_ruo2", "relax", "--calculator=tests.fakes:Killing"]
    command += [f"--{name}={value}" for name, value in flags.items()]
    monkeypatch.setenv("KILL_AT", str(calls))
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == -9
    assert not (tmp_path / "out.extxyz").exists()
    partial = tmp_path / "out.partial.extxyz"
    before = partial.read_bytes()
    calls.write_text("1000")
    relax(config(file, calculator="tests.fakes:Killing", fmax=1e-6))
    assert "going on after 2 of 5 structures" in capsys.readouterr().out
    assert int(calls.read_text()) == 1000 - 2 * 7
    assert (tmp_path / "out.extxyz").read_bytes().startswith(before)
    relax(config(file, fmax=1e-6, out=tmp_path / "whole.extxyz"))
    whole, resumed = (ase.io.read(tmp_path / f"{name}.extxyz", ":") for name in ("whole", "out"))
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(one.positions, other.positions)


def test_partial_results_of_other_settings_are_not_mixed_in(file, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(command.Progress, "step", stop)
    with pytest.raises(KeyboardInterrupt):
        relax(config(file))
    with pytest.raises(ConfigError, match="was begun with fmax = 0.5, not 0.1"):
        relax(config(file, fmax=0.1))
    file.with_name("out.partial.json").unlink()
    with pytest.raises(ConfigError, match="which says how it was made"):
        relax(config(file))


def test_bad_input_is_refused_before_anything_is_written(file, monkeypatch):
    out = file.with_name("out.extxyz")
    with pytest.raises(ConfigError, match="Unknown calculator 'gromacs'"):
        relax(config(file, calculator="gromacs"))
    monkeypatch.setattr(command, "check_calculator", lambda name: None)
    monkeypatch.setattr("keras_ruo2.io.memory.free_memory", lambda: 510_000_000)
    with pytest.raises(ConfigError, match="3 atoms is too large: chgnet needs 6.5 MB an atom"):
        relax(config(file, calculator="chgnet"))
    assert not list(file.parent.glob("out*"))
    for message, flags in (
        ("Unknown optimiser 'fier'.*Did you mean 'fire'", {"optimiser": "fier"}),
        ("--steps is -1", {"steps": -1}),
        ("must end in .extxyz", {"out": file.with_name("out.xyz")}),
        ("no such file", {"structures": file.with_name("none.extxyz")}),
    ):
        with pytest.raises(ConfigError, match=message):
            config(file, **flags)
    out.write_text("precious")
    with pytest.raises(ConfigError, match="exists. Choose another file or add --overwrite"):
        config(file)


def test_structures_that_cannot_be_meant_are_not_worked_on(file):
    tiny, slab = (build_slab("110-stoichiometric", a=4.5, c=3.1) for _ in range(2))
    tiny.set_cell(slab.cell.array / 10, scale_atoms=True)
    wet = slab + Atoms("H", [slab.positions.max(axis=0) + 1])
    for frame, message in ((tiny, "wrong_units.*Are its lengths in nm"), (wet, "it is HO12Ru6")):
        ase.io.write(file, frame)
        with pytest.raises(ConfigError, match=f"none of 1 structures can be relaxed.*{message}"):
            relax(config(file))
    ase.io.write(file, [tiny, slab, wet])
    relax(config(file))
    found = ase.io.read(file.with_name("out.extxyz"), ":")
    failures = [atoms.info["relax_failures"] for atoms in found]
    assert failures[::2] == ["wrong_units", "other_elements"]
    assert found[1].get_potential_energy() < 0
