"""The one exception that users see, and the checks that raise it before anything slow."""

import difflib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path


class ConfigError(ValueError):
    """Bad input: what came, what was expected and what to do, in one line."""


class Interrupted(ConfigError):
    """Work that something else than its input has stopped; what is finished stays."""


class Busy(Interrupted):
    """Another process is at the same work."""


def check_choice(name: str, value: object, choices: Iterable[object]) -> None:
    """Raise `ConfigError` unless `value` is one of `choices`."""
    if value in choices:
        return
    raise ConfigError(
        f"Unknown {name} {value!r}. Expected one of: {', '.join(map(str, choices))}."
        + did_you_mean(value, choices)
    )


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Return ` Did you mean ...?` for a near miss, or an empty text."""
    close = difflib.get_close_matches(str(name), [str(choice) for choice in known], n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def check_range(
    name: str, value: float, low: float | None = None, high: float | None = None
) -> None:
    """Raise `ConfigError` unless `low <= value <= high`; a bound of `None` is open."""
    below, above = low is not None and value < low, high is not None and value > high
    if below or above or value != value:
        expected = f"at least {low}" if high is None else f"{low} to {high}"
        raise ConfigError(f"--{name} is {value}. Expected {expected}.")


def check_file(name: str, path: Path | str) -> None:
    """Raise `ConfigError` unless `path` is a file that can be read."""
    if not Path(path).is_file():
        raise ConfigError(f"--{name}={path}: no such file. Give the path of an existing file.")
    if not os.access(path, os.R_OK):
        raise ConfigError(f"--{name}={path} cannot be read. Check its permissions.")


def check_ending(name: str, path: Path | str, endings: Sequence[str] = (".extxyz", ".db")) -> None:
    """Raise `ConfigError` unless `path` ends in one of `endings`."""
    if Path(path).suffix not in endings:
        raise ConfigError(f"--{name}={path} must end in {' or '.join(endings)}.")


def check_writable(folder: Path | str, num_bytes: float = 0) -> None:
    """Make `folder` if needed and raise `ConfigError` unless it can take `num_bytes`.

    Args:
        folder: Folder that something will be written to.
        num_bytes: How much will be written, estimated.

    Raises:
        ConfigError: If the folder cannot be made or written, or its disk is too full.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".write-test-{os.getpid()}"
        try:
            probe.write_bytes(b"0")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Cannot write to {folder} ({error.strerror or error}). Choose another folder."
        ) from None
    free = shutil.disk_usage(folder).free
    if free < num_bytes:
        raise ConfigError(
            f"{folder} has {free / 1e6:.0f} MB left, {num_bytes / 1e6:.0f} MB are needed. "
            "Free some space or choose another folder."
        )
