"""What a file brings survives: round trips over keys and values of every kind."""

import itertools

import ase.io
import numpy as np
import pytest

from keras_ruo2.io.extxyz import json_value, packed
from keras_ruo2.io.frames import append_frame, read_frames, whole_frames, write_frames
from keras_ruo2.io.structures import read_structures
from keras_ruo2.structure.cells import with_energy

TEXTS = ["", " ", "a b", "  ends  ", 'say "x"', "it's", "a=b", "=", "Δμ_O ≈ −1 eV", "110", "T"]
TEXTS += ["1 2 3", "{x}", "[1,2]", "C:\\new", 'mixed "\\" = {', "two\nlines", "nan", "F T", "_JSON"]
TEXTS += ["_JSON [1", "a, b", "tab\there", "True", "1e5", "\\", '"', "'", "#", "None", "a\r\nb"]
VALUES = [*TEXTS, None, True, False, 0, -3, 1.5, float("inf"), 10**25, 1e-300, np.float32(0.1)]
VALUES += [np.int64(7), np.bool_(True), [], [1, 2], [1.0, 2], [1, None], ["a", ""], ["a b", "="]]
VALUES += [[[1], [2, 3]], [True, False], (1, 2), {}, {"a": {"b": [1, "x y"]}}, np.eye(3)]
VALUES += [np.eye(2)]
VALUES += [np.array([5]), np.array(["a", "b c"]), np.arange(9.0), [[]], [None], ["1", "2"]]
KEYS = [
    "site",
    "a b",
    "a=b",
    "",
    "Δμ",
    "1st",
    "a-b",
    "pbc",
    "Lattice",
    "stress",
    "energy",
    "virial",
]
KEYS += ["virial", "uid", "species"]
KEYS += ['k"q', "k'", "a.b", "Properties", "magmoms", "x:y", "[k]", "\\"]
AFTER = {"valid": True, "reasons": "no"}


def equal(one, other):
    assert list(one) == list(other)
    for key in one:
        texts = isinstance(one[key], str), isinstance(other[key], str)
        assert texts[0] == texts[1], key
        np.testing.assert_equal(json_value(one[key]), json_value(other[key]), err_msg=key)


def by_every_way(atoms, tmp_path):
    write_frames(tmp_path / "w.extxyz", [atoms, atoms])
    (tmp_path / "a.extxyz").unlink(missing_ok=True)
    append_frame(tmp_path / "a.extxyz", atoms)
    yield from read_structures(tmp_path / "w.extxyz")
    yield from whole_frames(tmp_path / "a.extxyz")
    yield from read_frames(tmp_path / "w.extxyz")


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_value_comes_back_and_takes_nothing_else_along(value, slab, tmp_path):
    slab.info = {"before": "x", "value": value, **AFTER}
    for found in by_every_way(slab, tmp_path):
        equal(dict(sorted(found.info.items())), dict(sorted(slab.info.items())))


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_every_key_comes_back_and_results_stay_what_they_are(key, slab, tmp_path):
    for value in ("", "a b", 3, [1, 2]):
        slab.info = {"before": "x", key: value, **AFTER}
        for found in by_every_way(slab, tmp_path):
            equal(dict(sorted(found.info.items())), dict(sorted(slab.info.items())))
            assert found.get_potential_energy() == slab.get_potential_energy()


def test_any_mixture_of_keys_and_values_comes_back(slab, tmp_path, rng):
    for _ in range(100):
        keys = rng.choice(len(KEYS), 6, replace=False)
        values = rng.choice(len(VALUES), 6)
        slab.info = {KEYS[k]: VALUES[v] for k, v in zip(keys, values, strict=True)}
        for found in itertools.islice(by_every_way(slab, tmp_path), 3):
            equal(dict(sorted(found.info.items())), dict(sorted(slab.info.items())))


ARRAYS = {
    "site": ["", "on top", "a=b"] * 6,
    "word": ["cus", "bridge", "Δ"] * 6,
    "a b": np.arange(18),
    "x:y": np.linspace(0, 1, 18),
    "forces": np.ones((18, 3)),
    "one": np.arange(18.0)[:, None],
    "tensor": np.arange(162.0).reshape(18, 3, 3),
    "flag": np.arange(18) % 2 == 0,
    "mixed": np.array([None, "x", 1] * 6, dtype=object),
    "unsigned": np.arange(18, dtype=np.uint8),
    "vector": np.arange(54.0).reshape(18, 3),
    "species": np.arange(18),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_every_array_comes_back(name, slab, tmp_path):
    slab.arrays[name] = np.asarray(ARRAYS[name])
    for found in by_every_way(slab, tmp_path):
        np.testing.assert_array_equal(found.arrays[name], slab.arrays[name])
        assert found.arrays[name].shape == slab.arrays[name].shape
        assert set(found.arrays) == set(slab.arrays)
        np.testing.assert_allclose(found.positions, slab.positions, atol=1e-8)


def test_empty_values_of_files_by_others_do_not_swallow_what_follows(slab, tmp_path):
    """ASE writes `species= valid=T`, and reads it as a species "valid=T"."""
    slab.info = {"species": "", "valid": True, "note": "site= x", "site": "", "last": ""}
    ase.io.write(tmp_path / "s.extxyz", slab)
    assert "species= valid=T" in (tmp_path / "s.extxyz").read_text()
    (found,) = read_structures(tmp_path / "s.extxyz")
    equal(dict(sorted(found.info.items())), dict(sorted(slab.info.items())))


def test_other_programs_read_what_is_written(slab, tmp_path):
    slab.info = {"name": "110", "empty": "", "valid": True, "facet": [1, 1, 0]}
    write_frames(tmp_path / "s.extxyz", [with_energy(slab, -3.0)])
    found = ase.io.read(tmp_path / "s.extxyz")
    assert found.info["name"] == "110" and found.info["empty"] == ""
    assert found.info["valid"] is True and list(found.info["facet"]) == [1, 1, 0]
    assert found.get_potential_energy() == -3.0


def test_packing_leaves_the_structure_alone(slab):
    slab.info, slab.arrays["site"] = {"": 1}, np.array([""] * 18)
    packed(slab)
    assert slab.info == {"": 1} and "site" in slab.arrays
