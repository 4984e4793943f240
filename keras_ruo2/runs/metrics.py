"""metrics.csv of a run: rows of numbers, and whether they are those that were written."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import shown
from keras_ruo2.io.state import digest

METRICS = "metrics.csv"
CHANGED = (
    "is damaged or was changed by hand: its rows are not what was written. Restore it, or delete "
    "it to go on without them."
)


def note_of(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return the number and checksum of rows, whatever the order of their columns."""
    filled = [{name: value for name, value in row.items() if value} for row in rows]
    return {"count": len(rows), "sha256": digest(filled)}


def proven_metrics(path: Path, step: int, known: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Return the rows of a metrics.csv up to a checkpoint, none if there is no such file.

    Args:
        path: The file.
        step: Of the checkpoint.
        known: What `note_of` returned when it was saved, `None` if an earlier version did.

    Raises:
        ConfigError: If they are not what was written.
    """
    if not Path(path).is_file():
        return []
    rows = read_metrics(path, known["count"] if known else None)
    if known and note_of(rows) != known:
        raise ConfigError(f"{shown(path)} {CHANGED}")
    return [row for row in rows if int(row["step"]) <= step]


def read_metrics(path: Path, count: int | None = None) -> list[dict[str, str]]:
    """Return the first rows of a metrics.csv as dicts of text, without one that was cut off.

    Raises:
        ConfigError: If one of them is no row of numbers.
    """
    text = Path(path).read_bytes().decode(errors="replace")
    lines = text[: text.rfind("\n") + 1].splitlines()[: None if count is None else count + 1]
    try:
        rows = list(csv.DictReader(lines))
        for row in rows:
            int(row["step"])
            [float(value or "nan") for value in row.values()]
    except (csv.Error, ValueError, KeyError, TypeError):
        raise ConfigError(f"{shown(path)} {CHANGED}") from None
    return rows


def rows_until(path: Path, step: int) -> list[dict[str, str]]:
    """Return the rows of a metrics.csv up to a step, whatever stands behind them."""
    rows = []
    for row in csv.DictReader(Path(path).read_bytes().decode(errors="replace").split("\n")[:-1]):
        if not (row.get("step") or "").isdecimal() or int(row["step"]) > step:
            break
        rows.append(row)
    return rows


def metrics_table(rows: Sequence[Mapping[str, str]]) -> dict[str, list[float]]:
    """Return what `read_metrics` returned as lists of floats by column, NaN where empty."""
    return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
