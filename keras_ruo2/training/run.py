"""Assemble data, networks, schedule and callbacks, and train."""

from __future__ import annotations

import dataclasses
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_ruo2 import runs
from keras_ruo2.data.description import TRAINING
from keras_ruo2.data.labels import class_counts, class_names
from keras_ruo2.data.order import Order, phases
from keras_ruo2.data.reader import Records
from keras_ruo2.io import messages
from keras_ruo2.io.paths import shown
from keras_ruo2.plotting import style
from keras_ruo2.training import assembly, start
from keras_ruo2.training.devices import check_shares, configure_process, place
from keras_ruo2.training.feed import feed
from keras_ruo2.training.pace import Pace
from keras_ruo2.training.rest import move_to_rest
from keras_ruo2.training.slab_scores import SlabScores
from keras_ruo2.training.slabs import SlabBatches, anchors_for
from keras_ruo2.training.stop import Stop, restore_signals
from keras_ruo2.training.watch import make_callbacks

if TYPE_CHECKING:
    import keras

    from keras_ruo2.config import CompleteTrainConfig
    from keras_ruo2.data.description import Description
    from keras_ruo2.structure.anchors import Anchors
    from keras_ruo2.training.relaxed import Relaxed


CURVES = "metrics.png"


def train(
    config: CompleteTrainConfig, description: Description, relaxed: Relaxed = ()
) -> Mapping[str, int]:
    """Train a variant until its last step, from its last checkpoint where there is one.

    Args:
        config: `CompleteTrainConfig` with its run and records.
        description: `Description` of the records.
        relaxed: Slabs beside the records that tell where atoms rest, see `read_relaxed`.

    Returns:
        Settings with which the run is to begin anew because it is too slow, a dict; mostly empty.
    """
    resolved = runs.resolve(config)
    configure_process(config)
    placement = place(config.strategy, config.devices)
    records = Records(config.records, description, TRAINING)
    plan = plan_of(config, resolved)
    check_shares(plan, resolved["critic_steps"], placement.replicas)
    last_step = runs.total_steps(config, len(records), plan)
    description, counts, started_from = resume_state(config, description)
    anchors = anchors_for(config, description, records) if runs.places_atoms(resolved) else None
    with placement.scope():
        model = assembly.build_model(
            resolved, description, len(counts), last_step, placement, anchors
        )
        if started_from is not None:
            assembly.restore(model, started_from)
        elif config.from_ is not None:
            messages.info(start.transfer_weights(model, config, placement, anchors))
    first_step = model.steps_made
    if is_finished(config, first_step, last_step):
        return {}
    out = config.run if placement.is_chief else Path(tempfile.mkdtemp())
    classes = {"class_counts": counts, "class_names": class_names(description, config.label_by)}
    runs.save(dataclasses.replace(config, run=out), description, classes, anchors)
    order = Order(len(records), config.seed, plan)
    steps = range(first_step, last_step)
    slabs = slabs_of(out, records, description, anchors, relaxed, config.seed) if anchors else None
    if slabs and first_step == 0 and config.from_ is None:
        move_to_rest(model, slabs, config, last_step)
    batches = feed(config, description, records, order, placement, steps, slabs)
    scores = SlabScores(anchors, slabs.occupied, description.species) if anchors and slabs else None
    callbacks = make_callbacks(config, description, counts, last_step, out, scores)
    run_until_stopped(model, batches, len(steps), callbacks, placement.agree, config)
    pace = next(callback for callback in callbacks if isinstance(callback, Pace))
    if pace.ended:
        return pace.cheaper or {}
    if placement.is_chief:
        draw_metrics(config.run)
    else:
        shutil.rmtree(out)
    return {}


def plan_of(
    config: CompleteTrainConfig, resolved: Mapping[str, Any]
) -> tuple[tuple[int, int], ...]:
    """Return the `phases` of a run: how many samples a step takes, from which step on."""
    sizes = resolved["batch_size"], resolved["critic_steps"]
    return phases(*sizes, config.grow_batch_every, config.grow_batch_until)


def slabs_of(
    out: Path,
    records: Records,
    description: Description,
    anchors: Anchors,
    relaxed: Relaxed,
    seed: int,
) -> SlabBatches:
    """Return `SlabBatches`; a new run's folder gets what drawing needs to know of these slabs."""
    slabs = SlabBatches(records, description, anchors, relaxed, seed)
    if not (out / runs.ENERGIES).is_file():
        slabs.save_energy_reader(out)
    if not (out / runs.FREED).is_file():
        slabs.save_freed_reader(out)
    if not (out / runs.KNOWN).is_file():
        slabs.save_known(out)
    return slabs


def resume_state(
    config: CompleteTrainConfig, description: Description
) -> tuple[Description, tuple[int, ...], Path | None]:
    """Return what a run goes on with: its data's description, its classes and its checkpoint.

    The networks are those of the run, whatever its data now. A new run has no checkpoint: `None`.
    """
    begun = runs.exists(config.run)
    started_from = runs.sound_checkpoint(config.run, to_go_on=True) if begun else None
    if started_from is None:
        return description, class_counts(description, config.label_by), None
    saved = runs.load(config.run)
    runs.proven_rows(config.run, started_from)
    messages.info(f"Going on from {shown(started_from)}.")
    return (
        changed_settings(description, saved, config),
        tuple(saved["data"]["class_counts"]),
        started_from,
    )


def is_finished(config: CompleteTrainConfig, step: int, last_step: int) -> bool:
    """Say whether a run has made its steps or used up its minutes, and print so."""
    finished = step >= last_step
    if config.minutes is not None and (config.run / runs.METRICS).is_file():
        rows = runs.proven_rows(config.run, runs.sound_checkpoint(config.run, to_go_on=True))
        finished |= bool(rows) and float(rows[-1]["seconds"]) >= 60 * config.minutes
    if finished:
        limit = f"--steps={last_step}" + (f" --minutes={config.minutes}" if config.minutes else "")
        if not (config.run / CURVES).is_file() and (config.run / runs.METRICS).is_file():
            draw_metrics(config.run)
        messages.info(
            f"{shown(config.run)} is at step {step}, which is all that {limit} asks for: "
            "nothing to train."
        )
    return finished


def changed_settings(
    description: Description, saved: Mapping[str, Any], config: CompleteTrainConfig
) -> Description:
    """Say what has changed since a run was started.

    Returns:
        The `Description`, with the lattice bounds and repeats that the run was started with.
    """
    data, versions = saved["data"], saved["versions"]
    if data["fingerprint"] != description.fingerprint:
        print_warning(
            f"the records in {config.records} are not those that the run was started with "
            f"({data['fingerprint']}, now {description.fingerprint})."
        )
    if versions.get("code") != runs.code_fingerprint():
        print_warning(
            f"the code has changed since the run was started ({versions.get('code')}, now "
            f"{runs.code_fingerprint()})."
        )
    if saved["config"]["backend"] != config.backend:
        print_warning(
            f"the run was started on {saved['config']['backend']}: its noise will differ."
        )
    bounds: dict[str, Any] = {
        name: tuple(data[name]) for name in ("lattice_minimum", "lattice_maximum")
    }
    source = description.source | {"lateral_repeats": data["source"].get("lateral_repeats")}
    return dataclasses.replace(description, source=source, **bounds)


def print_warning(text: str) -> None:
    """Print a warning."""
    messages.warning(f"Warning: {text}")


def run_until_stopped(
    model: keras.Model,
    batches: Any,
    steps: int,
    callbacks: Sequence[keras.callbacks.Callback],
    agree: Callable[[bool], bool],
    config: CompleteTrainConfig,
) -> None:
    """Call `fit`; save a checkpoint when it ends, when interrupted and when it has collapsed."""
    arch = runs.resolve(config)["arch"]
    messages.info(
        f"Training {config.variant} ({arch}, {config.backend}) on {shown(config.records)}, "
        f"{steps} steps to go. Watch: tensorboard --logdir {shown(config.run)}",
    )
    recorder = callbacks[0]
    stop = Stop(agree, (lambda: recorder.verdict) if config.stop_on_collapse else str)
    try:
        model.fit(
            batches,
            steps_per_epoch=steps,
            verbose=0,
            shuffle=False,
            callbacks=[*callbacks, stop],
        )
    except KeyboardInterrupt:
        restore_signals()
        callbacks[-1].save()
        if (recorder.run / runs.METRICS).is_file():
            draw_metrics(recorder.run)
        again = f"python -m keras_ruo2 train --variant={config.variant} --run={shown(config.run)}"
        if not stop.asked and (verdict := stop.verdict()):
            sys.exit(
                f"Collapsed at step {model.steps_made}: {verdict} The checkpoint is saved; look at "
                f"{shown(config.run / runs.PICTURES)}. To go on all the same: {again} --resume "
                "--stop_on_collapse=False"
            )
        sys.exit(f"\nStopped at step {model.steps_made} and saved. Go on with: {again} --resume")


def draw_metrics(run: Path) -> None:
    """Draw the metrics of a run."""
    rows = runs.read_metrics(run / runs.METRICS)
    style.save_figure(style.metric_curves(runs.metrics_table(rows)), run / CURVES)
    messages.info(
        f"Trained {rows[-1]['step']} steps in {float(rows[-1]['seconds']):.0f} s; "
        f"curves in {shown(run / CURVES)}. {checkpoints_sentence(run)}"
    )


def checkpoints_sentence(run: Path) -> str:
    """Return a sentence on the checkpoints of a run: how many there are, and their size."""
    folders = runs.checkpoints(run)
    size = sum(file.stat().st_size for folder in folders for file in folder.iterdir())
    return f"Kept: {len(folders)} checkpoints, {size / 1e6:.0f} MB."
