"""The record, defined once for writer and reader."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Field:
    """One feature of a record.

    Args:
        kind: How TFRecords hold it: `bytes`, `float` or `int64`.
        unit: Physical unit, empty if it has none.
        meaning: What it is.
    """

    kind: str
    unit: str
    meaning: str


FIELDS = {
    "grid": Field("bytes", "", "densities, (lateral, z, channel) or (x, y, z, channel)"),
    "lattice": Field("float", "Å", "lengths: lateral and z, or x, y and z"),
    "label": Field("int64", "", "energy class, -1 without classes"),
    "energy": Field("float", "eV/atom", "potential energy, NaN where unknown"),
    "dmu_o": Field("float", "eV", "oxygen chemical potential, NaN where unknown"),
    "structure": Field("bytes", "", "name of the structure"),
    "plane": Field("bytes", "", "xz, yz or xyz"),
}


@dataclass(frozen=True)
class Schema:
    """Encode and decode records of one grid shape.

    Args:
        grid_shape: Voxels of a grid with its channels last, e.g. `(32, 32, 2)`.
        dtype: Type in which grids are stored.
    """

    grid_shape: tuple[int, ...]
    dtype: str = "float16"

    @property
    def num_lengths(self):
        """Lattice lengths that belong to a grid."""
        return len(self.grid_shape) - 1

    @property
    def num_bytes(self):
        """Size of a record on disk, estimated."""
        return int(np.prod(self.grid_shape)) * np.dtype(self.dtype).itemsize + 200

    def encode(self, sample):
        """Return a record as bytes.

        Args:
            sample: Dict with every name of `FIELDS`; `grid` an array of `grid_shape` in [0, 1].
        """
        grid = np.asarray(sample["grid"])
        if grid.shape != self.grid_shape:
            raise ValueError(f"grid is {grid.shape}, expected {self.grid_shape}")
        stored = {**sample, "grid": grid.astype(self.dtype).tobytes()}
        features = {name: feature(field.kind, stored[name]) for name, field in FIELDS.items()}
        example = tf.train.Example(features=tf.train.Features(feature=features))
        return example.SerializeToString(deterministic=True)  # equal records, equal checksums

    def decode(self, serialised):
        """Return a batch of records as a dict of tensors. Runs inside tf.data.

        Args:
            serialised: String tensor of shape `(batch,)`.

        Returns:
            Dict keyed by the names of `FIELDS`; `grid` is float32 of `(batch, *grid_shape)`,
            `lattice` float32 of `(batch, num_lengths)`, the others of shape `(batch,)`.
        """
        raw = tf.io.parse_example(serialised, self.columns())
        grid = tf.io.decode_raw(raw["grid"], tf.as_dtype(self.dtype))
        raw["grid"] = tf.cast(tf.reshape(grid, (-1, *self.grid_shape)), tf.float32)
        return raw

    def columns(self):
        """Return the features as TensorFlow's parser takes them."""
        dtypes = {"bytes": tf.string, "float": tf.float32, "int64": tf.int64}
        shapes = {"lattice": (self.num_lengths,)}
        return {
            name: tf.io.FixedLenFeature(shapes.get(name, ()), dtypes[field.kind])
            for name, field in FIELDS.items()
        }


def feature(kind, value):
    """Return `value` as a TensorFlow feature of this kind."""
    if kind == "bytes":
        value = value.encode() if isinstance(value, str) else value
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    values = np.atleast_1d(value).tolist()
    if kind == "float":
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
