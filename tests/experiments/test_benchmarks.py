"""Every benchmark runs in a tiny setting and its fast way gives what its slow one does."""

import json

import pytest

from experiments.benchmarks.__main__ import BENCHMARKS, main, run, table
from experiments.benchmarks.machine import core_seconds, processor

EXACT = 1e-5  # float32 sums


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_prints_one_json_line_with_figures_and_machine(name, capsys, tmp_path):
    assert main(["--tiny", "--only", name, f"--out={tmp_path / 'table.md'}"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[0])
    assert row["name"] == name
    assert {"figures", "versions", "cores", "processor"} <= set(row)
    figures = row["figures"] | row["figures"].get("onednn_on", {})
    assert figures["largest_difference"] < EXACT
    assert f"| {name} | largest difference |" in (tmp_path / "table.md").read_text() or (
        f"| {name} | onednn on largest difference |" in (tmp_path / "table.md").read_text()
    )


def test_a_benchmark_that_fails_is_told(monkeypatch, capsys):
    monkeypatch.setitem(BENCHMARKS, "voxelise", (["voxelise", "--atoms=none"], []))
    assert main(["--only", "voxelise"]) == 1
    assert "voxelise failed" in capsys.readouterr().err


def test_the_table_has_a_row_for_each_figure():
    rows = {"a": {"figures": {"one_two": 1, "on": {"three": 3}}}}
    assert table(rows).splitlines()[-2:] == ["| a | one two | 1 |", "| a | on three | 3 |"]


def test_ways_are_timed_in_turns_after_a_first_call_that_does_not_count():
    calls = []
    found = core_seconds({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b", "a", "b", "a", "b"]
    assert set(found) == {"a", "b"} and min(found.values()) >= 0
    assert processor()


def test_help_says_what_is_measured():
    for command, _ in BENCHMARKS.values():
        assert "usage" in run([command[0], "--help"]).stdout
