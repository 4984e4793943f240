"""What `train` makes of the records in the default folder."""

import shutil

import pytest

from keras_ruo2.config import TrainConfig
from keras_ruo2.data.description import FILE_NAME, SCHEMA_VERSION, load_description
from keras_ruo2.errors import Busy, ConfigError
from keras_ruo2.io.paths import BUNDLED_STRUCTURES, checksum
from keras_ruo2.io.state import write_state
from keras_ruo2.records import find as default_records
from tests.sealed import values_of

BUNDLED = {"file": "tfrecords/gap.extxyz", "sha256": checksum(BUNDLED_STRUCTURES)}


@pytest.fixture
def copy(records, tmp_path):
    return shutil.copytree(records, tmp_path / "copy")


def describe(folder, version=SCHEMA_VERSION, **source):
    values = values_of(folder / FILE_NAME)
    values |= {"schema_version": version, "source": values["source"] | source}
    if version < SCHEMA_VERSION:
        del values["label_counts"], values["dmu_o_counts"]
    write_state(folder / FILE_NAME, values)


def test_missing_records_are_missing(tmp_path):
    assert default_records.state_of_records(tmp_path / "nowhere") == "missing"


def test_bundled_records_are_current_until_the_slabs_change(copy):
    describe(copy, **BUNDLED)
    assert default_records.state_of_records(copy) == "current"
    describe(copy, **BUNDLED | {"sha256": "of other slabs"})
    assert default_records.state_of_records(copy) == "outdated"


def test_bundled_records_of_an_older_schema_are_outdated(copy):
    describe(copy, version=SCHEMA_VERSION - 1, **BUNDLED)
    assert default_records.state_of_records(copy) == "outdated"


def test_records_of_other_structures_are_never_replaced(copy):
    describe(copy, version=SCHEMA_VERSION - 1)
    assert default_records.state_of_records(copy) == "current"
    with pytest.raises(ConfigError, match="schema version 2, this code reads 3. Write them again"):
        load_description(copy)


def test_records_of_a_newer_schema_are_never_replaced(copy):
    describe(copy, version=SCHEMA_VERSION + 1, **BUNDLED)
    assert default_records.state_of_records(copy) == "current"


def test_records_that_another_command_is_building_are_waited_for(copy, tmp_path, monkeypatch):
    describe(copy, **BUNDLED)

    def busy(config):
        shutil.copytree(copy, config.out)  # by the other command, while this one waits
        raise Busy("Another command is working.")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(default_records, "PATIENCE", 0.01)
    monkeypatch.setattr("keras_ruo2.records.build.main", busy)
    found = default_records.find_records(TrainConfig(variant="vanilla2d"))
    assert load_description(found).fingerprint == load_description(copy).fingerprint
