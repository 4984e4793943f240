"""Records that lie in object storage: `dataset.json`, and the shards here or in memory.

Where TensorFlow reads `s3://` itself (see `stores`), shards go through tf.data into memory, if they
fit into half of it. Everywhere else they are copied into `paths.cache_folder()`, each set into a
folder that is named after its checksums, from which any backend reads them.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_ruo2.data.description import FILE_NAME
from keras_ruo2.data.schema import Schema
from keras_ruo2.data.stores import Unreachable, open_store
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io import messages
from keras_ruo2.io.memory import free_memory
from keras_ruo2.io.paths import atomic_write, cache_folder, checksum
from keras_ruo2.io.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.data.description import Description
    from keras_ruo2.data.stores import Store
    from keras_ruo2.io.paths import RemoteFolder


SHARE_OF_MEMORY = 0.5
LEFT_BEHIND = 3600  # seconds after which nobody writes to a partial copy any more


def read_description(folder: RemoteFolder) -> str:
    """Return the text of `dataset.json`; the last one seen if the server does not answer.

    Args:
        folder: `RemoteFolder`.

    Raises:
        ConfigError: If it cannot be read.
    """
    seen = seen_file(folder)
    try:
        store = open_store(folder)
        names = store.names()
        if FILE_NAME not in names:
            what = f"holds no {FILE_NAME}, whose upload comes last" if names else "is empty"
            raise ConfigError(
                f"The records folder {folder} {what}. Write records: "
                f"python -m data_prep records --out={folder}"
            )
        text = store.read(FILE_NAME).decode()
    except Unreachable as error:
        if not seen.is_file():
            raise
        messages.warning(f"Warning: {error} Going on with what is in {cache_folder()}.")
        return seen.read_text()
    check_writable(seen.parent)
    with atomic_write(seen, seen.with_name(f".{seen.name}.{os.getpid()}.partial")) as partial:
        partial.write_text(text)
    return text


def seen_file(folder: RemoteFolder) -> Path:
    """Return the file that keeps the last `dataset.json` of a folder."""
    return cache_folder() / "seen" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.json"


def verify(folder: RemoteFolder, description: Description) -> None:
    """Copy the shards that are not here whole; those that go into memory are checked there.

    Raises:
        ConfigError: If one cannot be read or is damaged.
    """
    if not goes_into_memory(folder, description):
        fetch(folder, description, verify=True)


def goes_into_memory(folder: RemoteFolder, description: Description) -> bool:
    """Say whether shards are read by TensorFlow into memory."""
    num_bytes = Schema(description.grid_shape, description.dtype).num_bytes
    return fits_in_memory(folder, num_bytes * sum(description.counts.values()))


@cache  # one answer a process: memory that was free before is not free once shards are in it
def fits_in_memory(folder: RemoteFolder, num_bytes: int) -> bool:
    """Say whether TensorFlow can read so many bytes of a folder into memory."""
    free = free_memory()
    enough = free is None or num_bytes <= SHARE_OF_MEMORY * free
    return open_store(folder).reads_into_memory and enough


def read_shards(folder: RemoteFolder, description: Description, split: str) -> list[np.ndarray]:
    """Return the shards of a split from memory, a read-only array of bytes each.

    Raises:
        ConfigError: If one cannot be read or is damaged.
    """
    shards = [shard for shard in description.shards if shard["split"] == split]
    return load_shards(folder, tuple((shard["name"], shard["sha256"]) for shard in shards))


@cache  # training, its evaluation and its pictures read the same shards
def load_shards(folder: RemoteFolder, shards: tuple[tuple[str, str], ...]) -> list[np.ndarray]:
    """Read shards, pairs of a name and a SHA-256, into memory."""
    store, names = open_store(folder), [name for name, _ in shards]
    contents = store.contents(names) if store.reads_into_memory and names else []
    for (name, expected), content in zip(shards, contents, strict=True):
        if hashlib.sha256(content.data).hexdigest() != expected:
            raise damaged_shard(folder, name)
    return contents


def damaged_shard(folder: RemoteFolder, name: str) -> ConfigError:
    """Return the error that tells of a shard that is not what `dataset.json` says."""
    return ConfigError(
        f"{folder}/{name} is damaged or was replaced meanwhile: its checksum differs from that in "
        f"{FILE_NAME}. Repeat the command, or write the records again with --overwrite."
    )


def fetch(folder: RemoteFolder, description: Description, verify: bool = False) -> Path:
    """Copy the shards that are not here yet.

    A shard takes its name once it is whole, so that an interrupted copy goes on with the next one.

    Args:
        folder: `RemoteFolder`.
        description: Its `Description`.
        verify: Look at the checksums of the shards that are here; damaged ones are copied again.

    Returns:
        Path of a folder of records.

    Raises:
        ConfigError: If a shard cannot be read or is damaged.
    """
    place = cache_folder() / f"{folder.name}-{description.fingerprint}"
    wanted = [
        shard
        for shard in description.shards
        if not (place / shard["name"]).is_file()
        or (verify and checksum(place / shard["name"]) != shard["sha256"])
    ]
    if wanted:
        copy_shards(folder, description, wanted, place)
    return place


def copy_shards(
    folder: RemoteFolder, description: Description, wanted: Sequence[Mapping[str, Any]], place: Path
) -> None:
    """Copy shards into the folder `place`, and `dataset.json` when all are there."""
    store = open_store(folder)
    sizes = {name: size for name, size in store.names().items() if "/" not in name}
    missing = [shard["name"] for shard in wanted if shard["name"] not in sizes]
    if missing:
        raise ConfigError(
            f"{folder} lacks {len(missing)} of {len(description.shards)} shards, e.g. "
            f"{missing[0]}. Write the records again with --overwrite."
        )
    total = sum(sizes[shard["name"]] for shard in wanted)
    check_writable(place, total)
    remove_left_behind(place)
    messages.info(f"Copying {len(wanted)} shards, {total / 1e6:.1f} MB, of {folder} to {place}.")
    progress = Progress(len(description.shards), len(description.shards) - len(wanted))
    for shard in wanted:
        copy_shard(store, shard, place)
        progress.step(f"{shard['name']}  {sizes[shard['name']] / 1e6:.1f} MB")
    description.save(place)


def copy_shard(store: Store, shard: Mapping[str, Any], place: Path) -> None:
    """Copy a shard beside its place and give it its name if its checksum is right."""
    path = place / shard["name"]
    with atomic_write(path, path.with_name(f".{path.name}.{os.getpid()}.partial")) as partial:
        store.get(shard["name"], partial)
        if checksum(partial) != shard["sha256"]:
            raise damaged_shard(store.folder, shard["name"])


def remove_left_behind(place: Path) -> None:
    """Remove partial copies of commands that were killed."""
    for partial in place.glob(".*.partial"):
        if time.time() - partial.stat().st_mtime > LEFT_BEHIND:
            partial.unlink(missing_ok=True)
