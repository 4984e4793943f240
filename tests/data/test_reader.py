import shutil

import numpy as np
import pytest

from keras_ruo2.data.description import HELD_OUT, TRAINING, load_description
from keras_ruo2.data.reader import Records
from keras_ruo2.errors import ConfigError


@pytest.fixture
def copy(records, tmp_path):
    return shutil.copytree(records, tmp_path / "copy")


def opened(folder, split=TRAINING):
    return Records(folder, load_description(folder), split)


def test_records_come_in_the_order_asked_for(records):
    whole = opened(records).read(np.arange(9 * 128))
    some = opened(records).read([700, 3, 3, 1151])
    for name, values in some.items():
        np.testing.assert_array_equal(values, whole[name][[700, 3, 3, 1151]])


def test_records_are_numbered_shard_after_shard(records):
    tf = pytest.importorskip("tensorflow")
    read = opened(records, HELD_OUT)
    files = load_description(records).files(records, HELD_OUT)
    serialised = [record.numpy() for record in tf.data.TFRecordDataset(files)]
    assert len(read) == len(serialised) == 3 * 128
    expected, found = read.schema.decode(serialised), read.read(np.arange(len(read)))
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_splits_are_told_apart(records):
    description = load_description(records)
    for split in (TRAINING, HELD_OUT):
        names = opened(records, split).read(np.arange(description.counts[split]))["structure"]
        assert {name.decode() for name in names} == set(description.structures[split])


def test_a_record_that_is_not_there_is_refused(records):
    for index in (-1, 9 * 128):
        with pytest.raises(IndexError, match="of 1152"):
            opened(records).read([0, index])
    assert opened(records).read([])["grid"].shape == (0, 32, 32, 2)


def test_a_damaged_record_is_told_with_the_command_that_mends_it(copy):
    first = copy / load_description(copy).shards[0]["name"]
    content = bytearray(first.read_bytes())
    content[3000] ^= 1
    first.write_bytes(content)
    records = opened(copy)
    records.read([1])
    told = f"training records in .*{first.name} are damaged: .* fails its checksum.*--recipe=gap2d"
    with pytest.raises(ConfigError, match=told):
        records.read([0])


def test_a_shard_that_was_cut_off_is_told(copy):
    first = copy / load_description(copy).shards[0]["name"]
    first.write_bytes(first.read_bytes()[:-5])
    with pytest.raises(ConfigError, match=f"{first.name} are damaged: .* is cut off. Write them"):
        opened(copy).read([0])
    first.write_bytes(b"")
    with pytest.raises(ConfigError, match=f"{first.name} are damaged: 0 records, expected"):
        opened(copy).read([0])
