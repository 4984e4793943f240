"""The arithmetic of the table; the runs that it makes are tested where they belong."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "experiments" / "benchmarks" / "variants.py"


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("variants_table", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_first_step_is_timed_apart(table):
    rows = [{"seconds": text} for text in ("9.5", "9.7", "10.0", "10.1")]
    found = table.timed(rows)
    assert found["first_step"] == 9.5
    assert found["seconds_per_step"] == pytest.approx(0.2)  # the median of 0.2, 0.3 and 0.1


def test_what_failed_is_told(table, monkeypatch, capsys):
    passed = dict.fromkeys(table.CHECKS, True)
    times = {"first_step": 2.0, "seconds_per_step": 0.25}
    assert table.cells_of(passed | times) == ["0.250 (2.0)", "yes/yes/yes"]
    failed = dict.fromkeys(table.CHECKS, False) | dict.fromkeys(times)
    assert table.cells_of(failed) == ["-", "no/no/no"]
    monkeypatch.setattr("sys.argv", ["variants.py", "--variants=vanilla4d"])
    with pytest.raises(SystemExit):
        table.parse()
    assert "unknown: vanilla4d" in capsys.readouterr().err
