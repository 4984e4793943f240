"""Completion of commands, flags and files by a shell: `keras_ruo2 -- --completion=bash`."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_ruo2.errors import ConfigError, check_choice

if TYPE_CHECKING:
    from keras_ruo2.config.base import Command, Config


ASKED = "--completion"

BASH = """\
_{program}() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" flags
  [[ $word == "=" || $before == "=" ]] && {{
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "${{word#=}}"))
    return
  }}
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "{names}" -- "$word"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{cases}
  esac
  COMPREPLY=($(compgen -W "$flags" -- "$word"))
  [[ ${{#COMPREPLY[@]}} == 1 && $COMPREPLY == *= ]] && compopt -o nospace
}}
complete -F _{program} {program}
"""

ZSH = "#compdef {program}\nautoload -U +X bashcompinit && bashcompinit\n"


def script(program: str, commands: Mapping[str, Command], words: Sequence[str]) -> str:
    """Return what a shell reads to complete a program's command lines.

    Args:
        program: Name of the console script.
        commands: Mapping of names to `cli.Command`.
        words: What follows `--` on the command line: `--completion`, then maybe a shell.

    Raises:
        ConfigError: If that is anything else.
    """
    first, *rest = words or [""]
    name, _, shell = first.partition("=")
    if name != ASKED or len(rest) > 1:
        raise ConfigError(f"Expected {program} -- {ASKED}=bash, or =zsh, =fish.")
    shell = shell or (rest[0] if rest else "bash")
    check_choice("completion", shell, WRITERS)
    flags = {name: flags_of(command.config) for name, command in commands.items()}
    return WRITERS[shell](program, flags)


def flags_of(config: type[Config]) -> dict[str, bool]:
    """Return the flags of a command, those that take a value with `=`, by whether it is a file."""
    hints = typing.get_type_hints(config)
    flags = {"--help": False}
    for field in dataclasses.fields(config):
        hint = hints[field.name]
        kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        flags[f"--{field.name.rstrip('_')}" + "=" * (bool not in kinds)] = Path in kinds
    return flags


def bash(program: str, flags: Mapping[str, Mapping[str, bool]]) -> str:
    """Return the script for bash."""
    cases = "\n".join(f'    {name}) flags="{" ".join(known)}" ;;' for name, known in flags.items())
    return BASH.format(program=program, names=" ".join(flags), cases=cases)


def zsh(program: str, flags: Mapping[str, Mapping[str, bool]]) -> str:
    """Return the script for zsh, which reads that for bash."""
    return ZSH.format(program=program) + bash(program, flags)


def fish(program: str, flags: Mapping[str, Mapping[str, bool]]) -> str:
    """Return the script for fish."""
    lines = [f"complete -c {program} -f"]
    lines += [f"complete -c {program} -n __fish_use_subcommand -a {name}" for name in flags]
    for name, known in flags.items():
        for flag, takes_file in known.items():
            value = " -r" * flag.endswith("=") + " -F" * takes_file
            where = f"'__fish_seen_subcommand_from {name}'"
            lines.append(f"complete -c {program} -n {where} -l {flag.strip('-=')}{value}")
    return "\n".join([*lines, ""])


WRITERS = {"bash": bash, "zsh": zsh, "fish": fish}
