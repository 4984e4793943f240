"""Every benchmark runs in a tiny setting and its fast way gives what its slow one does."""

import json

import pytest

from experiments.benchmarks.__main__ import BENCHMARKS, flatten, main, run, table
from experiments.benchmarks.growth import fit
from experiments.benchmarks.machine import core_seconds, processor

EXACT = 1e-5  # float32 sums
SAME_UPDATE = 1e-4  # of a whole step, over the largest change of a weight
# What must agree, and how well.
DIFFERENCES = {
    "largest_difference": EXACT,
    "update_difference": SAME_UPDATE,
    "adam_difference": SAME_UPDATE,
    "verdicts_differ": 1,
    "energies_differ_eV": 1e-6,
}
FIGURES = {  # of benchmarks that do not compare two ways
    "growth": "voxelise by atoms exponent",
    "starting": "help over python",
    "building": "gap2d seconds on two cores",
    "reading_lattice2d": "times what the step eats",
    "reading_joint3d": "times what the step eats",
    "drawing": "slabs a second and core",
    "backmapping": "clean compositions right",
    "standing": "peak gigabytes last step",
    "slow_machine": "--arch=waves --width=2 steps",
}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_prints_one_json_line_with_figures_and_machine(name, capsys, tmp_path):
    assert main(["--tiny", "--only", name, f"--out={tmp_path / 'table.md'}"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[0])
    assert row["name"] == name
    assert {"figures", "versions", "cores", "processor"} <= set(row)
    figures = dict(flatten(row["figures"]))
    assert f"| {name} | " in (tmp_path / "table.md").read_text()
    if name in FIGURES:
        assert figures[FIGURES[name]] > 0
        return
    apart = {
        known: value
        for known in DIFFERENCES
        for figure, value in figures.items()
        if figure.endswith(known.replace("_", " "))
    }
    assert apart
    assert all(value < DIFFERENCES[known] for known, value in apart.items()), apart


def test_an_exponent_is_that_of_a_power_law_and_its_error_that_of_the_scatter():
    sizes = [10, 20, 40, 80]
    exact = fit(sizes, [1e-3 * n**1.5 for n in sizes])
    assert exact["exponent"] == 1.5 and exact["error"] == 0
    scattered = fit(sizes, [1e-3 * n**1.5 * f for n, f in zip(sizes, (1, 2, 1, 2), strict=True)])
    assert scattered["error"] > 0.2


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
