"""Write records into TFRecord files."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_ruo2.data.schema import Schema
from keras_ruo2.data.tfrecord import framed
from keras_ruo2.io.paths import atomic_write, checksum


def shard_names(split: str, count: int) -> list[str]:
    """Return the file names of a split's shards."""
    return [f"{split}-{k:05d}-of-{count:05d}.tfrecord" for k in range(count)]


def partial_of(path: Path) -> Path:
    """Return where this process writes a shard before it gets its name."""
    return path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}.partial")


def write_shard(
    path: Path, structures: Iterable[Sequence[Mapping[str, Any]]], schema: Schema
) -> dict[str, Any]:
    """Write one shard; it appears whole, and several processes may write it at the same time.

    Args:
        path: The file, in an existing folder.
        structures: Iterable of lists of samples, a list for each structure.
        schema: `Schema` that encodes them.

    Returns:
        A dict with `name`, `count`, `sha256`.

    Raises:
        OSError: If the disk is full or cannot be written.
    """
    path = Path(path)
    count = 0
    try:
        with atomic_write(path, partial_of(path)) as partial, open(partial, "wb") as file:
            for samples in structures:
                for sample in samples:
                    file.write(framed(schema.encode(sample)))
                count += len(samples)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"cannot write records into {path.parent}: {reason}") from None
    return {"name": path.name, "count": count, "sha256": checksum(path)}
