import collections
import shutil

import pytest

from keras_ruo2.errors import ConfigError, check_choice, check_file, check_range, check_writable


def test_a_full_disk_is_told_before_anything_is_written(tmp_path, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10**9, 10**9, 5_000_000))
    check_writable(tmp_path, 4_000_000)
    with pytest.raises(ConfigError, match="has 5 MB left, 80 MB are needed"):
        check_writable(tmp_path, 80_000_000)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    def refuse(self, data):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    with pytest.raises(ConfigError, match="Read-only file system"):
        check_writable(tmp_path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        check_file("structures", tmp_path / "none.cif")


def test_near_misses_are_suggested():
    with pytest.raises(ConfigError, match="Did you mean 'lattice2d'"):
        check_choice("variant", "latice2d", ["vanilla2d", "lattice2d"])


def test_ranges_are_closed():
    check_range("share", 0.5, 0, 0.5)
    with pytest.raises(ConfigError, match="--share is 0.6. Expected 0 to 0.5"):
        check_range("share", 0.6, 0, 0.5)
