"""The experiments on reliability that no other test runs."""

import importlib.util
import json
import sys

import numpy as np
import pytest

from experiments.reliability import fuzz, kills, long_training, reproducing, stream
from keras_ruo2.io.state import parse_state


def test_memory_of_readers_is_told_in_one_line_of_json(capfd):
    stream.main(counts=(7,), screened=(3,))
    lines = capfd.readouterr().out.splitlines()
    found = json.loads(lines[-1])
    assert {name: [row["count"] for row in rows] for name, rows in found.items()} == {
        **{"records": [7], "screen": [7], "verdicts": [3]}
    }
    assert all(50 < row["max_rss_mb"] < 4000 for rows in found.values() for row in rows)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of ASE's files
@pytest.mark.parametrize("name", fuzz.READERS)
def test_what_would_be_fuzzed_takes_any_bytes_and_begins_with_a_whole_file(name, tmp_path):
    target, content = fuzz.prepared(name, tmp_path)
    rng = np.random.default_rng(0)
    frame = b"2\n\nRu 0 0 0\nO 0 0 1\n"
    for some in (b"", b"{}", frame, rng.bytes(100), content[: len(content) // 2]):
        target(some)
    (tmp_path / "whole again").mkdir()
    prepare = fuzz.in_file if name in fuzz.FILES else fuzz.in_folder
    read, content = prepare(name, tmp_path / "whole again")
    read(content)  # which raises what a reader refuses


def test_a_fault_of_a_reader_ends_the_fuzzing(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "reader_of", lambda _: lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fuzz.prepared("extxyz", tmp_path)[0](b"")


def test_values_are_fuzzed_under_a_right_checksum(tmp_path):
    changed = fuzz.as_state("settings.json", b'{"seed": 7, "seal": 1}')
    assert parse_state(changed, "settings.json", "") == {"seed": 7}


def test_without_atheris_nothing_is_fuzzed(capsys):
    if importlib.util.find_spec("atheris"):
        pytest.skip("atheris is installed")
    assert fuzz.main(["--reader=extxyz"]) == 0
    assert "atheris is not installed" in capsys.readouterr().out
    assert fuzz.main(["--reader=other"]) == 2


def found_by(records="a", shift=0.0, kinds=("first", "last", "update")):
    values = {f"{kind}/{case}/0": np.ones(3) for kind in kinds for case in reproducing.NETWORKS}
    values |= {name: value + [0, 0, shift] for name, value in values.items()}
    return values | {"records": np.array(records)}


def test_what_differs_by_setting_is_told_beside_the_first_one_of_its_backend():
    rows = {
        reproducing.FIRST: found_by(),
        "TensorFlow, oneDNN off": found_by(shift=0.25),
        "JAX": found_by(shift=-0.5),
        "JAX, XLA up to AVX2": found_by(shift=-0.25),
        "NumPy up to AVX2": {"records": np.array("b")},
    }
    lines = reproducing.trained_table(rows, 5).splitlines()
    assert lines[2:] == [
        "| TensorFlow | same bytes | same | same | same | same |",
        "| TensorFlow, oneDNN off | same bytes | 2.5e-01 | 2.5e-01 | 2.5e-01 | 2.5e-01 |",
        "| JAX | same bytes | same | same | same | same |",
        "| JAX, XLA up to AVX2 | same bytes | 2.5e-01 | 2.5e-01 | 2.5e-01 | 2.5e-01 |",
        "| NumPy up to AVX2 | other bytes | - | - | - | - |",
    ]
    assert reproducing.updated_table(rows).splitlines()[2:] == [
        "| TensorFlow, oneDNN off | 2.5e-01 | 2.5e-01 |",
        "| JAX | 5.0e-01 | 5.0e-01 |",
        "| JAX, XLA up to AVX2 | 2.5e-01 | 2.5e-01 |",
    ]


def test_a_process_of_a_setting_gives_a_checksum_of_records_and_what_was_kept_is_read(tmp_path):
    for _ in range(2):
        found = reproducing.found_by("NumPy up to AVX2", 1, tmp_path)
        assert len(str(found["records"])) == 64
        np.savez(tmp_path / "NumPy up to AVX2.npz", records=np.array("k" * 64))
    assert str(found["records"]) == "k" * 64


def kill_row(signal, number=0, faults=()):
    known = {"command": "relax", "seed": 0, "seconds": 2.0, "share": 0.5, "met": True, "said": ""}
    return known | {"signal": signal, "number": number, "faults": list(faults)}


def test_kills_that_are_kept_are_counted_and_not_repeated(tmp_path, monkeypatch):
    path = tmp_path / "kept"
    done = kills.Kept(path)
    for number in range(2):
        for signal in ("SIGKILL", "SIGTERM", "SIGINT"):
            bad = ["a is left over"] if (signal, number) == ("SIGINT", 1) else []
            done.add(kill_row(signal, number, bad))
    monkeypatch.setattr(kills, "undisturbed", None)
    assert kills.main(each=2, only="relax", kept=path) == 1
    assert kills.table(kills.Kept(path).rows).splitlines()[2:] == [
        "| relax | 2.0 | SIGKILL | 2 | 2 | 0 |",
        "| relax | 2.0 | SIGTERM | 2 | 2 | 0 |",
        "| relax | 2.0 | SIGINT | 2 | 2 | 1 |",
        "relax, SIGINT at 0.50: a is left over",
    ]


def test_a_long_training_that_is_ended_tells_what_was_seen(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(long_training, "EVERY", 0.01)
    monkeypatch.setattr(long_training, "PARTS", 2)
    looks = iter(range(40))

    def look(pid, run):
        number = next(looks, None)
        if number is None:
            raise KeyboardInterrupt
        return 100.0 + number, 5, 3, 10 * number

    monkeypatch.setattr(long_training, "look", look)
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    seen = long_training.watch(command, tmp_path)
    assert seen.shape == (40, 5) and seen[-1, 1:].tolist() == [139, 5, 3, 390]
    long_training.tell(seen, 0)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[1] for line in lines[2:4]] == ["119", "139"]
    assert lines[-1].startswith("390 steps; memory +")


def test_a_long_training_that_fails_says_why(tmp_path):
    with pytest.raises(SystemExit, match="no such thing"):
        long_training.watch([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path)
