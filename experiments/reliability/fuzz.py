"""Fuzz a reader by coverage: python -m experiments.reliability.fuzz --reader=extxyz -runs=100000

Needs atheris (pip install atheris, Linux); without it this says so and does nothing. Any exception
but `ConfigError` ends the fuzzing, and the input that made it is left in the working folder. Flags
with one dash are libFuzzer's.
"""

import contextlib
import io
import logging
import sys
import tempfile
import warnings
from pathlib import Path

MISSING = "atheris is not installed: pip install atheris. Nothing was fuzzed."
ENDINGS = {
    **{name: f".{name}" for name in ("extxyz", "traj", "db", "cif", "xsf", "npz")},
    **{"vasp": ".vasp", "packed": ".extxyz.gz", "state": ".json"},
}


def reader_of(name):
    """Return the function that reads a file of a kind."""
    from keras_ruo2.io.samples import read_samples
    from keras_ruo2.io.state import read_state
    from keras_ruo2.io.structures import read_structures
    from keras_ruo2.structure.door import usable_structures

    def structures(path):
        return usable_structures(path, read_structures(path), skip=True)

    special = {"npz": read_samples, "state": lambda path: read_state(path, "Delete it.")}
    return special.get(name, structures)


def target_of(name, folder):
    """Return a function that gives bytes to a reader, as a file."""
    from keras_ruo2.errors import ConfigError

    read, path = reader_of(name), Path(folder) / f"some{ENDINGS[name]}"

    def target(content):
        path.write_bytes(content)
        with contextlib.suppress(ConfigError), contextlib.redirect_stderr(io.StringIO()):
            read(path)

    return target


def main(words):
    """Fuzz the reader that --reader names; return the exit status."""
    names = [word.partition("=")[2] for word in words if word.startswith("--reader=")]
    if len(names) != 1 or names[0] not in ENDINGS:
        print(f"Give --reader=NAME, one of {', '.join(ENDINGS)}.")
        return 2
    try:
        import atheris
    except ImportError:
        print(MISSING)
        return 0
    logging.disable()
    warnings.simplefilter("ignore")
    ours = atheris.instrument_imports(include=["keras_ruo2", "ase"])  # all would take minutes
    with tempfile.TemporaryDirectory() as folder, ours:
        target = target_of(names[0], folder)
        flags = [word for word in words if not word.startswith("--")]
        atheris.Setup(["fuzz", *flags], target)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
