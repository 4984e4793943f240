"""What TensorBoard shows, written without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from tensorboardX import SummaryWriter
from tensorboardX.summary import hparams

if TYPE_CHECKING:
    from pathlib import Path


NOT_VARIED = (
    "run",
    "resume",
    "config",
    "records",
    "log_every",
    "evaluate_every",
    "keep",
    "stop_on_collapse",
    "tracker",
)


class Board:
    """Write events of a run.

    Args:
        folder: Folder for the events.
    """

    def __init__(self, folder: Path) -> None:
        self.writer = SummaryWriter(str(folder), flush_secs=10)

    def settings(self, resolved: Mapping[str, Any], metrics: Iterable[str]) -> None:
        """Write the settings of a run, for the view that compares runs.

        Args:
            resolved: Dict of settings.
            metrics: Names of metrics that the view lists.
        """
        values = varied(resolved)
        for summary in hparams(values, {metric_group(name): 0.0 for name in metrics}):
            self.writer.file_writer.add_summary(summary)

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Write numbers, each in its group; those that are unknown (NaN) are left out."""
        known = {name: value for name, value in values.items() if not np.isnan(value)}
        for name, value in known.items():
            self.writer.add_scalar(metric_group(name), float(value), step)

    def picture(self, name: str, pixels: np.ndarray, step: int) -> None:
        """Write a picture, an array of uint8 `(height, width, 3)`."""
        self.writer.add_image(name, pixels, step, dataformats="HWC")

    def histogram(self, name: str, values: ArrayLike, step: int) -> None:
        """Write how values are distributed."""
        self.writer.add_histogram(name, np.asarray(values, dtype=float).ravel(), step)

    def flush(self) -> None:
        """Make sure that everything is on disk."""
        self.writer.flush()


def varied(resolved: Mapping[str, Any]) -> dict[str, bool | int | float | str]:
    """Return the settings by which runs are compared, as numbers, truths and texts."""
    return {
        name: value if isinstance(value, (bool, int, float, str)) else str(value)
        for name, value in resolved.items()
        if name not in NOT_VARIED and value is not None
    }


def metric_group(name: str) -> str:
    """Return the name under which TensorBoard shows a metric."""
    if name.startswith("collapse") and "_class_" in name:
        return f"collapse_by_class/{name}"
    if name.startswith(("held_out", "lattice", "label")):
        return f"evaluation/{name}"
    if name.startswith(("seconds", "steps_per", "samples_per")):
        return f"time/{name}"
    return f"{name.split('_')[0]}/{name}"
