"""Start a Keras backend before anything imports Keras."""

import importlib
import importlib.util
import os
import sys
import tempfile
from contextlib import contextmanager

from keras_ruo2.errors import ConfigError

BACKENDS = {"tensorflow": "pip install -e '.[cpu]' (or '.[gpu]')"}


def start_backend(name):
    """Choose the Keras backend and import it without its start-up chatter.

    Args:
        name: A key of `BACKENDS`.

    Raises:
        ConfigError: If it is not installed.
    """
    if not importlib.util.find_spec(name):
        raise ConfigError(f"The backend {name!r} is not installed. {BACKENDS[name]}")
    os.environ["KERAS_BACKEND"] = name
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if name in sys.modules:
        return
    with quiet_standard_error():
        importlib.import_module(name)
        importlib.import_module("keras")


@contextmanager
def quiet_standard_error():
    """Hold back what native code writes to standard error; show it if the block fails."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
