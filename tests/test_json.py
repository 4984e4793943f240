"""--json: the table as JSON on standard output, and nothing else there."""

import json
import subprocess
import sys

import ase.io
import pytest

from keras_ruo2.__main__ import COMMANDS
from keras_ruo2.cli import run_command_line
from keras_ruo2.models.variants import VARIANTS

ON_STANDARD_ERROR = "structures written"


def answer(capsys, commands, *argv):
    run_command_line("keras_ruo2", commands, [*map(str, argv), "--json"])
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def test_variants(capsys):
    found, said = answer(capsys, COMMANDS, "variants")
    assert [row["name"] for row in found["variants"]] == list(VARIANTS)
    defaults = [row["name"] for row in found["architectures"] if row["default_for"]]
    assert defaults == ["atoms"]
    assert "Architectures" in said


def test_screen(capsys, structures, tmp_path):
    pytest.importorskip("dscribe")
    out = tmp_path / "screened.extxyz"
    few = tmp_path / "few.extxyz"
    ase.io.write(few, ase.io.read(structures, ":4"))
    flags = (f"--structures={few}", f"--reference={few}", f"--out={out}")
    found, said = answer(capsys, COMMANDS, "screen", *flags)
    assert found == json.loads(out.with_suffix(".json").read_text())["funnel"]
    assert found[0]["left"] == 4 and ON_STANDARD_ERROR in said


def test_phase_diagram(capsys, tmp_path):
    found, said = answer(capsys, COMMANDS, "phase_diagram", f"--out={tmp_path / 'd'}")
    assert {row["facet"] for row in found} >= {"(110)", "(100)", "(101)"}
    for row in found:
        assert row["from_eV"] < row["to_eV"] <= 0
        assert f"{row['facet']}: " in said and row["name"] in said


def test_table(capsys, structures):
    from data_prep.__main__ import COMMANDS as OTHERS

    found, said = answer(capsys, OTHERS, "table", f"--structures={structures}")
    assert sum(int(row["count"]) for row in found) == 12
    assert "12 structures" in said


def test_without_json_the_table_is_on_standard_output():
    found = subprocess.run(
        [sys.executable, "-m", "keras_ruo2", "variants"], capture_output=True, text=True, check=True
    )
    assert "Architectures" in found.stdout and found.stderr == ""
