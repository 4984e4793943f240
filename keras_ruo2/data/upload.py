"""Put a folder of records into object storage so that nobody ever reads half of one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_ruo2.data.description import FILE_NAME, load_description
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.progress import Progress

if TYPE_CHECKING:
    from keras_ruo2.data.stores import Store


# Shards as `write_shards` names them, and as they are named here: with the start of a checksum.
SHARD = re.compile(r"(training|held-out)-\d{5}-of-\d{5}(-[0-9a-f]{8})?\.tfrecord")


def check_destination(store: Store, overwrite: bool) -> None:
    """Raise `ConfigError` if a folder holds anything but records to be overwritten.

    Shards without `dataset.json` are what an interrupted upload has left; they hinder nothing.
    """
    names = store.names()
    foreign = sorted(name for name in names if name != FILE_NAME and not SHARD.fullmatch(name))
    if foreign:
        raise ConfigError(
            f"--out={store.folder} holds other things than records, e.g. {foreign[0]}. "
            "Choose another folder."
        )
    if FILE_NAME in names and not overwrite:
        raise ConfigError(f"--out={store.folder} exists. Choose another folder or add --overwrite.")


def upload(folder: Path, store: Store) -> None:
    """Copy records to a store: shards first, `dataset.json` last, then remove older shards.

    Shards are named after their checksums, too. So those of an older set stay as they are until
    `dataset.json` names the new ones, and those that an interrupted upload has brought are known.

    Args:
        folder: Path of a folder of records.
        store: What `open_store` returned.

    Raises:
        ConfigError: If the server refuses or stops answering; repeating the call goes on.
    """
    description = load_description(folder)
    names = {shard["name"]: remote_name(shard) for shard in description.shards}
    there = store.names()
    wanted = [
        (Path(folder) / name, new)
        for name, new in names.items()
        if there.get(new) != (Path(folder) / name).stat().st_size
    ]
    total = sum(path.stat().st_size for path, _ in wanted)
    messages.info(f"Copying {len(wanted)} shards, {total / 1e6:.1f} MB, to {store.folder}.")
    progress = Progress(len(names), len(names) - len(wanted))
    for path, new in wanted:
        store.put(path, new)
        progress.step(f"{new}  {path.stat().st_size / 1e6:.1f} MB")
    shards = tuple(shard | {"name": names[shard["name"]]} for shard in description.shards)
    renamed = Path(folder) / "renamed"
    renamed.mkdir(exist_ok=True)
    dataclasses.replace(description, shards=shards).save(renamed)
    store.put(renamed / FILE_NAME, FILE_NAME)
    for name in there:
        if SHARD.fullmatch(name) and name not in names.values():
            store.remove(name)


def remote_name(shard: Mapping[str, Any]) -> str:
    """Return the name of a shard with the start of its checksum."""
    stem, _, suffix = shard["name"].rpartition(".")
    return f"{stem}-{shard['sha256'][:8]}.{suffix}"
