import subprocess
import sys

import numpy as np
import pytest

from keras_ruo2.data.schema import FIELDS, HALVES, Schema

tf = pytest.importorskip("tensorflow")


def sample(shape, rng):
    return {
        "grid": rng.uniform(size=shape),
        "lattice": rng.uniform(5, 20, size=len(shape) - 1),
        "label": 3,
        "energy": -7.125,
        "dmu_o": np.nan,
        "structure": "slab-0",
        "plane": "xz",
        "motif": b"motif",
    }


def by_tensorflow(one):
    """Encode a sample with TensorFlow's own messages."""
    lists = {
        "bytes": lambda value: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])),
        "float": lambda value: tf.train.Feature(
            float_list=tf.train.FloatList(value=np.atleast_1d(value))
        ),
        "int64": lambda value: tf.train.Feature(int64_list=tf.train.Int64List(value=[value])),
    }
    stored = {name: v.encode() if isinstance(v, str) else v for name, v in one.items()}
    stored["grid"] = one["grid"].astype("float16").tobytes()
    features = {name: lists[field.kind](stored[name]) for name, field in FIELDS.items()}
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


@pytest.mark.parametrize("shape", [(4, 6, 2), (4, 6, 8, 2)])
def test_decoding_is_the_inverse_of_encoding(rng, shape):
    schema = Schema(shape)
    samples = [sample(shape, rng) for _ in range(3)]
    batch = schema.decode([schema.encode(one) for one in samples])
    assert set(batch) == set(FIELDS)
    grids = np.stack([one["grid"] for one in samples])
    np.testing.assert_array_equal(batch["grid"], grids.astype("float16").astype("float32"))
    np.testing.assert_array_equal(batch["lattice"], np.float32([one["lattice"] for one in samples]))
    np.testing.assert_array_equal(batch["label"], [3] * 3)
    np.testing.assert_array_equal(batch["energy"], [-7.125] * 3)
    assert np.isnan(batch["dmu_o"]).all()
    assert batch["structure"].tolist() == [b"slab-0"] * 3
    assert batch["plane"].tolist() == [b"xz"] * 3
    types = [str(batch[name].dtype) for name in FIELDS]
    assert types == ["float32", "float32", "int64", "float32", "float32", *["object"] * 3]


def test_records_are_those_of_tensorflow_byte_for_byte(rng):
    one = sample((4, 6, 2), rng)
    assert Schema((4, 6, 2)).encode(one) == by_tensorflow(one)


def test_tensorflow_parses_what_is_encoded(rng):
    one = sample((4, 6, 8, 2), rng)
    types = {"bytes": tf.string, "float": tf.float32, "int64": tf.int64}
    columns = {name: tf.io.FixedLenFeature((), types[f.kind]) for name, f in FIELDS.items()}
    columns["lattice"] = tf.io.FixedLenFeature((3,), tf.float32)
    parsed = tf.io.parse_example([Schema((4, 6, 8, 2)).encode(one)], columns)
    grid = tf.io.decode_raw(parsed["grid"], tf.float16).numpy().reshape(4, 6, 8, 2)
    np.testing.assert_array_equal(grid, one["grid"].astype("float16"))
    np.testing.assert_array_equal(parsed["lattice"][0], np.float32(one["lattice"]))
    assert int(parsed["label"][0]) == 3
    assert parsed["structure"].numpy().tolist() == [b"slab-0"]


def test_what_tensorflow_encodes_is_decoded(rng):
    one = sample((4, 6, 2), rng)
    batch = Schema((4, 6, 2)).decode([by_tensorflow(one)])
    np.testing.assert_array_equal(batch["grid"][0], np.float32(one["grid"].astype("float16")))
    np.testing.assert_array_equal(batch["lattice"][0], np.float32(one["lattice"]))
    assert batch["plane"].tolist() == [b"xz"]


def test_only_the_fields_that_are_wanted_are_decoded(rng):
    schema = Schema((4, 6, 2))
    batch = schema.decode([schema.encode(sample((4, 6, 2), rng))], ("lattice", "label"))
    assert list(batch) == ["lattice", "label"]


def test_no_records_are_empty_arrays():
    batch = Schema((4, 6, 2)).decode([])
    assert batch["grid"].shape == (0, 4, 6, 2) and batch["label"].shape == (0,)


def test_a_grid_of_another_shape_is_neither_encoded_nor_decoded(rng):
    one = sample((4, 6, 2), rng)
    with pytest.raises(ValueError, match="grid is .4, 6, 2., expected .4, 4, 2."):
        Schema((4, 4, 2)).encode(one)
    with pytest.raises(ValueError, match="cannot reshape"):
        Schema((4, 4, 2)).decode([Schema((4, 6, 2)).encode(one)])
    with pytest.raises(ValueError, match="lattice has 2 values in a record, expected 3"):
        Schema((4, 4, 4, 2)).decode([Schema((4, 6, 2)).encode(one)], ("lattice",))


def test_bytes_that_are_no_record_are_refused():
    with pytest.raises(ValueError, match="a record is no tf.train.Example"):
        Schema((4, 6, 2)).decode([b"\xff\xff"])


def test_a_slice_with_three_lengths_is_not_encoded(rng):
    with pytest.raises(ValueError, match="lattice is .3,., expected .2,."):
        Schema((4, 6, 2)).encode(sample((4, 6, 2), rng) | {"lattice": [1.0, 2.0, 3.0]})


def test_records_are_written_and_read_without_tensorflow(structures, tmp_path):
    code = f"""
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None  # an import of either now fails
from pathlib import Path
from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.records.build import main
from keras_ruo2.data.description import TRAINING, load_description
from keras_ruo2.data.order import Order
from keras_ruo2.data.pipeline import batch_at
from keras_ruo2.data.reader import Records
out = Path({str(tmp_path / "records")!r})
main(RecordsConfig(structures=Path({str(structures)!r}), out=out, recipe="gap2d_small"))
records = Records(out, load_description(out), TRAINING)
order = Order(len(records), 0, ((0, 64),))
batch = batch_at(records, order, 0)
assert batch["grid"].shape == (64, 32, 32, 2)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("dtype", ["float16", "float32", "uint8"])
def test_every_type_of_grid_is_read_back(rng, dtype):
    schema = Schema((4, 6, 2), dtype)
    one = sample((4, 6, 2), rng) | {"grid": np.array([0, 1, 6e-8, 0.1] * 12).reshape(4, 6, 2)}
    decoded = schema.decode([schema.encode(one)])["grid"]
    assert decoded.dtype == np.float32
    np.testing.assert_array_equal(decoded[0], one["grid"].astype(dtype).astype("float32"))


def test_every_half_precision_number_is_converted_exactly():
    bits = np.arange(2**16, dtype=np.uint16)
    np.testing.assert_array_equal(HALVES, bits.view(np.float16).astype(np.float32))
    assert HALVES[0x3C00] == 1 and HALVES[1] == 2.0**-24 and HALVES[0xC000] == -2


def test_grids_of_more_numbers_than_a_chunk_are_read_back(rng):
    shape = (24, 24, 24, 2)  # three whole chunks and a part of one
    schema = Schema(shape)
    samples = [sample(shape, rng) for _ in range(2)]
    decoded = schema.decode([schema.encode(one) for one in samples])["grid"]
    expected = np.stack([one["grid"] for one in samples]).astype("float16").astype("float32")
    np.testing.assert_array_equal(decoded, expected)
