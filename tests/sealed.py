"""State files with other values, as another command might have written them."""

import json

from keras_ruo2.io.state import SEAL, write_state


def values_of(path):
    """Return the values of a state file, without its seal."""
    return {name: value for name, value in json.loads(path.read_text()).items() if name != SEAL}


def rewrite(path, **changes):
    """Change values of a state file, which gets the seal of the new ones."""
    write_state(path, values_of(path) | changes)
