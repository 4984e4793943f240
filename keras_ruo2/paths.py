"""Where the bundled data are, where output goes by default, and how it gets there whole."""

import os
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RECORDS = Path("tfrecords")
RUNS = Path("runs")


def shown(path):
    """Return `path` relative to the working directory where it lies below it."""
    path = Path(path)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


@contextmanager
def whole(path):
    """Give a path beside `path` to write to; what was written replaces `path` at the end.

    It has the same ending, which some writers go by. If the writing fails, `path` is as it was.
    """
    partial = Path(path).with_name(f".partial.{Path(path).name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


BUNDLED_STRUCTURES = REPOSITORY / "tfrecords" / "gap.extxyz"
