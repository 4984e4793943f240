"""CSV files of texts that come from elsewhere: none of them becomes a formula of a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from keras_ruo2.io.paths import atomic_write

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class Writer:
    """Writes rows as `csv.writer` does, a quote before each text that a spreadsheet would run.

    Args:
        file: File, opened with `newline=""`.
    """

    def __init__(self, file: IO[str]) -> None:
        self.rows = csv.writer(file)

    def writerow(self, row: Iterable[object]) -> None:
        """Write a row."""
        self.rows.writerow([harmless(value) for value in row])


@contextmanager
def table_writer(path: Path) -> Iterator[Writer]:
    """Give a `Writer` of a CSV file, which appears whole or not at all."""
    with atomic_write(path) as partial, open(partial, "w", newline="") as file:
        yield Writer(file)


def harmless(value: object) -> object:
    """Return a value for a cell; what is a number stays one."""
    if not isinstance(value, str) or not value.startswith(FORMULAS) or is_number(value):
        return value
    return f"'{value}"


def is_number(text: str) -> bool:
    """Say whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
