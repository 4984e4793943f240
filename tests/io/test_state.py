import json
import os

import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.fields import check_fields, integer, listed
from keras_ruo2.io.state import Grown, atomic_write_bytes, read_state, write_state
from tests.damage import damaged

VALUES = {"shape": [1, 2.5, None], "text": "Rü", "deep": {"7": True, "energy": float("nan")}}
ADVICE = "Delete it to start anew."


def test_what_was_written_comes_back(tmp_path):
    write_state(tmp_path / "s.json", VALUES)
    assert repr(read_state(tmp_path / "s.json", ADVICE)) == repr(VALUES)
    assert [path.name for path in tmp_path.iterdir()] == ["s.json"]


def test_damage_is_refused_by_name_or_changes_nothing(tmp_path, rng):
    path = tmp_path / "s.json"
    write_state(path, VALUES | {"names": [f"slab-{k}" for k in range(50)]})
    content, whole_values = path.read_bytes(), repr(read_state(path, ADVICE))
    refused = 0
    for changed in damaged(content, 300, rng):
        path.write_bytes(changed)
        try:
            found = read_state(path, ADVICE, unsealed=lambda v: set(v) <= set(VALUES))
        except ConfigError as error:
            refused += 1
            assert "s.json" in str(error) and ADVICE in str(error) and "\n" not in str(error)
        else:
            assert repr(found) == whole_values
    assert refused > 250


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("[" * 100_000, "cannot be read"),
        ("[1]", "holds list"),
        ('{"a": 1}', "has no seal"),
        ('{"seal": 1, "a": 1}', "not what its seal says"),
        ('{"seal": {"version": 9}, "a": 1}', "of a newer version"),
    ],
)
def test_what_is_no_state_is_refused(tmp_path, content, message):
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(ConfigError, match=message):
        read_state(tmp_path / "s.json", ADVICE)


def test_a_file_of_an_earlier_version_is_read_with_a_word(tmp_path, capsys):
    (tmp_path / "s.json").write_text(json.dumps({"a": 1}))
    for _ in range(2):
        assert read_state(tmp_path / "s.json", ADVICE, unsealed=lambda v: set(v) == {"a"}) == {
            "a": 1
        }
    assert capsys.readouterr().err.count("has no seal") == 1


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    atomic_write_bytes(tmp_path / "s", b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic_write_bytes(tmp_path / "s", b"new")
    assert (tmp_path / "s").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_growing_file_is_cut_to_what_was_noted_and_proves_that(tmp_path):
    grown = Grown(tmp_path / "g")
    grown.append(b"first")
    note = grown.note()
    grown.append(b"second")
    again = Grown(tmp_path / "g")
    again.take_up(note["size"], note["sha256"], ADVICE)
    again.append(b" and last")
    assert (tmp_path / "g").read_bytes() == b"first and last"
    assert again.note() == {"size": 14, "sha256": again.sum.hexdigest()}
    (tmp_path / "g").write_bytes(b"fIrst")
    with pytest.raises(ConfigError, match="g is damaged.*Delete it"):
        Grown(tmp_path / "g").take_up(note["size"], note["sha256"], ADVICE)
    (tmp_path / "g").write_bytes(b"fi")
    with pytest.raises(ConfigError, match="has 2 bytes, 5 were written"):
        Grown(tmp_path / "g").take_up(note["size"], note["sha256"], ADVICE)


def test_what_was_not_appended_whole_is_dropped(tmp_path, monkeypatch):
    grown = Grown(tmp_path / "g")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        grown.append(b"first")
    assert not (tmp_path / "g").exists()
    monkeypatch.undo()
    grown.append(b"first")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        grown.append(b"second")
    assert (tmp_path / "g").read_bytes() == b"first"


def test_a_wrong_kind_of_value_is_named():
    kinds = {"shape": listed(integer(1, 9), most=2)}
    check_fields({"shape": [1, 9]}, kinds, "x.json", ADVICE)
    for value in ([0], [1, 2, 3], "12", [True], [1.0], None):
        with pytest.raises(ConfigError, match=r"x.json cannot be used: `shape` is .*a list of"):
            check_fields({"shape": value}, kinds, "x.json", ADVICE)
    with pytest.raises(ConfigError, match="x.json lacks `shape`"):
        check_fields({}, kinds, "x.json", ADVICE)
