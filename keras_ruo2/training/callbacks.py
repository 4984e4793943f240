"""What happens besides the updates: metrics, pictures, checkpoints."""

import csv
import math
import os
import shutil
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_ruo2 import plotting, runs
from keras_ruo2.errors import ConfigError

PICTURE_SAMPLES = 24


class Every(keras.callbacks.Callback):
    """Base of callbacks that act every `interval` steps and after the last one.

    Args:
        interval: Steps between two actions.
        last_step: Step of the run's last update.
    """

    def __init__(self, interval, last_step):
        super().__init__()
        self.interval, self.last_step = interval, last_step

    def on_train_begin(self, logs=None):
        self.step = int(self.model.step)

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.is_due(self.interval):
            self.act(logs)

    def is_due(self, interval):
        """Say whether the update that has just been made is the last or ends an interval."""
        return self.step % interval == 0 or self.is_last()

    def is_last(self):
        """Say whether the update that has just been made is the run's last."""
        return self.step == self.last_step or self.model.stop_training


class Recorder(Every):
    """Write a row of metrics.csv and TensorBoard's scalars, and show progress.

    The losses of a row are means over the steps since the row before.

    Args:
        run: Run folder.
        board: TensorBoard writer.
        evaluator: `Evaluator`.
        evaluate_every: Steps between evaluations.
        minutes: Stop after this much training; `None` for never.
        interval: Steps between rows.
        last_step: Step of the run's last update.
    """

    def __init__(self, run, board, evaluator, evaluate_every, *, minutes, **schedule):
        super().__init__(**schedule)
        self.path = Path(run) / runs.METRICS
        self.board, self.evaluator, self.evaluate_every = board, evaluator, evaluate_every
        self.limit = math.inf if minutes is None else 60 * minutes

    def on_train_begin(self, logs=None):
        super().on_train_begin(logs)
        self.columns = ["step", "seconds", *self.model.means, *self.evaluator.names]
        self.seconds = drop_rows_after(self.path, self.step)
        self.bar = keras.utils.Progbar(self.last_step, stateful_metrics=self.columns)
        self.row_step, self.row_seconds = self.step, self.seconds

    def on_train_batch_begin(self, batch, logs=None):
        self.clock = time.perf_counter()  # evaluations and pictures are not training time

    def on_train_batch_end(self, batch, logs=None):
        self.seconds += time.perf_counter() - self.clock
        self.model.stop_training = self.seconds > self.limit
        super().on_train_batch_end(batch, logs)
        if sys.stdout.isatty():
            self.bar.update(self.step, list(short(logs).items()))

    def is_due(self, interval):
        return super().is_due(interval) or super().is_due(self.evaluate_every)

    def act(self, logs):
        check_finite(logs, self.step)
        row = {"step": self.step, "seconds": self.seconds} | logs
        if super().is_due(self.evaluate_every):
            row |= self.evaluator(self.model)
        append_row(self.path, row, self.columns)
        rate = (self.step - self.row_step) / max(self.seconds - self.row_seconds, 1e-9)
        with self.board.as_default(step=self.step):
            for name in row.keys() - {"step", "seconds"}:
                tf.summary.scalar(group(name), row[name])
            tf.summary.scalar("time/steps_per_second", rate)
        if not sys.stdout.isatty():
            values = "  ".join(f"{name} {value:.4g}" for name, value in short(row).items())
            print(f"step {self.step}/{self.last_step}  {values}", flush=True)
        self.model.reset_metrics()
        self.row_step, self.row_seconds = self.step, self.seconds


class Pictures(Every):
    """Draw what the averaged generator makes of the same noise, as a file and for TensorBoard.

    Args:
        run: Run folder.
        board: TensorBoard writer.
        noise: Noise vectors, shape `(n, latent_size)`.
        unscale: Function from scaled lengths to Å.
        interval: Steps between pictures.
        last_step: Step of the run's last update.
    """

    def __init__(self, run, board, noise, unscale, **schedule):
        super().__init__(**schedule)
        self.folder = Path(run) / runs.PICTURES
        self.folder.mkdir(exist_ok=True)
        self.board, self.noise, self.unscale = board, noise, unscale

    def act(self, logs):
        made = self.model(self.noise)
        lengths = None
        if "lattice" in made:
            lengths = self.unscale(keras.ops.convert_to_numpy(keras.ops.sigmoid(made["lattice"])))
        grids = keras.ops.convert_to_numpy(made["grid"])
        path = self.folder / f"step-{self.step:08d}.png"
        title = f"Generated, step {self.step}"
        plotting.save(plotting.sample_sheet({title: (grids, lengths)}), path)
        with self.board.as_default(step=self.step):
            tf.summary.image("samples", tf.io.decode_png(path.read_bytes(), channels=3)[None])


class Checkpoints(Every):
    """Save the whole state and, by itself, the averaged generator; keep the last few.

    Args:
        run: Run folder.
        keep: Checkpoints that are kept.
        interval: Steps between checkpoints.
        last_step: Step of the run's last update.
    """

    def __init__(self, run, keep, **schedule):
        super().__init__(**schedule)
        self.run, self.keep = Path(run), keep

    def act(self, logs):
        check_finite(logs, self.step)
        self.save()

    def save(self):
        """Write a checkpoint folder, which takes its name when it is whole.

        Raises:
            ConfigError: If a weight is NaN or infinite; the checkpoints before are kept then.
        """
        step = int(self.model.step)
        networks = (self.model.generator, self.model.critic)
        if not all(np.isfinite(w).all() for model in networks for w in model.get_weights()):
            raise ConfigError(diverged("weights", step))
        final = self.run / runs.CHECKPOINTS / runs.STEP_NAME.format(step)
        partial = final.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self.model.save_weights(partial / runs.TRAINING_WEIGHTS)
        self.model.averaged.save_weights(partial / runs.GENERATOR_WEIGHTS)
        shutil.rmtree(final, ignore_errors=True)
        os.replace(partial, final)
        for old in runs.checkpoints(self.run)[: -self.keep]:
            shutil.rmtree(old)


def check_finite(logs, step):
    """Raise `ConfigError` if a loss is NaN or infinite."""
    broken = [name for name, value in logs.items() if not np.isfinite(value)]
    if broken:
        raise ConfigError(diverged(", ".join(broken), step))


def diverged(what, step):
    """Return the message of a run that has diverged."""
    return (
        f"{what} became NaN or infinite by step {step}. Earlier checkpoints are kept: resume with "
        "a lower --learning_rate, or start again."
    )


def append_row(path, row, columns):
    """Append a row to a CSV file and begin the file with its columns."""
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        if not file.tell():
            writer.writeheader()
        writer.writerow({name: shorter(value) for name, value in row.items()})


def drop_rows_after(path, step):
    """Forget rows beyond the checkpoint that a run goes on from; return its training seconds."""
    if not path.is_file():
        return 0.0
    rows = runs.read_metrics(path)
    kept = [row for row in rows if int(row["step"]) <= step]
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    for row in kept:
        append_row(partial, row, list(row))
    if kept:
        os.replace(partial, path)
        return float(kept[-1]["seconds"])
    path.unlink()
    return 0.0


def shorter(value):
    """Return a float with six significant digits, anything else as it is."""
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else value


def short(values):
    """Return what a progress line has room for."""
    wanted = ("critic_loss", "generator_loss", "critic_lattice_loss", "held_out_ratio")
    return {name: float(values[name]) for name in wanted if name in values}


def group(name):
    """Return the name under which TensorBoard shows a metric."""
    room = "evaluation" if name.startswith(("held_out", "lattice")) else name.split("_")[0]
    return f"{room}/{name}"
