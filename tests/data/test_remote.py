"""Copies of records that lie in object storage."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_ruo2.data.description import TRAINING, load_description, verify_shards
from keras_ruo2.data.pipeline import read_sample
from keras_ruo2.data.reader import Records
from keras_ruo2.data.remote import fetch
from keras_ruo2.data.stores import Unreachable, open_store
from keras_ruo2.data.upload import upload
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import RemoteFolder, cache_folder
from tests.sealed import rewrite, values_of

PLACE = RemoteFolder("slabs", "sets/mine")
READ = """
import sys
sys.modules["tensorflow"] = None
import numpy as np
from keras_ruo2.data.description import TRAINING, load_description
from keras_ruo2.data.reader import Records
records = Records(sys.argv[1], load_description(sys.argv[1]), TRAINING)
np.save(sys.argv[2], records.read(range(len(records)))["grid"])
"""


@pytest.fixture
def description(s3, few_records):
    """The description of `few_records`, which lie in object storage."""
    upload(few_records, open_store(PLACE))
    s3.asked.clear()
    return load_description(PLACE)


def test_records_are_the_same_from_there_as_from_here(description, few_records):
    here = read_sample(few_records, load_description(few_records), TRAINING, 50, seed=3)
    there = read_sample(str(PLACE), description, TRAINING, 50, seed=3)
    assert set(here) == set(there)
    for name, values in here.items():
        np.testing.assert_array_equal(there[name], values)


def test_records_are_read_where_tensorflow_is_not(description, few_records, tmp_path):
    out = tmp_path / "grids.npy"
    command = [sys.executable, "-c", READ, str(PLACE), str(out)]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2])
    records = Records(few_records, load_description(few_records), TRAINING)
    np.testing.assert_array_equal(np.load(out), records.read(range(len(records)))["grid"])


def test_shards_are_copied_once(s3, description):
    verify_shards(PLACE, description)
    assert s3.count("GET") == len(description.shards)
    copy = fetch(PLACE, description)
    Records(PLACE, description, TRAINING).read([0])
    verify_shards(PLACE, description)
    assert s3.count("GET") == len(description.shards)
    assert load_description(copy) == description  # a folder of records of its own


def test_a_copy_that_breaks_off_goes_on_with_the_shard_that_is_not_whole(s3, description):
    with s3.going_away(after=2):
        verify_shards(PLACE, description)
    copies = [path.name for path in cache_folder().rglob("*.tfrecord*")]
    assert sorted(copies) == sorted(shard["name"] for shard in description.shards[:2])
    s3.asked.clear()
    verify_shards(PLACE, description)
    assert s3.count("GET") == len(description.shards) - 2


def test_a_damaged_copy_is_replaced(s3, description):
    path = fetch(PLACE, description) / description.shards[0]["name"]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    s3.asked.clear()
    verify_shards(PLACE, description)
    assert path.read_bytes() == whole and s3.count("GET") == 1


def test_a_shard_that_is_damaged_there_is_never_taken(description, tmp_path):
    name = description.shards[0]["name"]
    (tmp_path / "half").write_bytes(b"half")
    open_store(PLACE).put(tmp_path / "half", name)
    with pytest.raises(ConfigError, match=f"{PLACE}/{name} is damaged or was replaced meanwhile"):
        verify_shards(PLACE, description)
    assert not list(cache_folder().rglob(f"*{name}*"))


def test_a_shard_that_is_not_there_is_named(description):
    name = description.shards[2]["name"]
    open_store(PLACE).remove(name)
    with pytest.raises(ConfigError, match=f"lacks 1 of 4 shards, e.g. {name}"):
        verify_shards(PLACE, description)


def test_changed_records_are_copied_anew(description, other_records):
    old = fetch(PLACE, description)
    upload(other_records, open_store(PLACE))
    changed = load_description(PLACE)
    new = fetch(PLACE, changed)
    assert changed.fingerprint != description.fingerprint and new != old
    verify_shards(new, load_description(new))
    verify_shards(old, load_description(old))


def test_without_the_server_copies_serve(s3, description, capsys):
    s3.stop()
    assert load_description(PLACE) == description
    assert f"Going on with what is in {cache_folder()}" in capsys.readouterr().err
    with pytest.raises(Unreachable):  # its description was seen, its shards were not
        verify_shards(PLACE, description)
    s3.start()
    verify_shards(PLACE, description)
    s3.stop()
    verify_shards(PLACE, load_description(PLACE))
    with pytest.raises(Unreachable):
        load_description("s3://slabs/never/seen")


def test_a_description_cannot_write_elsewhere(description, tmp_path):
    (tmp_path / "dataset.json").write_bytes(open_store(PLACE).read("dataset.json"))
    shards = values_of(tmp_path / "dataset.json")["shards"]
    shards[0]["name"] = "../../evil.tfrecord"
    rewrite(tmp_path / "dataset.json", shards=shards)
    open_store(PLACE).put(tmp_path / "dataset.json", "dataset.json")
    with pytest.raises(ConfigError, match="lacks 1 of 4 shards, e.g. ../../evil"):
        verify_shards(PLACE, load_description(PLACE))
