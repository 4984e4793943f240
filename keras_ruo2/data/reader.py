"""Random access to the records of a split."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_ruo2.data import remote
from keras_ruo2.data.description import Description, how_to_rebuild
from keras_ruo2.data.schema import FIELDS, Schema
from keras_ruo2.data.tfrecord import payload_at, record_spans
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import RemoteFolder, folder_at


class Records:
    """The records of one split, numbered shard after shard as `dataset.json` lists the shards.

    Files are mapped into memory and searched for the places of their records on first use; what
    is read stays in the page cache, not in this object.

    Args:
        folder: Folder with shards, a path or an address.
        description: Its `Description`.
        split: `TRAINING` or `HELD_OUT`.
    """

    def __init__(
        self, folder: str | Path | RemoteFolder, description: Description, split: str
    ) -> None:
        self.folder, self.description, self.split = folder_at(folder), description, split
        self.schema = Schema(description.grid_shape, description.dtype)

    def __len__(self) -> int:
        return self.description.counts[self.split]

    @cached_property
    def contents(self) -> list[NDArray[np.uint8]]:
        """The files, a read-only array of bytes each."""
        folder = self.folder
        if isinstance(folder, RemoteFolder):
            if remote.goes_into_memory(folder, self.description):
                return remote.read_shards(folder, self.description, self.split)
            folder = remote.fetch(folder, self.description)
        files = self.description.files(folder, self.split)
        return [
            np.asarray(np.memmap(file, np.uint8, "r"))  # slices of a plain array are cheaper
            if os.path.getsize(file)
            else np.empty(0, np.uint8)
            for file in files
        ]

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Where each record lies, int64 of shape `(len, 3)`: shard, first byte, bytes."""
        places: list[tuple[int, int, int]] = []
        for shard, (content, row) in enumerate(zip(self.contents, self.shards, strict=True)):
            try:
                spans = record_spans(content)
            except ValueError as error:
                raise self.damaged(shard, error) from None
            if len(spans) != row["count"]:
                raise self.damaged(shard, f"{len(spans)} records, expected {row['count']}")
            places.extend((shard, *span) for span in spans)
        return np.array(places, dtype=np.int64).reshape(-1, 3)

    def read(
        self, indices: NDArray[np.integer], names: Iterable[str] = tuple(FIELDS)
    ) -> dict[str, np.ndarray]:
        """Read records.

        Args:
            indices: Their numbers, integers of shape `(n,)`, each from 0 to `len(self) - 1`.
            names: Fields that are wanted.

        Returns:
            Dict of arrays keyed by `names`, as `Schema.decode` gives them, in the order of
            `indices`.

        Raises:
            ConfigError: If a file is damaged.
            IndexError: If there is no such record.
        """
        indices = np.asarray(indices, dtype=np.int64)
        if len(indices) and not 0 <= indices.min() <= indices.max() < len(self):
            raise IndexError(f"records {indices.min()} to {indices.max()} of {len(self)}")
        places = self.places[indices].tolist()
        payloads: list[bytes] = []
        shard: int | None = None
        try:
            for shard, start, length in places:
                payloads.append(payload_at(self.contents[shard], start, length))
            shard = None
            return self.schema.decode(payloads, names)
        except ValueError as error:
            raise self.damaged(shard, error) from None

    @property
    def shards(self) -> list[Mapping[str, Any]]:
        """What `dataset.json` says of each file of the split."""
        return [row for row in self.description.shards if row["split"] == self.split]

    def damaged(self, shard: int | None, reason: object) -> ConfigError:
        """Return the error that names a damaged file by its number, `None` if it is not known."""
        where = self.folder if shard is None else f"{self.folder}/{self.shards[shard]['name']}"
        return ConfigError(
            f"The {self.split} records in {where} are damaged: {reason}. "
            f"{how_to_rebuild(self.folder, dataclasses.asdict(self.description))}"
        )
