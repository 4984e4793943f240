"""The callbacks of a run and the records that they look at."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.data.description import FEWEST_HELD_OUT, HELD_OUT, TRAINING
from keras_ruo2.data.labels import class_numbers, draw_classes
from keras_ruo2.data.pipeline import read_sample
from keras_ruo2.io import messages
from keras_ruo2.models.architectures import ARCHITECTURES
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.structure.cells import unscale_lengths
from keras_ruo2.training.callbacks import Pictures, Recorder
from keras_ruo2.training.checkpoints import Checkpoints
from keras_ruo2.training.evaluator import NUM_IMAGES, Evaluator
from keras_ruo2.training.pace import Pace, cheaper_settings
from keras_ruo2.training.trackers import make_board

if TYPE_CHECKING:
    from pathlib import Path

    import keras

    from keras_ruo2.config import CompleteTrainConfig
    from keras_ruo2.data.description import Description
    from keras_ruo2.training.slab_scores import SlabScores


def make_callbacks(
    config: CompleteTrainConfig,
    description: Description,
    counts: Sequence[int],
    last_step: int,
    out: Path,
    slab_scores: SlabScores | None = None,
) -> list[keras.callbacks.Callback]:
    """Return the run's callbacks, the checkpoints last.

    Args:
        config: `CompleteTrainConfig`.
        description: `Description` of the records.
        counts: Training records in each class.
        last_step: Step of the run's last update.
        out: Folder that this process writes.
        slab_scores: `SlabScores` where the generator places atoms.
    """
    variant = VARIANTS[config.variant]
    bounds = (np.array(description.lattice_minimum), np.array(description.lattice_maximum))
    unscale = functools.partial(unscale_lengths, minimum=bounds[0], maximum=bounds[1])
    rng = np.random.default_rng(config.seed)
    count = NUM_IMAGES[variant.ndim]
    noise = rng.normal(size=(count, config.latent_size)).astype("float32")
    held_out, training = evaluation_samples(config, description, count)
    labels = {}
    if variant.label:
        labels["labels"] = draw_classes(counts, count, rng)
        labels["held_out_labels"] = class_numbers(held_out, description, config.label_by)
        labels["training_labels"] = class_numbers(training, description, config.label_by)
    known: dict[str, Any] = labels | {"lattice": variant.lattice, "alpha": description.alpha}
    known["slab_scores"] = slab_scores
    known["yardstick"] = description.is_yardstick
    evaluator = Evaluator(held_out, training, noise, unscale, **known)
    evaluator.collapse.species = description.species
    board = make_board(out, config.tracker, str(config.run))
    board.settings(runs.resolve(config), evaluator.names)
    often = {"interval": config.log_every, "last_step": last_step}
    rarely = {"interval": config.evaluate_every, "last_step": last_step}
    recorder = Recorder(
        out, board, evaluator, config.evaluate_every, minutes=config.minutes, **often
    )
    classes = len(counts) if variant.label else 0
    drawn: dict[str, Any] = {"classes": classes, "real_lengths": held_out["lattice"]}
    drawn |= {"species": description.species, "ndim": variant.ndim}
    pictures = Pictures(out, board, noise, unscale, **drawn | rarely)
    resolved = runs.resolve(config)
    new = config.cheaper_if_slow and not runs.checkpoints(out)
    usable = ARCHITECTURES[resolved["arch"]].usable
    cheaper = cheaper_settings(resolved) if new else None
    pace = Pace(recorder, resolved["batch_size"], usable, cheaper)
    return [recorder, pictures, pace, Checkpoints(out, config.keep, recorder.scores_at, **rarely)]


def evaluation_samples(
    config: CompleteTrainConfig, description: Description, count: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return records for the evaluation: held-out ones, and as many training ones.

    Without held-out structures both are different records of the training structures.
    """
    read = functools.partial(read_sample, config.records, description, seed=config.seed)
    if description.counts[HELD_OUT]:
        warn_of_few(config, description)
        return read(HELD_OUT, count), read(TRAINING, count)
    both = read(TRAINING, 2 * count)
    messages.warning(
        f"Warning: no structure of {config.records} is held out; scores are of training ones, and "
        "held_out_ratio and held_out_spectrum_ratio are not reported.",
    )
    halves = [{name: value[k::2] for name, value in both.items()} for k in range(2)]
    return halves[0], halves[1]


def warn_of_few(config: CompleteTrainConfig, description: Description) -> None:
    """Say so where the held-out structures are too few to compare with."""
    if not description.is_yardstick:
        messages.warning(
            f"Warning: {description.num_held_out} held-out structures (or chains of a search) of "
            f"{config.records} are no yardstick, noise may come as near to them: held_out_ratio "
            "and held_out_spectrum_ratio are not reported. Rely on pictures and evaluate, or hold "
            f"out {FEWEST_HELD_OUT} or more (records --holdout).",
        )
