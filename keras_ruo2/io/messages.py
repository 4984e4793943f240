"""What commands say: log records of `keras_ruo2`, which a command line prints as they are."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LOGGER = logging.getLogger("keras_ruo2")
info, warning = LOGGER.info, LOGGER.warning


class ToTerminal(logging.Handler):
    """Print records: warnings on standard error, the rest on standard output."""

    def emit(self, record: logging.LogRecord) -> None:
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        print(self.format(record), file=stream, flush=True)


def to_terminal() -> None:
    """Print what is said from now on; a program that imports the package sees warnings only."""
    if not any(isinstance(handler, ToTerminal) for handler in LOGGER.handlers):
        LOGGER.addHandler(ToTerminal())
        LOGGER.setLevel(logging.INFO)


@contextmanager
def printed_messages(wanted: bool = True) -> Iterator[None]:
    """Print what is said within, unless the program's own logging takes it."""
    before, level = list(LOGGER.handlers), LOGGER.level
    if wanted and not (before or logging.getLogger().handlers):
        to_terminal()
    try:
        yield
    finally:
        LOGGER.handlers[:] = before
        LOGGER.setLevel(level)
