import dataclasses
import json
import shutil

import pytest

from keras_ruo2.data.description import FILE_NAME, load_description, verify_shards
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import checksum
from keras_ruo2.io.state import SEAL, write_state


def test_the_description_says_what_the_shards_hold(records):
    description = load_description(records)
    assert description.counts == {"training": 9 * 128, "held-out": 3 * 128}
    assert description.grid_shape == (32, 32, 2)
    assert description.species == ("Ru", "O")
    assert len(description.class_edges) == 11
    assert len(description.label_counts) == 10 and description.dmu_o_counts == ()
    for shard in description.shards:
        assert checksum(records / shard["name"]) == shard["sha256"]


def test_a_missing_or_empty_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="does not exist. Write records first"):
        load_description(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="is empty"):
        load_description(tmp_path)


@pytest.fixture
def copy(records, tmp_path):
    return shutil.copytree(records, tmp_path / "copy")


def test_another_schema_version_is_refused(copy):
    values = json.loads((copy / FILE_NAME).read_text())
    (copy / FILE_NAME).write_text(json.dumps(values | {"schema_version": 99}))
    with pytest.raises(ConfigError, match="schema version 99, this code reads 3"):
        load_description(copy)


@pytest.mark.parametrize("version", [3, 99])
@pytest.mark.parametrize(
    "changed", [{"species": ["Ru", 20.8]}, {"species": 7}, {"class_edges": 3}, {"recipe": "a\nb"}]
)
def test_values_of_another_kind_are_refused_in_a_line(copy, version, changed):
    values = json.loads((copy / FILE_NAME).read_text())
    values.pop(SEAL)
    write_state(copy / FILE_NAME, values | changed | {"schema_version": version})
    with pytest.raises(ConfigError, match=f"{FILE_NAME} (cannot be used|has schema)") as refused:
        load_description(copy)
    assert "\n" not in str(refused.value)


def test_a_damaged_description_is_refused(copy):
    (copy / FILE_NAME).write_text("{")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_description(copy)


def test_a_damaged_shard_is_named_with_the_command_that_mends_it(copy):
    shard = next(copy.glob("*.tfrecord"))
    shard.write_bytes(shard.read_bytes()[:-5])
    expected = f"{shard.name} is damaged.*--recipe=gap2d .*--holdout=0.25"
    with pytest.raises(ConfigError, match=expected):
        verify_shards(copy, load_description(copy))


def test_whole_shards_pass(records):
    verify_shards(records, load_description(records))


def test_a_missing_shard_is_named(copy):
    next(copy.glob("*.tfrecord")).unlink()
    with pytest.raises(ConfigError, match="lacks 1 of"):
        load_description(copy)


def test_what_is_saved_is_loaded(records, copy):
    description = load_description(records)
    pairs = ((-0.5, 3), (0.0, 7))
    dataclasses.replace(description, dmu_o_counts=pairs).save(copy)
    assert load_description(copy).dmu_o_counts == pairs
    assert load_description(copy).fingerprint == description.fingerprint
