"""A trained run -> a small folder to share, with the generator only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_ruo2.io.paths import shown
from keras_ruo2.runs.export import export

if TYPE_CHECKING:
    from keras_ruo2.config.export import ExportConfig


def main(config: ExportConfig) -> None:
    """Write the generator of a run and say how large it is.

    Args:
        config: `ExportConfig`.
    """
    export(config.run, config.out, best=config.checkpoint == "best")
    size = sum(path.stat().st_size for path in config.out.rglob("*") if path.is_file())
    print(f"{shown(config.out)}: {size / 1e6:.1f} MB. Use it as --run={shown(config.out)}.")
