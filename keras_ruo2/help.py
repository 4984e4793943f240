"""What `--help` prints: whole sentences, wrapped at the terminal's width, nothing cut off."""

from __future__ import annotations

import dataclasses
import inspect
import re
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import Field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_ruo2.io.paths import shown

if TYPE_CHECKING:
    from keras_ruo2.config.base import Command, Config


WIDEST, NARROWEST = 100, 40  # columns; without a terminal the former
FLAG = re.compile(r"^    (\w+): (.*)$")
NO_DEFAULT = (None, "", (), False)


def overview(program: str, commands: Mapping[str, Command]) -> str:
    """Return the help of a program: its commands and what each does.

    Args:
        program: Name that usage messages show.
        commands: Mapping of names to `cli.Command`.
    """
    lines = [f"Usage: {program} COMMAND --flag=value ...", "", "Commands:"]
    for name, command in commands.items():
        lines += [f"  {name}", *wrapped(docstring_paragraphs(command.config)[0], "      ")]
    return "\n".join([*lines, "", f"Flags of a command: {program} COMMAND --help"])


def page(program: str, name: str, config: type[Config]) -> str:
    """Return the help of a command: what it does and every flag with its default.

    Args:
        program: Name that usage messages show.
        name: Of the command.
        config: Its subclass of `Config`.
    """
    paragraphs, helps = docstring_paragraphs(config), explained(config)
    needed = "".join(f" --{field}={field.upper()}" for field in required(config))
    lines = [f"Usage: {program} {name}{needed} [--flag=value ...]"]
    for paragraph in paragraphs:
        lines += ["", *wrapped(paragraph, "")]
    fields = dataclasses.fields(config)
    lines += ["", "Flags:"] if fields else []
    for field in sorted(fields, key=lambda field: not is_required(field)):
        lines += ["", *wrapped(f"--{flag_of(field)}{value_of(field)}", "  ")]
        lines += wrapped(helps.get(field.name, ""), "      ")
    return "\n".join(lines)


def flag_of(field: Field[Any]) -> str:
    """Return the flag of a field: a name that Python keeps to itself ends in `_`."""
    return field.name.rstrip("_")


def required(config: type[Config]) -> list[str]:
    """Return the names of the fields that have no default."""
    return [field.name for field in dataclasses.fields(config) if is_required(field)]


def is_required(field: Field[Any]) -> bool:
    """Say whether a field has no default."""
    missing = dataclasses.MISSING
    return field.default is missing and field.default_factory is missing


def value_of(field: Field[Any]) -> str:
    """Return the default of a flag as it would be typed, or that it has none."""
    if is_required(field):
        return f"={flag_of(field).upper()} (required)"
    if field.default in NO_DEFAULT:
        return "" if field.default is False else f"={flag_of(field).upper()}"
    value = field.default
    if isinstance(value, tuple):
        value = ",".join(f"{part:g}" if isinstance(part, float) else str(part) for part in value)
    return f"={shown(value) if isinstance(value, Path) else value}"


def docstring_paragraphs(config: type[Config]) -> list[str]:
    """Return the paragraphs of a config's docstring before its `Args:`, each in one line."""
    text = inspect.cleandoc(config.__doc__ or "").partition("\nArgs:")[0]
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]


def explained(config: type[Config]) -> dict[str, str]:
    """Return what the docstring says of each field, each in one line."""
    helps, name = {}, None
    for line in inspect.cleandoc(config.__doc__ or "").partition("\nArgs:")[2].splitlines():
        if begun := FLAG.match(line):
            name, text = begun.groups()
            helps[name] = [text]
        elif name and line.startswith("     "):
            helps[name].append(line.strip())
    return {name: " ".join(lines) for name, lines in helps.items()}


def wrapped(text: str, indent: str) -> list[str]:
    """Return the lines of a text that fit the terminal."""
    width = max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
