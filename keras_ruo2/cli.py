"""From a command line to a checked config to the function that runs it. Imports no backend."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import importlib
import json
import os
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence

import fire

from keras_ruo2 import completion
from keras_ruo2.backend import prefer_onednn
from keras_ruo2.config import Config
from keras_ruo2.config.base import Command, field_names, flag_of
from keras_ruo2.errors import ConfigError
from keras_ruo2.help import explained, overview, page, required
from keras_ruo2.io import messages
from keras_ruo2.io.locks import one_at_a_time

HELP = ("-h", "--help")
TENSORFLOW_STORE = "keras_ruo2.data.tensorflow_store"  # imported only where it is used


def start(program: str, commands: Mapping[str, Command]) -> None:
    """Run the command line of the process and end the process, unless all went well.

    Where TensorFlow's file system for object storage was used, Python's own end would abort the
    process whatever the result (github.com/tensorflow/io, issue 2039), so it is left out.

    Args:
        program: Name of the package, which is that of its console script too.
        commands: Mapping of names to `Command`.
    """
    prefer_onednn()
    if os.path.basename(sys.argv[0]) != program:
        program = f"python -m {program}"
    status: str | int | None = 0
    try:
        run_command_line(program, commands)
    except SystemExit as end:
        status = end.code
    except Exception:
        if TENSORFLOW_STORE not in sys.modules:
            raise
        traceback.print_exc()
        status = 1
    if TENSORFLOW_STORE not in sys.modules:
        if status:
            sys.exit(status)
        return
    if isinstance(status, str):
        print(status, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


def run_command_line(
    program: str, commands: Mapping[str, Command], argv: Sequence[str] | None = None
) -> None:
    """Parse the whole command line first, so that a typo costs nothing, then run the command.

    Args:
        program: Name that usage messages show, e.g. `python -m keras_ruo2`.
        commands: Mapping of names to `Command`.
        argv: Arguments; by default those of the process.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    messages.to_terminal()
    try:
        if argv[:1] == ["--"] and not wants_help(argv):
            print(completion.script(program.split()[-1], commands, argv[1:]), end="")
            return
        if argv[:1] != ["--"]:
            check_words(program, commands, argv)
        if wants_help(argv):
            print(help_text(program, commands, argv))
            return
        argv = with_current_flags(commands[argv[0]].config, argv)
        check_required(program, commands, argv)
        config = fire.Fire(
            {name: command.config for name, command in commands.items()},
            command=argv,
            name=program,
            serialize=lambda parsed: None if isinstance(parsed, Config) else parsed,
        )
        if isinstance(config, Config):
            run_command(commands[argv[0]], config)
    except ConfigError as error:
        sys.exit(f"{program}: {error}")
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        sys.exit(f"{program}: {error.strerror or error}{where}. Nothing finished was damaged.")
    except KeyboardInterrupt:
        sys.exit(f"{program}: interrupted.")


def wants_help(argv: Sequence[str]) -> bool:
    """Say whether help is asked for, or nothing at all."""
    return not argv or any(argument in HELP for argument in argv)


def help_text(program: str, commands: Mapping[str, Command], argv: Sequence[str]) -> str:
    """Return the help of the command that is named, or of the program."""
    name = argv[0] if argv else ""
    if name in commands:
        return page(program, name, commands[name].config)
    return overview(program, commands)


def run_command(command: Command, config: Config) -> None:
    """Run a command; with --json print what it returns, and all that it says on standard error."""
    module, _, name = command.function.partition(":")
    function = getattr(importlib.import_module(module), name)
    places = [getattr(config, name) for name in command.outputs]
    with one_at_a_time(*(place for place in places if place is not None)):
        if not getattr(config, "json", False):
            function(config)
            return
        with contextlib.redirect_stdout(sys.stderr):
            result = function(config)
    print(json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False))


def check_words(program: str, commands: Mapping[str, Command], argv: Sequence[str]) -> None:
    """Raise `ConfigError` for an unknown command or flag, or for words that are neither."""
    if not argv or argv[0] in HELP:
        return
    name = argv[0]
    if name not in commands:
        raise ConfigError(
            f"Unknown command {name!r}. Expected one of: {', '.join(commands)}."
            + suggestion(name, commands)
        )
    config = commands[name].config
    flags = [*(flag_of(field.name) for field in dataclasses.fields(config)), *config.RENAMED]
    value_may_follow = False
    for argument in argv[1:]:
        if argument == "--":
            return
        if argument.startswith("--") or argument == "-h":
            flag, equals, _ = argument[2:].partition("=")
            if argument not in HELP and flag.replace("-", "_") not in flags:
                raise ConfigError(
                    f"Unknown flag --{flag} of {name}.{suggestion(flag, flags, '--')} "
                    f"See: {program} {name} --help"
                )
            value_may_follow = not equals
        elif value_may_follow:
            value_may_follow = False
        else:
            raise ConfigError(
                f"{name} takes flags only, got {argument!r}. Write --flag=value; "
                f"see: {program} {name} --help"
            )


def with_current_flags(config: type[Config], argv: Sequence[str]) -> list[str]:
    """Return the words with today's names of flags, and say which were called otherwise.

    Raises:
        ConfigError: If a flag is given by both names.
    """
    arguments = []
    for argument in argv:
        flag, equals, value = argument.partition("=")
        name = config.RENAMED.get(flag_name(flag))
        if f"{flag_name(flag)}_" in field_names(config):
            argument = f"--{flag_name(flag)}_{equals}{value}"
        elif name:
            if name in map(flag_name, argv):
                raise ConfigError(f"{flag} is --{name}, which is given as well. Leave {flag} out.")
            print(f"Note: {flag} is called --{name} now; it still works.", file=sys.stderr)
            argument = f"--{name}{equals}{value}"
        arguments.append(argument)
    return arguments


def check_required(program: str, commands: Mapping[str, Command], argv: Sequence[str]) -> None:
    """Raise `ConfigError` where a flag without a default is not given."""
    name = argv[0]
    config, given = commands[name].config, set(map(flag_name, argv))
    missing = [field for field in required(config) if field not in given]
    if missing:
        helps = explained(config)
        flags = "; ".join(f"--{field}: {helps[field].rstrip('.')}" for field in missing)
        raise ConfigError(f"{name} needs {flags}. See: {program} {name} --help")


def flag_name(argument: str) -> str:
    """Return the name of the field that a word of the command line gives, or an empty string."""
    return argument[2:].partition("=")[0].replace("-", "_") if argument.startswith("--") else ""


def suggestion(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Return ` Did you mean ...?` for a near miss, or an empty string."""
    close = difflib.get_close_matches(name.replace("-", "_"), list(known), n=1)
    return f" Did you mean {prefix}{close[0]}?" if close else ""
