"""The configuration of `export`."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.config.base import Config
from keras_ruo2.config.generate import CHECKPOINTS
from keras_ruo2.errors import check_choice


@dataclass(frozen=True, kw_only=True)
class ExportConfig(Config):
    """Write the generator of a run as a small folder that generate and discover take as --run.

    Args:
        run: Folder of a run.
        out: Folder to be made.
        checkpoint: last, or best by the distance to held-out records.
    """

    run: Path
    out: Path
    checkpoint: str = "last"

    def validate(self) -> None:
        check_choice("checkpoint", self.checkpoint, CHECKPOINTS)
