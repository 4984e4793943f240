"""Fuzz a reader by coverage: python -m experiments.reliability.fuzz --reader=extxyz -runs=100000

Needs atheris (pip install atheris, Linux); without it this says so and does nothing. Any exception
but `ConfigError` ends the fuzzing, and the input that made it is left in the working folder, as is
one that takes too long or too much memory. Each reader begins with a whole file; files with a
checksum get a right one, so that their values are tried as well. Flags with one dash are
libFuzzer's, e.g. -max_total_time=120 -timeout=20 -rss_limit_mb=2000.
"""

import contextlib
import io
import logging
import shutil
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

MISSING = "atheris is not installed: pip install atheris. Nothing was fuzzed."
STRUCTURES = {name: f"some.{name}" for name in ("extxyz", "traj", "db", "cif", "xsf", "vasp")}
STRUCTURES["packed"] = "some.extxyz.gz"
FILES = STRUCTURES | {"npz": "some.npz", "npy": "some.npz", "state": "some.json"}
# What a command reads in a folder of its own: a case of `tests.damage_cases`.
CASES = {
    "dataset": "dataset.json",
    "shard": "shard",
    "payload": "shard",
    "config": "config.json of a run",
    "metrics": "metrics.csv",
    "checkpoint": "checksums.json",
    "chain": "chain's checkpoint",
    "settings": "settings.json of a search",
    "survey": "survey.json of a build",
    "discover": "config.json of discover",
    "relaxed": "relaxed so far",
}
READERS = (*FILES, *CASES)


def reader_of(name):
    """Return the function that reads a file of a kind."""
    from keras_ruo2.io.samples import read_samples
    from keras_ruo2.io.state import read_state
    from keras_ruo2.io.structures import read_structures
    from keras_ruo2.structure.door import usable_structures

    def structures(path):
        return usable_structures(path, read_structures(path), skip=True)

    special = {
        "npz": read_samples,
        "npy": lambda path: read_samples(path, (18.0, 18.0)),
        "state": lambda path: read_state(path, "Delete it."),
    }
    return special.get(name, structures)


def in_file(name, folder):
    """Return a function that gives bytes to a reader as a file, and bytes of a whole file."""
    read, path = reader_of(name), Path(folder) / FILES[name]

    def target(content):
        path.write_bytes(zipped(content) if name == "npy" else as_state(name, content))
        read(path)

    return target, whole_file(name, path)


def whole_file(name, path):
    """Return the bytes of a file of a kind, empty where none is at hand."""
    import ase.io
    import numpy as np

    from keras_ruo2.io.state import state_text
    from tests.damage_cases import slabs

    if name == "state":
        return state_text({"a": [1, 0.5, None], "b": {"c": "d"}}).encode()
    if name == "npy":
        content = io.BytesIO()
        np.save(content, np.ones((1, 2, 2, 2), "f4"))
        return content.getvalue()
    if name == "npz":
        np.savez(path, grid=np.ones((1, 2, 2, 2), "f4"), lattice=np.full((1, 2), 18.0))
    elif name == "vasp":
        ase.io.write(path, slabs(1)[0])
    else:
        ase.io.write(path, [slab[:8] for slab in slabs(1)])
    return path.read_bytes()


def in_folder(name, folder):
    """Return a function that reads a folder in which a file has given bytes, and those it had."""
    from keras_ruo2.data.tfrecord import framed
    from tests import damage_cases

    case = next(case for case in damage_cases.CASES if case.name == CASES[name])
    make, use = damage_cases.MAKERS[case.group]
    whole, now = Path(folder) / "whole", Path(folder) / "now"
    now.mkdir()
    make(now)
    shutil.copytree(now, whole)
    file, content = now / case.file, (whole / case.file).read_bytes()
    records = unframed(content) if name == "payload" else [content]
    use = read_shard if case.file.endswith("tfrecord") else use

    def target(content):
        shutil.rmtree(now)
        shutil.copytree(whole, now)
        if name == "payload":
            file.write_bytes(framed(content) * len(records))
        else:
            file.write_bytes(as_state(file.name, content))
        use(now)

    return target, records[0]


def read_shard(folder):
    """Read a record without a look at the checksum of the whole shard."""
    import numpy as np

    from keras_ruo2.data.description import TRAINING, load_description
    from keras_ruo2.data.reader import Records

    place = folder / "records"
    Records(place, load_description(place), TRAINING).read(np.arange(1))


def unframed(content):
    """Return the records of a shard."""
    from keras_ruo2.data.tfrecord import payload_at, record_spans

    return [payload_at(content, *span) for span in record_spans(content)]


def as_state(name, content):
    """Return bytes of JSON with a right seal if they hold names and values, others as they are."""
    import json

    from keras_ruo2.io.state import SEAL, state_text

    if not name.endswith(("json", "state")):
        return content
    try:
        values = json.loads(content)
        values.pop(SEAL, None)
        return state_text(values).encode()
    except (AttributeError, TypeError, ValueError, RecursionError):
        return content


def zipped(content):
    """Return an .npz file of one array, `grid`, with the bytes of its .npy file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("grid.npy", content)
    return packed.getvalue()


def answered(target):
    """Return a function that gives bytes to a reader, which may refuse them."""
    from keras_ruo2.errors import ConfigError
    from keras_ruo2.io.state import SAID

    def quiet(content):
        SAID.clear()
        silent = contextlib.redirect_stderr(io.StringIO())
        with contextlib.suppress(ConfigError), silent, contextlib.redirect_stdout(io.StringIO()):
            target(content)

    return quiet


def prepared(name, folder):
    """Return what gives bytes to a reader, and bytes to begin with."""
    target, content = (in_file if name in FILES else in_folder)(name, folder)
    return answered(target), content


def main(words):
    """Fuzz the reader that --reader names; return the exit status."""
    names = [word.partition("=")[2] for word in words if word.startswith("--reader=")]
    if len(names) != 1 or names[0] not in READERS:
        print(f"Give --reader=NAME, one of {', '.join(READERS)}.")
        return 2
    try:
        import atheris
    except ImportError:
        print(MISSING)
        return 0
    logging.disable()
    warnings.simplefilter("ignore")
    ours = atheris.instrument_imports(include=["keras_ruo2", "ase"])  # all would take minutes
    with tempfile.TemporaryDirectory() as folder:
        with ours:
            target, content = prepared(names[0], folder)
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        (corpus / "whole").write_bytes(content)
        flags = [word for word in words if not word.startswith("--")]
        atheris.Setup(["fuzz", *flags, str(corpus)], target)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
