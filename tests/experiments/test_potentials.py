"""The scripts of experiment 013, with a calculator that takes milliseconds."""

import importlib.util
from pathlib import Path

import ase.io
import numpy as np
import pytest

from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab
from tests.fakes import Morse

FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "013_potentials"


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def file(tmp_path):
    slabs = [build_slab(f"110-{kind}", a=4.5, c=3.1) for kind in ("stoichiometric", "O-rich")]
    slabs = [with_energy(slab, -10.0 - number) for number, slab in enumerate(slabs)]
    ase.io.write(tmp_path / "slabs.extxyz", slabs)
    return tmp_path / "slabs.extxyz"


def add_columns(monkeypatch, file):
    arguments = ["columns.py", f"--structures={file}", "--calculators=tests.fakes:Morse"]
    monkeypatch.setattr("sys.argv", arguments)
    loaded("columns").main()


def test_a_column_holds_single_points_and_changes_nothing_else(monkeypatch, file):
    before = ase.io.read(file, ":")
    add_columns(monkeypatch, file)
    for old, new in zip(before, ase.io.read(file, ":"), strict=True):
        single = old.copy()
        single.calc = Morse()
        assert new.info["energy_Morse"] == pytest.approx(single.get_potential_energy(), abs=1e-5)
        assert new.get_potential_energy() == old.get_potential_energy()
        np.testing.assert_array_equal(new.positions, old.positions)


def test_atoms_too_close_get_no_column(monkeypatch, file):
    slabs = ase.io.read(file, ":")
    slabs[1].positions[0] = slabs[1].positions[1] + [0, 0, 0.5]
    ase.io.write(file, slabs)
    with pytest.raises(SystemExit, match="atoms too close"):
        add_columns(monkeypatch, file)
    assert "energy_Morse" not in file.read_text()


def test_slopes_of_forces_are_those_of_the_second_over_the_first(capsys):
    forces = np.random.default_rng(0).normal(size=30)
    loaded("potentials").compare_forces({"stiff": forces, "soft": 0.5 * forces})
    printed = capsys.readouterr().out
    assert "forces of stiff: 2.00 (1.00) of soft" in printed
    assert "forces of soft: 0.50 (1.00) of stiff" in printed
