"""Checkpoint folders prove themselves: the checksums of their files, and of the rows until then."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.fields import check_fields, integer, mapped, record, text
from keras_ruo2.io.paths import checksum, shown
from keras_ruo2.io.state import (
    parse_state,
    read_state,
    say_once,
    sync_folder,
    warn_unsealed,
    write_state,
)
from keras_ruo2.runs.metrics import METRICS, note_of, proven_metrics

CHECKPOINTS = "checkpoints"
STEP_NAME = "step-{:08d}"
TRAINING_WEIGHTS = "training.weights.h5"
GENERATOR_WEIGHTS = "generator.weights.h5"
SCORES = "scores.json"
SMALLEST_SHARE = 1e-3  # of slabs that count as one divides by it
CHECKSUMS = "checksums.json"
WEIGHTS = (TRAINING_WEIGHTS, GENERATOR_WEIGHTS)
RESTORE = "Restore it, or delete this checkpoint's folder."
KINDS = {
    "files": mapped(text(64)),
    "rows": record({"count": integer(), "sha256": text(64)}),
}


def seal_checkpoint(folder: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write the checksums of a checkpoint's files beside them, all of it down to the disk.

    Args:
        folder: Path of the checkpoint.
        rows: Rows of metrics.csv up to this checkpoint, dicts of text.
    """
    files = {}
    for path in sorted(folder.iterdir()):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
        files[path.name] = checksum(path)
    write_state(folder / CHECKSUMS, {"files": files, "rows": note_of(rows)})
    sync_folder(folder)


def drop_training_state(folder: Path) -> None:
    """Leave a checkpoint what draws samples, a thirtieth of its size; no run goes on from it then.

    A kill in between leaves it sound: what is not in the list of checksums is not looked at.
    """
    folder = Path(folder)
    known = known_of(folder)
    if known is None:
        return
    files = {
        name: checksum for name, checksum in known["files"].items() if name != TRAINING_WEIGHTS
    }
    if files != known["files"]:
        write_state(folder / CHECKSUMS, known | {"files": files})
    (folder / TRAINING_WEIGHTS).unlink(missing_ok=True)


def known_of(folder: Path) -> dict[str, Any] | None:
    """Return what `seal_checkpoint` wrote, `None` if an earlier version made the checkpoint.

    Raises:
        ConfigError: If the file is damaged.
    """
    path = Path(folder) / CHECKSUMS
    if not path.exists():
        return None
    known = read_state(path, RESTORE)
    check_fields(known, KINDS, shown(path), RESTORE)
    return known


def fault_of(folder: Path) -> str:
    """Return what is wrong with a checkpoint, in words; an empty text if nothing is."""
    folder = Path(folder)
    signature = tuple(
        (path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir()
    )
    return find_fault(folder, tuple(sorted(signature)))


@cache  # weights are large, and one command asks for them more than once
def find_fault(folder: Path, signature: tuple[Any, ...]) -> str:
    """Return what is wrong with a checkpoint whose files have these names, sizes and times."""
    try:
        known = known_of(folder)
    except ConfigError as error:
        return str(error)
    if known is None:
        warn_unsealed(shown(folder))
    # A model that was exported has no training weights, and says so.
    missing = sorted({GENERATOR_WEIGHTS, *known["files"]} if known else WEIGHTS)
    for name in missing:
        path = folder / name
        if Path(name).name != name or not path.is_file():
            return f"{shown(path)} is missing"
        if known and checksum(path) != known["files"].get(name):
            return f"{shown(path)} is damaged: its checksum differs from that in {CHECKSUMS}"
        if name in WEIGHTS and (fault := fault_of_weights(path)):
            return f"{shown(path)} {fault}"
    return ""


def fault_of_weights(path: Path) -> str:
    """Return why a file is no plain file of weights, in words; an empty text if it is one.

    It may hold nothing but numbers, no more of them than the file is long, and no links.
    """
    import h5py

    values, total = [], 0
    try:
        with h5py.File(path) as file:
            waiting = [file]
            while waiting:
                group = waiting.pop()
                for name in group:
                    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                        return f"is damaged: {name!r} points elsewhere"
                    item = group[name]
                    if isinstance(item, h5py.Group):
                        waiting.append(item)
                        values.append(item.id)
                    elif item.dtype.kind not in "fiubV" or item.external or item.is_virtual:
                        return f"is damaged: {name!r} holds no plain numbers"
                    else:
                        total += item.nbytes
                if len(values) > 100_000:
                    return "is damaged: it has too many parts"
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"is damaged ({first_line(error)})"
    if total > os.path.getsize(path):
        return f"is damaged: it announces {total:,} bytes of numbers and has fewer"
    return ""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def score_of(folder: Path) -> float | None:
    """Return the held-out distance that was measured at a checkpoint, or `None`.

    Of generators of atoms it is divided by the share of valid, different and new slabs, so that
    neither few slabs drawn well nor many drawn badly are best.

    Raises:
        ConfigError: If the file of scores is damaged.
    """
    path = Path(folder) / SCORES
    if not path.is_file():
        return None
    scores = parse_state(path.read_bytes(), shown(path), RESTORE, unsealed=only_numbers)
    score = scores.get("held_out_distance")
    if score is not None and type(score) not in (int, float):
        raise ConfigError(f"{shown(path)} is damaged: its distance is {score!r}. {RESTORE}")
    share = scores.get("slabs_valid_unique_new")
    if score is None or not isinstance(share, int | float):
        return score
    return score / max(float(share), SMALLEST_SHARE)


def only_numbers(values: Mapping[str, Any]) -> bool:
    """Say whether these may be the scores of an earlier version."""
    return all(type(value) in (int, float) for value in values.values())


def checkpoints(run: Path) -> list[Path]:
    """Return the checkpoint folders of a run, oldest first."""
    return sorted((Path(run) / CHECKPOINTS).glob("step-????????"))


def last_checkpoint(run: Path) -> Path | None:
    """Return the newest checkpoint folder of a run, or `None`."""
    return next(reversed(checkpoints(run)), None)


def best_checkpoint(run: Path) -> Path | None:
    """Return the checkpoint folder with the least score, see `score_of`, or `None`."""
    return next(iter(best_first(run)), None)


def best_first(run: Path) -> list[Path]:
    """Return the checkpoint folders that were scored, the least score first."""
    scored = []
    for folder in checkpoints(run):
        try:
            scored.append((score_of(folder), folder))
        except ConfigError as error:
            say_once(f"Warning: {error} It is passed over.")
    return [folder for _, folder in sorted(pair for pair in scored if pair[0] is not None)]


def sound_checkpoint(run: Path, best: bool = False, to_go_on: bool = False) -> Path | None:
    """Return the newest checkpoint, or the best, whose files are what was written, or `None`.

    What is passed over for damage is named. `to_go_on` asks for one that a training can go on from.

    Raises:
        ConfigError: If there are checkpoints, but every one is damaged.
    """
    faults: list[str] = []
    for folder in best_first(run) if best else reversed(checkpoints(run)):
        fault = fault_of(folder)
        if to_go_on and not fault and not (folder / TRAINING_WEIGHTS).is_file():
            fault = f"{shown(folder)} holds what draws samples only, not the state of a training"
        if not fault:
            for reason in faults:
                say_once(f"Warning: {reason}. {shown(folder)} is used instead.")
            return folder
        faults.append(fault.rstrip("."))
    if faults:
        raise ConfigError(
            f"{faults[0]}, and no older checkpoint of {shown(run)} is whole. Restore it, or delete "
            "the run's folder to start anew."
        )
    return None


def trained_checkpoint(run: Path, best: bool = False) -> Path:
    """Return what `sound_checkpoint` does, or raise `ConfigError` if that is nothing."""
    folder = sound_checkpoint(run, best)
    if folder is None:
        which = "best" if best else "last"
        raise ConfigError(f"{shown(run)} has no {which} checkpoint. Train it first.")
    return folder


def step_of(checkpoint: Path) -> int:
    """Return the step that a checkpoint folder was saved at."""
    return int(checkpoint.name.rpartition("-")[2])


def proven_rows(run: Path, checkpoint: Path | None) -> list[dict[str, str]]:
    """Return the rows of a run's metrics.csv up to a checkpoint, none where one of both is missing.

    Raises:
        ConfigError: If they are not what was written.
    """
    if checkpoint is None:
        return []
    known = known_of(checkpoint)
    path = Path(run) / METRICS
    return proven_metrics(path, step_of(checkpoint), known and known["rows"])
