"""A folder that a long work is done in: what it was begun with, and which stages are finished."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.fields import ANY_DICT, check_fields, mapped, text
from keras_ruo2.io.frames import read_frames
from keras_ruo2.io.paths import checksum, shown
from keras_ruo2.io.state import read_state, write_state

SETTINGS = "config.json"
FINISHED = "finished.json"  # checksums of the stages of a folder
REPEAT = "Repeat that command, choose another --out, or delete the file."
RESTORE = "Restore it, or delete the folder to start anew."


class Settings(Protocol):
    """What a folder needs of a `Config`."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    RENAMED: ClassVar[dict[str, str]]
    given: ClassVar[frozenset[str]]

    @property
    def out(self) -> Path: ...

    def as_dict(self) -> dict[str, Any]: ...


C = TypeVar("C", bound=Settings)


def take_up(config: C, free: Collection[str] = ()) -> C:
    """Return the config to go on with: what the folder was begun with, or `config` itself.

    Args:
        config: A `Config` with a field `out`; of a folder that has been begun only the given
            fields count.
        free: Names of fields that may change from one command to the next.

    Raises:
        ConfigError: If a given field differs, or the folder holds something else.
    """
    path = Path(config.out) / SETTINGS
    free = {"out", *free}
    if not path.exists():
        if Path(config.out).is_dir() and any(Path(config.out).iterdir()):
            raise ConfigError(
                f"--out={config.out} holds files, but no {SETTINGS} of this command. Choose "
                "another folder."
            )
        return config
    begun = read_settings(path, config.RENAMED)["config"]
    asked = config.as_dict()
    given = {name: asked[name] for name in sorted(config.given - free)}
    advice = "Leave --{name} out to go on, or choose another --out."
    check_same(f"--out={shown(config.out)}", begun, given, advice)
    fields = {field.name for field in dataclasses.fields(config)}
    kept = {name: value for name, value in begun.items() if name in fields - free}
    kept |= {name: getattr(config, name) for name in free & fields}
    return type(config)(**{name: as_field(value) for name, value in kept.items()})


def check_same(
    work: object, begun: Mapping[str, Any], asked: Mapping[str, Any], advice: str
) -> None:
    """Raise `ConfigError` unless a work was begun with what is asked for now, as JSON has it.

    Args:
        work: Its file or folder, for the message.
        begun: Dict of what it was begun with.
        asked: Dict of values.
        advice: What to do: sentences, in which `{name}` is what differs.
    """
    for name, value in asked.items():
        if begun.get(name) != json.loads(json.dumps(value)):
            raise ConfigError(
                f"{work} was begun with {name} = {begun.get(name)}, not {value}. "
                f"{advice.format(name=name)}"
            )


def as_field(value: object) -> object:
    """Return a value of JSON as a config takes it."""
    return tuple(value) if isinstance(value, list) else value


def begin(config: Settings, inputs: Mapping[str, str]) -> None:
    """Note in the folder what it is made from, or check that this has not changed.

    Args:
        config: The config of `take_up`.
        inputs: Dict of names to texts that tell one input from another, e.g. checksums.
    """
    path = Path(config.out) / SETTINGS
    if path.exists():
        begun = read_settings(path, config.RENAMED)["inputs"]
        for name, value in inputs.items():
            if begun.get(name) != value:
                raise ConfigError(
                    f"{name} has changed since {shown(config.out)} was begun with it "
                    f"({begun.get(name)}, now {value}). Choose another --out."
                )
        return
    write_state(path, {"config": config.as_dict(), "inputs": inputs})


def read_settings(path: Path, renamed: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what a folder was begun with.

    Args:
        path: File of the settings.
        renamed: Names that fields had before, and those of today.

    Raises:
        ConfigError: If it is not what was written.
    """
    saved = read_state(path, RESTORE, lambda values: set(values) == {"config", "inputs"})
    kinds = {"config": ANY_DICT, "inputs": mapped(text())}
    check_fields(saved, kinds, shown(path), RESTORE)
    return {
        part: {renamed.get(name, name): value for name, value in values.items()}
        for part, values in saved.items()
    }


def stage(path: Path, make: Callable[[Path], object]) -> Path:
    """Make a file with `make(path)` unless an earlier command has; return its path.

    Raises:
        ConfigError: If an earlier command has, but the file is no longer what was written then.
    """
    notes = path.parent / FINISHED
    advice = f"Delete {shown(notes)}, with which stages prove themselves."
    known = read_state(notes, advice) if notes.exists() else {}
    check_fields(known, dict.fromkeys(known, text(64)), shown(notes), advice)
    there = path.exists()
    if there and known.get(path.name, checksum(path)) != checksum(path):
        raise ConfigError(
            f"{shown(path)} is damaged or was changed by hand: it is not what was written. Restore "
            "it, or delete it and what was made of it, the higher numbers."
        )
    messages.info(f"{shown(path)}:{' there already.' if there else ''}")
    if not there:
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path)
    if path.name not in known or not there:
        write_state(notes, known | {path.name: checksum(path)})
    return path


def frames(path: Path) -> list[Atoms]:
    """Return the structures of a stage, a list that may be empty."""
    return read_frames(path) if path.stat().st_size else []


def fingerprint(*paths: Path) -> str:
    """Return the beginning of the SHA-256 of files."""
    return checksum(*paths)[:16]
