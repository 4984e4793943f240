from pathlib import Path

import numpy as np
import pytest

from keras_ruo2.data.schema import Schema
from keras_ruo2.data.shards import partial_of, shard_names, write_shard
from keras_ruo2.data.tfrecord import payload_at, record_spans
from keras_ruo2.io.paths import checksum

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
        "motif": b"motif",
    }
    return [sample] * count


def test_a_shard_holds_its_structures_in_their_order(tmp_path):
    path = tmp_path / shard_names("training", 2)[1]
    shard = write_shard(path, [structure(str(k), k + 1) for k in range(3)], SCHEMA)
    assert shard == {
        "name": "training-00001-of-00002.tfrecord",
        "count": 1 + 2 + 3,
        "sha256": checksum(path),
    }
    content = path.read_bytes()
    records = [payload_at(content, *span) for span in record_spans(content)]
    assert list(SCHEMA.decode(records)["structure"]) == [b"0", b"1", b"1", b"2", b"2", b"2"]


def test_a_shard_that_was_cut_off_has_no_name(tmp_path):
    def cut_off():
        yield structure("whole", 2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "one.tfrecord", cut_off(), SCHEMA)
    assert not (tmp_path / "one.tfrecord").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
@pytest.mark.parametrize("count", [1, 1000], ids=["on closing", "on writing"])
def test_a_full_disk_is_told(tmp_path, count):
    partial_of(tmp_path / "one.tfrecord").symlink_to("/dev/full")
    with pytest.raises(OSError, match=f"cannot write records into {tmp_path}: No space left"):
        write_shard(tmp_path / "one.tfrecord", [structure("slab", count)], SCHEMA)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(OSError, match="cannot write records into .*nowhere: No such file"):
        write_shard(tmp_path / "nowhere" / "one.tfrecord", [], SCHEMA)
