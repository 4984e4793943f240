"""What happens besides the updates: metrics and pictures."""

from __future__ import annotations

import csv
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ruo2 import runs
from keras_ruo2.io import messages
from keras_ruo2.io.paths import atomic_write
from keras_ruo2.plotting import style
from keras_ruo2.runs.metrics import rows_until
from keras_ruo2.species import SPECIES, Pair
from keras_ruo2.training.board import Board
from keras_ruo2.training.checkpoints import take_up_means
from keras_ruo2.training.evaluator import Evaluator
from keras_ruo2.training.every import Every, check_finite, synchronise

PICTURE_SAMPLES = {2: 24, 3: 6}  # by dimensions; each whole grid has two views
LARGE: dict[str, Any] = {"columns": style.VIEW_COLUMNS, "size": style.VIEW}  # of whole grids
COLUMNS = 6


class Recorder(Every):
    """Write a row of metrics.csv and TensorBoard's numbers, and show progress.

    The losses of a row are means over the steps since the row before.

    Args:
        run: Run folder.
        board: `Board`.
        evaluator: `Evaluator`.
        evaluate_every: Steps between evaluations.
        minutes: Stop after this much training; `None` for never.
        interval: Steps between rows.
        last_step: Step of the run's last update.
    """

    def __init__(
        self,
        run: Path,
        board: Board,
        evaluator: Evaluator,
        evaluate_every: int,
        *,
        minutes: float | None,
        **schedule: int,
    ) -> None:
        super().__init__(**schedule)
        self.run = Path(run)
        self.path = self.run / runs.METRICS
        self.board, self.evaluator, self.evaluate_every = board, evaluator, evaluate_every
        self.limit = math.inf if minutes is None else 60 * minutes
        self.scored: tuple[int | None, dict[str, float]] = (None, {})

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        self.columns = ["step", "seconds", *self.model.means, *self.evaluator.names]
        self.seconds = drop_rows_after(self.path, self.step, self.columns)
        self.bar = keras.utils.Progbar(self.last_step, stateful_metrics=self.columns)
        self.row_step, self.row_seconds = self.step, self.seconds

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        take_up_means(self.model, self.run, self.step)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self.clock = time.perf_counter()  # evaluations and pictures are not training time

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        logs = {name: float(value) for name, value in (logs or {}).items()}
        self.seconds += time.perf_counter() - self.clock
        check_finite(logs, self.step + 1, self.run)
        self.model.stop_training = self.seconds > self.limit
        super().on_train_batch_end(batch, logs)
        if sys.stdout.isatty():
            self.bar.update(self.step, list(short(logs).items()))

    def is_due(self, interval: int) -> bool:
        return super().is_due(interval) or super().is_due(self.evaluate_every)

    def act(self, logs: Mapping[str, Any] | None) -> None:
        row = {"step": self.step, "seconds": self.seconds} | dict(logs or {})
        synchronise(self.model)
        if super().is_due(self.evaluate_every):
            scores = self.evaluator(self.model)
            self.scored = (self.step, {name: float(value) for name, value in scores.items()})
            row |= scores
            self.warn()
        append_row(self.path, row, self.columns)
        per_step = (self.seconds - self.row_seconds) / max(self.step - self.row_step, 1)
        numbers = {name: value for name, value in row.items() if name not in ("step", "seconds")}
        self.board.scalars(numbers | {"seconds_per_step": per_step}, self.step)
        if not sys.stdout.isatty():
            values = "  ".join(f"{name} {value:.4g}" for name, value in short(row).items())
            messages.info(f"step {self.step}/{self.last_step}  {values}")
        self.model.reset_metrics()
        self.row_step, self.row_seconds = self.step, self.seconds

    def warn(self) -> None:
        """Say on the terminal what looks wrong in what is drawn."""
        slabs = self.evaluator.slab_scores
        if slabs and slabs.text and not sys.stdout.isatty():
            messages.info(f"Slabs that are not valid at step {self.step}: {slabs.text}")
        if text := self.evaluator.collapse.text:
            begin = "\n" if sys.stdout.isatty() else ""  # below the progress bar
            messages.warning(f"{begin}Alarm at step {self.step}: {text}")

    @property
    def verdict(self) -> str:
        """Why the run should end, in words; empty if it should not."""
        return self.evaluator.collapse.verdict

    def scores_at(self, step: int) -> dict[str, float]:
        """Return the scores that were measured at a step, an empty dict if none were."""
        return self.scored[1] if self.scored[0] == step else {}


class Pictures(Every):
    """Draw what the averaged generator makes of the same noise, as a file and for TensorBoard.

    Args:
        run: Run folder.
        board: `Board`.
        noise: Noise vectors, shape `(n, latent_size)`.
        unscale: Function from scaled lengths to Å.
        classes: Number of classes that the generator is told; 0 for none. Then each class has a
            row of its own, drawn from the same noise.
        real_lengths: Lengths of held-out records in Å, shape `(n, num_lengths)`.
        ndim: Dimensions of the grids.
        species: Metal and anion.
        interval: Steps between pictures.
        last_step: Step of the run's last update.
    """

    def __init__(
        self,
        run: Path,
        board: Board,
        noise: np.ndarray,
        unscale: Callable[[np.ndarray], np.ndarray],
        *,
        classes: int,
        real_lengths: np.ndarray,
        ndim: int = 2,
        species: Pair = SPECIES,
        **schedule: int,
    ) -> None:
        super().__init__(**schedule)
        self.folder = Path(run) / runs.PICTURES
        self.folder.mkdir(exist_ok=True)
        self.board, self.unscale, self.real_lengths = board, unscale, real_lengths
        self.species = species
        self.rows: list[str] = []
        self.inputs: np.ndarray | list[np.ndarray] = noise[: PICTURE_SAMPLES[ndim]]
        self.look = LARGE if ndim == 3 else {"columns": COLUMNS}
        columns = self.look["columns"]
        if classes:
            self.rows = [f"class {number}" for number in range(classes)]
            labels = np.repeat(np.arange(classes, dtype="int32"), columns)
            self.inputs = [np.tile(noise[:columns], (classes, 1)), labels]

    def act(self, logs: Mapping[str, Any] | None) -> None:
        synchronise(self.model)
        made = self.model(self.inputs)
        lengths = None
        if "lattice" in made:
            lengths = self.unscale(keras.ops.convert_to_numpy(keras.ops.sigmoid(made["lattice"])))
            self.write_lengths(lengths)
        grids = keras.ops.convert_to_numpy(made["grid"])
        path = self.folder / f"step-{self.step:08d}.png"
        panels = style.views(f"Generated, step {self.step}", grids, lengths)
        figure = style.sample_sheet(panels, rows=self.rows, **self.look)
        pixels = style.save_figure(figure, path, self.species)
        self.board.picture("samples", pixels, self.step)
        self.board.flush()

    def write_lengths(self, lengths: np.ndarray) -> None:
        """Write the distribution of generated lattice lengths beside that of real ones."""
        axes = "xyz" if lengths.shape[1] == 3 else ("lateral", "z")
        for number, axis in enumerate(axes):
            self.board.histogram(f"lattice_{axis}/generated", lengths[:, number], self.step)
            self.board.histogram(f"lattice_{axis}/real", self.real_lengths[:, number], self.step)


def append_row(path: Path, row: Mapping[str, Any], columns: Sequence[str]) -> None:
    """Append a row to a CSV file and begin the file with its columns."""
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        if not file.tell():
            writer.writeheader()
        writer.writerow({name: shorter(value) for name, value in row.items()})


def drop_rows_after(path: Path, step: int, columns: list[str]) -> float:
    """Forget rows beyond the checkpoint that a run goes on from; return its training seconds.

    Args:
        path: File of the rows.
        step: Step of the checkpoint.
        columns: List of the columns to come. Those that only earlier rows have, written by another
            version, are added to it.
    """
    if not path.is_file():
        return 0.0
    kept = rows_until(path, step)
    columns += [name for name in (kept[0] if kept else ()) if name not in columns]
    if not kept:
        path.unlink()
        return 0.0
    with atomic_write(path, path.with_suffix(".partial")) as partial:
        partial.unlink(missing_ok=True)
        for row in kept:
            append_row(partial, row, columns)
    return float(kept[-1]["seconds"])


def shorter(value: Any) -> Any:
    """Return a float with six significant digits, anything else as it is."""
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else value


def short(values: Mapping[str, Any]) -> dict[str, float]:
    """Return what a progress line has room for."""
    wanted = ("critic_loss", "generator_loss", "critic_lattice_loss", "held_out_ratio")
    return {name: float(values[name]) for name in wanted if name in values}
