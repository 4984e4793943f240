"""From a command line to a checked config to the function that runs it. Imports no backend."""

import contextlib
import dataclasses
import difflib
import importlib
import json
import os
import sys
import traceback
from typing import NamedTuple

import fire

from keras_ruo2.backend import prefer_onednn
from keras_ruo2.config import Config
from keras_ruo2.errors import ConfigError

TENSORFLOW_STORE = "keras_ruo2.data.tensorflow_store"  # imported only where it is used


class Command(NamedTuple):
    """What a command is made of.

    Args:
        config: Subclass of `Config`; its fields are the flags, its docstring the help.
        function: `module:name` of the function that takes the config, imported when it runs.
    """

    config: type[Config]
    function: str


def start(program, commands):
    """Run the command line of the process and end the process, unless all went well.

    Where TensorFlow's file system for object storage was used, Python's own end would abort the
    process whatever the result (github.com/tensorflow/io, issue 2039), so it is left out.

    Args:
        program: Name that usage messages show.
        commands: Mapping of names to `Command`.
    """
    prefer_onednn()
    status = 0
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


def run_command_line(program, commands, argv=None):
    """Parse the whole command line first, so that a typo costs nothing, then run the command.

    Args:
        program: Name that usage messages show, e.g. `python -m keras_ruo2`.
        commands: Mapping of names to `Command`.
        argv: Arguments; by default those of the process.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        check_words(program, commands, argv)
        config = fire.Fire(
            {name: command.config for name, command in commands.items()},
            command=argv,
            name=program,
            serialize=lambda parsed: None if isinstance(parsed, Config) else parsed,
        )
        if isinstance(config, Config):
            run(commands[argv[0]], config)
    except ConfigError as error:
        sys.exit(f"{program}: {error}")
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        sys.exit(f"{program}: {error.strerror or error}{where}. Nothing finished was damaged.")
    except KeyboardInterrupt:
        sys.exit(f"{program}: interrupted.")


def run(command, config):
    """Run a command; with --json print what it returns, and all that it says on standard error."""
    module, _, name = command.function.partition(":")
    function = getattr(importlib.import_module(module), name)
    if not getattr(config, "json", False):
        function(config)
        return
    with contextlib.redirect_stdout(sys.stderr):
        found = function(config)
    print(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False))


def check_words(program, commands, argv):
    """Raise `ConfigError` for an unknown command or flag, or for words that are neither."""
    if not argv or argv[0] in ("-h", "--help", "--"):
        return
    name = argv[0]
    if name not in commands:
        raise ConfigError(
            f"Unknown command {name!r}. Expected one of: {', '.join(commands)}."
            + suggestion(name, commands)
        )
    flags = [field.name for field in dataclasses.fields(commands[name].config)]
    value_may_follow = False
    for word in argv[1:]:
        if word == "--":
            return
        if word.startswith("--") or word == "-h":
            flag, equals, _ = word[2:].partition("=")
            if word not in ("-h", "--help") and flag.replace("-", "_") not in flags:
                raise ConfigError(
                    f"Unknown flag --{flag} of {name}.{suggestion(flag, flags, '--')} "
                    f"See: {program} {name} --help"
                )
            value_may_follow = not equals
        elif value_may_follow:
            value_may_follow = False
        else:
            raise ConfigError(
                f"{name} takes flags only, got {word!r}. Write --flag=value; "
                f"see: {program} {name} --help"
            )


def suggestion(word, known, prefix=""):
    """Return ` Did you mean ...?` for a near miss, or an empty string."""
    close = difflib.get_close_matches(word.replace("-", "_"), list(known), n=1)
    return f" Did you mean {prefix}{close[0]}?" if close else ""
