"""Pieces of work for pools."""

import importlib
import os
import signal
from pathlib import Path


def double(value):
    return 2 * value


def die_once(marker, value):
    """Kill this process the first time, and give `value` the second."""
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def load(name):
    importlib.import_module(name)
