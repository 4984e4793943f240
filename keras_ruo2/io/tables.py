"""CSV files of texts that come from elsewhere: none of them becomes a formula of a spreadsheet."""

import csv
from contextlib import contextmanager

from keras_ruo2.io.paths import atomic_write

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class Writer:
    """Writes rows as `csv.writer` does, a quote before each text that a spreadsheet would run.

    Args:
        file: File, opened with `newline=""`.
    """

    def __init__(self, file):
        self.rows = csv.writer(file)

    def writerow(self, row):
        """Write a row."""
        self.rows.writerow([harmless(value) for value in row])


@contextmanager
def table_writer(path):
    """Give a `Writer` of a CSV file, which appears whole or not at all."""
    with atomic_write(path) as partial, open(partial, "w", newline="") as file:
        yield Writer(file)


def harmless(value):
    """Return a value for a cell; what is a number stays one."""
    if not isinstance(value, str) or not value.startswith(FORMULAS) or is_number(value):
        return value
    return f"'{value}"


def is_number(text):
    """Say whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
