"""Records for object storage: built in a folder on this machine, then copied there."""

import dataclasses
import hashlib
import json
import shutil

from keras_ruo2 import runs
from keras_ruo2.data.description import FILE_NAME, checksum
from keras_ruo2.data.stores import open_store
from keras_ruo2.data.upload import check_vacant, upload
from keras_ruo2.errors import check_writable
from keras_ruo2.paths import cache_folder, structure_files

REQUEST = "request.json"


def publish(config, build):
    """Build records for an address and copy them there.

    They stay on this machine until all of them are there: repeating an interrupted command copies
    what is missing, and builds again only if its settings, its structures or the code differ.

    Args:
        config: `RecordsConfig` whose `out` is a `RemoteFolder`.
        build: Function that builds records in a folder, `out` of the config that it is given.

    Raises:
        ConfigError: If the address cannot be written; what is built is kept.
    """
    store = open_store(config.out)
    check_vacant(store, config.overwrite)
    key = hashlib.sha256(str(config.out).encode()).hexdigest()[:16]
    place = cache_folder() / "outgoing" / f"{config.out.name}-{key}"
    check_writable(place)
    records, request = place / "records", describe(config)
    if read_request(place) != request:  # what an earlier build has left is of no use
        shutil.rmtree(records, ignore_errors=True)
        (place / REQUEST).write_text(request)
    if not (records / FILE_NAME).is_file():
        build(dataclasses.replace(config, out=records, overwrite=False))
    upload(records, store)
    shutil.rmtree(place)
    print(f"{config.out}: whole.")


def describe(config):
    """Return what the content of records depends on, as text."""
    values = config.as_dict() | {
        "sha256": checksum(*structure_files("structures", config.structures)),
        "code": runs.code_fingerprint(),
    }
    return json.dumps({name: value for name, value in values.items() if name != "overwrite"})


def read_request(place):
    """Return what the records in a folder were built for, `None` where there are none."""
    path = place / REQUEST
    return path.read_text() if path.is_file() else None
