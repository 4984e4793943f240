"""Whatever is wrong with object storage is one line."""

import pytest

from keras_ruo2.data import stores
from keras_ruo2.data.description import load_description
from keras_ruo2.data.stores import find_endpoint, open_store
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import RemoteFolder

PLACE = RemoteFolder("slabs", "mine")


def refused(message, folder=PLACE):
    with pytest.raises(ConfigError, match=message) as caught:
        load_description(folder)
    assert "\n" not in str(caught.value)


def test_files_come_back_as_they_went(s3, tmp_path):
    (tmp_path / "here").write_bytes(b"some bytes")
    store = open_store(PLACE)
    assert store.names() == {}
    store.put(tmp_path / "here", "a/b.txt")
    assert store.names() == {"a/b.txt": 10}
    store.get("a/b.txt", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == store.read("a/b.txt") == b"some bytes"
    store.remove("a/b.txt")
    assert store.names() == {}


def test_a_folder_with_a_longer_name_is_another_folder(s3, tmp_path):
    (tmp_path / "here").write_bytes(b"")
    open_store(RemoteFolder("slabs", "mine2")).put(tmp_path / "here", "x")
    assert open_store(PLACE).names() == {}


def test_an_empty_folder_and_a_missing_bucket_are_told(s3):
    refused("s3://slabs/mine is empty. Write records: python -m data_prep records --out=s3://slabs")
    refused(
        "s3://slab/mine: .*bucket does not exist.*Check the names", RemoteFolder("slab", "mine")
    )


def test_wrong_credentials_are_told(s3, monkeypatch):
    s3.post("/moto-api/reset-auth", b"0")
    try:
        refused("s3://slabs/mine: access refused .*Check AWS_ACCESS_KEY_ID")
    finally:
        s3.post("/moto-api/reset-auth", b"1000000000")


def test_missing_credentials_are_told(s3, monkeypatch, tmp_path):
    from s3fs import S3FileSystem

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    S3FileSystem.clear_instance_cache()  # else one that has found credentials is asked
    try:
        refused("access refused .Unable to locate credentials.*Check AWS_ACCESS_KEY_ID")
    finally:
        S3FileSystem.clear_instance_cache()


def test_a_missing_extra_is_told(s3, monkeypatch):
    monkeypatch.setattr(stores, "is_installed", lambda name: False)
    refused("nothing here reads object storage. Install it: pip install -e '.\\[remote\\]'")


def test_an_endpoint_has_a_scheme():
    assert find_endpoint({}) is None
    assert find_endpoint({"S3_ENDPOINT": "http://a:1/"}) == "http://a:1"
    assert (
        find_endpoint({"S3_ENDPOINT": "http://a", "AWS_ENDPOINT_URL": "https://b"}) == "https://b"
    )
    with pytest.raises(ConfigError, match="S3_ENDPOINT=a:9000: expected http:// or https://"):
        find_endpoint({"S3_ENDPOINT": "a:9000"})
