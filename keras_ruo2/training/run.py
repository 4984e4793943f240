"""Assemble data, networks, schedule and callbacks, and train."""

import dataclasses
import functools
import signal
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_ruo2 import plotting, runs
from keras_ruo2.data.description import HELD_OUT, TRAINING
from keras_ruo2.data.order import Order
from keras_ruo2.data.pipeline import read_sample, training_batches
from keras_ruo2.data.reader import Records
from keras_ruo2.data.tf_dataset import as_dataset
from keras_ruo2.models.networks import build_critic, build_generator
from keras_ruo2.paths import shown
from keras_ruo2.structure.cells import scale_lengths, unscale_lengths
from keras_ruo2.training.callbacks import PICTURE_SAMPLES, Checkpoints, Pictures, Recorder
from keras_ruo2.training.evaluator import NUM_IMAGES, Evaluator
from keras_ruo2.training.settings import Settings
from keras_ruo2.training.steps.tensorflow import WassersteinGAN
from keras_ruo2.variants import VARIANTS


def train(config, description):
    """Train a variant until its last step, from its last checkpoint where there is one.

    Args:
        config: `TrainConfig` with its run and records.
        description: `Description` of the records.
    """
    resolved = runs.resolve(config)
    samples_per_step = resolved["batch_size"] * resolved["critic_steps"]
    last_step = runs.total_steps(config, description, samples_per_step)
    repeats = runs.repeats_of(description.source)
    if runs.exists(config.run):  # the networks are those of the run, whatever its data now
        repeats = runs.repeats_of(runs.load(config.run)["data"]["source"])
    model = build_model(resolved, repeats)
    if runs.exists(config.run):
        description = resume(model, config, description)
    if is_finished(config, int(model.step), last_step):
        limit = f"--steps={last_step}" + (f" --minutes={config.minutes}" if config.minutes else "")
        print(
            f"{shown(config.run)} is at step {int(model.step)}, which is all that {limit} asks "
            "for: nothing to train."
        )
        return
    runs.save(config, description)
    records = Records(config.records, description, TRAINING)
    order = Order(len(records), config.seed, ((0, samples_per_step),))
    first_step = int(model.step)

    def make_batches():
        for batch in training_batches(records, order, first_step=first_step):
            yield model_inputs(batch, description)

    batches = as_dataset(make_batches)
    callbacks = make_callbacks(config, description, last_step)
    run_until_stopped(model, batches, last_step - int(model.step), callbacks, config)
    draw_curves(config.run)


def is_finished(config, step, last_step):
    """Say whether a run has made its steps or used up its minutes."""
    if config.minutes is None or not (config.run / runs.METRICS).is_file():
        return step >= last_step
    seconds = float(runs.read_metrics(config.run / runs.METRICS)[-1]["seconds"])
    return step >= last_step or seconds >= 60 * config.minutes


def build_model(resolved, repeats):
    """Return the compiled model of a resolved configuration and of lateral repeats."""
    keras.utils.set_random_seed(resolved["seed"])
    networks = {"arch": resolved["arch"], "width": resolved["width"]}
    variant = VARIANTS[resolved["variant"]]
    generator = build_generator(
        variant, latent_size=resolved["latent_size"], repeats=repeats, **networks
    )
    critic = build_critic(variant, **networks)
    names = (
        "critic_steps",
        "learning_rate",
        "beta_1",
        "penalty_weight",
        "gamma",
        "average",
        "lattice_gradient",
    )
    settings = Settings(lattice=variant.lattice, **{name: resolved[name] for name in names})
    model = WassersteinGAN(generator, critic, settings, seed=resolved["seed"])
    model.compile()
    return model


def resume(model, config, description):
    """Load the last checkpoint of a run; say so if its data have changed.

    Returns:
        The `Description`, with the lattice bounds that the run's networks were trained with.
    """
    checkpoint = runs.last_checkpoint(config.run)
    model.load_weights(checkpoint / runs.TRAINING_WEIGHTS)
    for optimizer in (model.critic_optimizer, model.generator_optimizer):
        optimizer.learning_rate = model.settings.learning_rate  # the file holds the old one
    print(f"Going on from {shown(checkpoint)}.")
    saved = runs.load(config.run)["data"]
    if saved["fingerprint"] != description.fingerprint:
        print(
            f"Warning: the records in {config.records} are not those that the run was started "
            f"with ({saved['fingerprint']}, now {description.fingerprint}).",
            file=sys.stderr,
        )
    bounds = {name: tuple(saved[name]) for name in ("lattice_minimum", "lattice_maximum")}
    source = description.source | {"lateral_repeats": saved["source"].get("lateral_repeats")}
    return dataclasses.replace(description, source=source, **bounds)


def model_inputs(batch, description):
    """Return what the networks take of a batch of records, the lengths scaled."""
    bounds = (np.float32(description.lattice_minimum), np.float32(description.lattice_maximum))
    return {"grid": batch["grid"], "lattice": scale_lengths(batch["lattice"], *bounds)}


def make_callbacks(config, description, last_step):
    """Return the run's callbacks."""

    def unscale(scaled):
        bounds = (np.array(description.lattice_minimum), np.array(description.lattice_maximum))
        return unscale_lengths(scaled, *bounds)

    rng = np.random.default_rng(config.seed)
    noise = rng.normal(size=(NUM_IMAGES, config.latent_size)).astype("float32")
    held_out, training = evaluation_samples(config, description)
    lattice = VARIANTS[config.variant].lattice
    evaluator = Evaluator(held_out, training, noise, unscale, lattice=lattice)
    board = tf.summary.create_file_writer(str(config.run / "tensorboard"))
    often = {"interval": config.log_every, "last_step": last_step}
    rarely = {"interval": config.evaluate_every, "last_step": last_step}
    return [
        Recorder(
            config.run, board, evaluator, config.evaluate_every, minutes=config.minutes, **often
        ),
        Pictures(config.run, board, noise[:PICTURE_SAMPLES], unscale, **rarely),
        Checkpoints(config.run, config.keep, **rarely),
    ]


def evaluation_samples(config, description):
    """Return records for the evaluation: held-out ones, and as many training ones.

    Without held-out structures both are different records of the training structures.
    """
    read = functools.partial(read_sample, config.records, description, seed=config.seed)
    if description.counts[HELD_OUT]:
        return read(HELD_OUT, NUM_IMAGES), read(TRAINING, NUM_IMAGES)
    both = read(TRAINING, 2 * NUM_IMAGES)
    print(
        f"Warning: no structure of {config.records} is held out; scores are of training ones.",
        file=sys.stderr,
    )
    return tuple({name: value[k::2] for name, value in both.items()} for k in range(2))


def run_until_stopped(model, batches, steps, callbacks, config):
    """Call `fit`; save a checkpoint when it ends, when interrupted and when terminated."""
    checkpoints = callbacks[-1]
    signal.signal(signal.SIGTERM, interrupt)
    print(
        f"Training {config.variant} ({config.arch}) on {shown(config.records)}, {steps} steps to "
        f"go. Watch: tensorboard --logdir {shown(config.run)}",
        flush=True,
    )
    try:
        model.fit(batches, steps_per_epoch=steps, verbose=0, shuffle=False, callbacks=callbacks)
    except KeyboardInterrupt:
        checkpoints.save()
        sys.exit(
            f"\nStopped at step {int(model.step)} and saved. Go on with: python -m keras_ruo2 "
            f"train --variant={config.variant} --run={shown(config.run)} --resume"
        )
    checkpoints.save()


def interrupt(number, frame):
    """Treat a signal as Ctrl-C, also in a background job, which ignores Ctrl-C itself."""
    raise KeyboardInterrupt


def draw_curves(run):
    """Draw the metrics of a run."""
    rows = runs.read_metrics(run / runs.METRICS)
    table = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
    plotting.save(plotting.metric_curves(table), run / "metrics.png")
    print(
        f"Trained {rows[-1]['step']} steps in {float(rows[-1]['seconds']):.0f} s; "
        f"curves in {shown(run / 'metrics.png')}."
    )
