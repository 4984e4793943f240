from pathlib import Path

import numpy as np
import pytest

from keras_ruo2.data.description import checksum
from keras_ruo2.data.schema import Schema
from keras_ruo2.data.shards import write_shards

SCHEMA = Schema((4, 4, 2))


def structure(name, count):
    sample = {
        "grid": np.zeros((4, 4, 2)),
        "lattice": [5.0, 6.0],
        "label": -1,
        "energy": np.nan,
        "dmu_o": np.nan,
        "structure": name,
        "plane": "xz",
    }
    return [sample] * count


def test_structures_are_dealt_out_in_turn(tmp_path):
    shards = write_shards(
        tmp_path, "training", 2, [structure(str(k), k + 1) for k in range(5)], SCHEMA
    )
    assert [shard["count"] for shard in shards] == [1 + 3 + 5, 2 + 4]
    assert [shard["name"] for shard in shards] == [
        "training-00000-of-00002.tfrecord",
        "training-00001-of-00002.tfrecord",
    ]
    assert all(shard["sha256"] == checksum(tmp_path / shard["name"]) for shard in shards)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
@pytest.mark.parametrize("count", [1, 1000], ids=["on closing", "on writing"])
def test_a_full_disk_is_told(tmp_path, count):
    (tmp_path / "training-00000-of-00001.tfrecord").symlink_to("/dev/full")
    with pytest.raises(OSError, match=f"cannot write records into {tmp_path}: No space left"):
        write_shards(tmp_path, "training", 1, [structure("slab", count)], SCHEMA)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(OSError, match="cannot write records into .*nowhere: No such file"):
        write_shards(tmp_path / "nowhere", "training", 1, [], SCHEMA)
