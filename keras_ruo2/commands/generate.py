"""`generate`: check the run, then draw samples."""

from keras_ruo2 import runs
from keras_ruo2.backend import start_backend
from keras_ruo2.errors import ConfigError, check_writable


def main(config):
    """Check the run, then draw samples.

    Args:
        config: `GenerateConfig`.

    Raises:
        ConfigError: Before anything slow starts.
    """
    if not runs.exists(config.run):
        raise ConfigError(
            f"{config.run} holds no trained run. Train one: "
            f"python -m keras_ruo2 train --variant=lattice2d --run={config.run}"
        )
    saved = runs.load(config.run)
    check_writable(config.out.parent)
    start_backend(saved["config"]["backend"])
    from keras_ruo2.generate import generate

    generate(config, saved)
