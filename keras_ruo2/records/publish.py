"""Records for object storage: built in a folder on this machine, then copied there."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Callable

from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.data.description import FILE_NAME
from keras_ruo2.data.stores import open_store
from keras_ruo2.data.upload import check_destination, upload
from keras_ruo2.errors import check_writable
from keras_ruo2.io import messages
from keras_ruo2.io.paths import RemoteFolder, cache_folder
from keras_ruo2.io.state import write_state
from keras_ruo2.records import workplace


def publish(
    config: RecordsConfig, address: RemoteFolder, build: Callable[[RecordsConfig], object]
) -> None:
    """Build records for an address and copy them there.

    They stay on this machine until all of them are there: repeating an interrupted command copies
    what is missing, and builds again only if its settings, its structures or the code differ.

    Args:
        config: `RecordsConfig`.
        address: Where the records go, its `out`.
        build: Function that builds records in a folder, `out` of the config that it is given.

    Raises:
        ConfigError: If the address cannot be written; what is built is kept.
        Busy: If another command is building records for the same address on this machine.
    """
    store = open_store(address)
    check_destination(store, config.overwrite)
    key = hashlib.sha256(str(address).encode()).hexdigest()[:16]
    place = cache_folder() / "outgoing" / f"{address.name}-{key}"
    check_writable(place)
    with workplace.only_user(place):
        records, request = place / "records", workplace.records_request(config)
        if workplace.read_request(place) != request:  # what an earlier build has left is of no use
            shutil.rmtree(records, ignore_errors=True)
            write_state(place / workplace.REQUEST, request)
        if not (records / FILE_NAME).is_file():
            build(dataclasses.replace(config, out=records, overwrite=False))
        upload(records, store)
        shutil.rmtree(place)
    messages.info(f"{address}: whole.")
