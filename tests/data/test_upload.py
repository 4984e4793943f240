"""Sets of records in object storage: whole or not there."""

import dataclasses

import pytest

from keras_ruo2.data.description import load_description, verify_shards
from keras_ruo2.data.stores import open_store
from keras_ruo2.data.upload import check_destination, remote_name, upload
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import RemoteFolder

PLACE = RemoteFolder("slabs", "sets/mine")


@pytest.fixture
def store(s3):
    return open_store(PLACE)


def fingerprint(folder):
    return load_description(folder).fingerprint


def test_a_set_is_read_as_it_was_written(store, few_records):
    upload(few_records, store)
    there = load_description(str(PLACE))
    here = load_description(few_records)
    assert there.fingerprint == here.fingerprint
    assert [s["name"] for s in there.shards] == [remote_name(s) for s in here.shards]
    assert dataclasses.replace(there, shards=here.shards) == here
    assert set(store.names()) == {s["name"] for s in there.shards} | {"dataset.json"}


def test_an_upload_that_breaks_off_leaves_no_set_and_goes_on(s3, store, few_records):
    with s3.going_away(after=2):
        upload(few_records, store)
    with pytest.raises(ConfigError, match="holds no dataset.json, whose upload comes last"):
        load_description(PLACE)
    check_destination(store, overwrite=False)
    assert len(store.names()) == 2
    s3.asked.clear()
    upload(few_records, store)
    assert s3.count("PUT") == len(load_description(few_records).shards) - 2
    assert s3.asked[-1] == ("PUT", "/slabs/sets/mine/dataset.json")
    assert fingerprint(PLACE) == fingerprint(few_records)


def test_a_set_stays_whole_until_another_replaces_it(s3, store, few_records, other_records):
    upload(few_records, store)
    old = load_description(PLACE)
    with s3.going_away(after=2):
        upload(other_records, store)
    assert load_description(PLACE) == old
    verify_shards(PLACE, old)
    upload(other_records, store)
    assert fingerprint(PLACE) == fingerprint(other_records)
    names = {shard["name"] for shard in load_description(PLACE).shards}
    assert set(store.names()) == names | {"dataset.json"}


def test_what_is_there_is_not_overwritten_unasked(store, few_records, tmp_path):
    check_destination(store, overwrite=False)
    upload(few_records, store)
    with pytest.raises(ConfigError, match="s3://slabs/sets/mine exists.*add --overwrite"):
        check_destination(store, overwrite=False)
    check_destination(store, overwrite=True)
    (tmp_path / "thesis.pdf").write_text("mine")
    store.put(tmp_path / "thesis.pdf", "text/thesis.pdf")
    with pytest.raises(ConfigError, match="holds other things than records, e.g. text/thesis.pdf"):
        check_destination(store, overwrite=True)


def test_shards_of_somebody_else_are_foreign(store, tmp_path):
    (tmp_path / "x").write_text("theirs")
    store.put(tmp_path / "x", "images-00000-of-00001.tfrecord")
    with pytest.raises(ConfigError, match="other things than records, e.g. images"):
        check_destination(store, overwrite=True)
