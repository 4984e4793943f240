"""The record, defined once for writer and reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from keras_ruo2.data.tfrecord import Example


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
    "motif": Field("bytes", "Å", "the cell that the grid repeats, see `structure.motifs.Motif`"),
}
DTYPES = {"bytes": np.dtype(object), "float": np.dtype("float32"), "int64": np.dtype("int64")}
# Every float16 as float32, by its bits: NumPy converts numbers near 0, most of a grid, slowly.
HALVES = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float32)
CHUNK = 8192  # numbers converted at a time: fresh memory for large temporaries costs more


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
    def num_lengths(self) -> int:
        """Lattice lengths that belong to a grid."""
        return len(self.grid_shape) - 1

    @property
    def num_bytes(self) -> int:
        """Size of a record on disk, estimated."""
        return int(np.prod(self.grid_shape)) * np.dtype(self.dtype).itemsize + 1000

    def encode(self, sample: Mapping[str, Any]) -> bytes:
        """Return a record as bytes.

        Args:
            sample: Dict with every name of `FIELDS`; `grid` an array of `grid_shape` in [0, 1].

        Raises:
            ValueError: If the grid or the lengths are of another shape.
        """
        grid, lattice = np.asarray(sample["grid"]), np.asarray(sample["lattice"])
        if grid.shape != self.grid_shape:
            raise ValueError(f"grid is {grid.shape}, expected {self.grid_shape}")
        if lattice.shape != (self.num_lengths,):
            raise ValueError(f"lattice is {lattice.shape}, expected {(self.num_lengths,)}")
        stored = {**sample, "grid": grid.astype(self.dtype).tobytes()}
        example = Example()
        features = example.features.feature
        for name, field in FIELDS.items():
            values = getattr(features[name], f"{field.kind}_list").value
            values.extend(as_values(field.kind, stored[name]))
        return example.SerializeToString(deterministic=True)  # equal records, equal checksums

    def decode(
        self, serialised: Sequence[bytes], names: Iterable[str] = tuple(FIELDS)
    ) -> dict[str, np.ndarray]:
        """Return a batch of records as a dict of arrays.

        Args:
            serialised: List of what `encode` returned, n long.
            names: Fields that are wanted.

        Returns:
            Dict keyed by `names`; `grid` is float32 of `(n, *grid_shape)`, `lattice` float32 of
            `(n, num_lengths)`, the others of shape `(n,)`: `label` int64, `energy` and `dmu_o`
            float32, `structure`, `plane` and `motif` objects of type bytes.

        Raises:
            ValueError: If a record is none, lacks a field or holds another number of values.
        """
        batch = {name: self.empty(name, len(serialised)) for name in names}
        lists = [(name, f"{FIELDS[name].kind}_list", batch[name]) for name in names]
        for row, record in enumerate(serialised):
            try:
                features = Example.FromString(record).features.feature
            except DecodeError:
                raise ValueError("a record is no tf.train.Example") from None
            for name, kind, column in lists:
                self.store(name, getattr(features[name], kind).value, column, row)
        return batch

    def empty(self, name: str, count: int) -> np.ndarray:
        """Return an array for `count` decoded values of a field."""
        shapes = {"grid": self.grid_shape, "lattice": (self.num_lengths,)}
        dtype = np.dtype("float32") if name == "grid" else DTYPES[FIELDS[name].kind]
        return np.empty((count, *shapes.get(name, ())), dtype)

    def store(self, name: str, values: Any, column: np.ndarray, row: int) -> None:
        """Put the decoded value of a field, a list in a record, into a row of its array."""
        expected = self.num_lengths if name == "lattice" else 1
        if len(values) != expected:
            raise ValueError(f"{name} has {len(values)} values in a record, expected {expected}")
        if name == "grid":  # NumPy raises if the number of bytes is another
            stored = np.frombuffer(values[0], self.dtype).reshape(self.grid_shape)
            widen(stored, column[row])
        else:
            column[row] = values if name == "lattice" else values[0]


def widen(stored: np.ndarray, result: NDArray[np.float32]) -> None:
    """Convert a contiguous array to float32, into `result` of the same shape."""
    if stored.dtype != np.float16:
        result[...] = stored
        return
    bits, flat = stored.reshape(-1).view(np.uint16), result.reshape(-1)
    for start in range(0, len(bits), CHUNK):
        part = slice(start, start + CHUNK)
        np.take(HALVES, bits[part], out=flat[part], mode="clip")  # other modes buffer the output


def as_values(kind: str, value: Any) -> list[Any]:
    """Return `value` as the list that a feature of this kind holds."""
    if kind == "bytes":
        return [value.encode() if isinstance(value, str) else value]
    return np.atleast_1d(value).tolist()
