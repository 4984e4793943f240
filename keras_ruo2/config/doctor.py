"""The configuration of `doctor`."""

from dataclasses import dataclass

from keras_ruo2.config.base import Config


@dataclass(frozen=True, kw_only=True)
class DoctorConfig(Config):
    """Say what is installed, what works and what is missing for which command.

    Every backend that is installed is started in a process of its own, so that a broken one
    shows its error in one line and harms nothing. Ends with status 1 if no backend works.

    Args:
        quick: Start no backend: versions only, at once.
        json: Print the same as JSON.
    """

    quick: bool = False
    json: bool = False
