"""The experiments on reliability that no other test runs."""

import importlib.util
import json

import numpy as np
import pytest

from experiments.reliability import fuzz, stream


def test_memory_of_readers_is_told_in_one_line_of_json(capfd):
    stream.main(counts=(7,), screened=(3,))
    lines = capfd.readouterr().out.splitlines()
    found = json.loads(lines[-1])
    assert {name: [row["count"] for row in rows] for name, rows in found.items()} == {
        **{"records": [7], "screen": [7], "verdicts": [3]}
    }
    assert all(50 < row["max_rss_mb"] < 4000 for rows in found.values() for row in rows)


@pytest.mark.parametrize("name", fuzz.ENDINGS)
def test_what_would_be_fuzzed_takes_any_bytes(name, tmp_path):
    target, rng = fuzz.target_of(name, tmp_path), np.random.default_rng(0)
    for content in (b"", b"2\n\nRu 0 0 0\nO 0 0 1\n", rng.bytes(100)):
        target(content)


def test_a_fault_of_a_reader_ends_the_fuzzing(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "reader_of", lambda _: lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fuzz.target_of("extxyz", tmp_path)(b"")


def test_without_atheris_nothing_is_fuzzed(capsys):
    if importlib.util.find_spec("atheris"):
        pytest.skip("atheris is installed")
    assert fuzz.main(["--reader=extxyz"]) == 0
    assert "atheris is not installed" in capsys.readouterr().out
    assert fuzz.main(["--reader=other"]) == 2
