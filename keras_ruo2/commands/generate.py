"""`generate`: check the run, then draw samples."""

from keras_ruo2 import runs
from keras_ruo2.backend import find_backend, start_backend
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.variants import VARIANTS


def main(config):
    """Check the run and the class, then draw samples.

    Args:
        config: `GenerateConfig`.

    Raises:
        ConfigError: Before anything slow starts.
    """
    saved = runs.load_trained(config.run)
    if config.label is not None:
        check_label(config.label, saved)
    if config.checkpoint == "best" and runs.best_checkpoint(config.run) is None:
        raise ConfigError(
            f"{config.run} has no checkpoint with a measured distance. Use --checkpoint=last."
        )
    runs.sound_checkpoint(config.run, best=config.checkpoint == "best")
    check_writable(config.out.parent)
    start_backend(config.backend or find_backend(saved["config"]["backend"]))
    from keras_ruo2.generate import generate

    generate(config, saved)


def check_label(label, saved):
    """Raise `ConfigError` unless the run's generator is told classes and this is one of them."""
    variant = saved["resolved"]["variant"]
    if not VARIANTS[variant].label:
        raise ConfigError(
            f"--label={label}: {variant} is told no classes. Leave --label out, or train a "
            "labelled variant, e.g. joint2d."
        )
    names = saved["data"]["class_names"]
    if not 0 <= label < len(names):
        listed = "; ".join(f"{number}: {name}" for number, name in enumerate(names))
        raise ConfigError(f"--label={label} is no class of the run. Its classes are {listed}.")
