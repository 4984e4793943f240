"""Random command lines, and what becomes of them: one clear line, whatever was typed."""

import contextlib
import dataclasses
import io
import os

import numpy as np

from data_prep.__main__ import COMMANDS as PREPARING
from keras_ruo2.__main__ import COMMANDS as RUNNING
from keras_ruo2.cli import Command, run_command_line

PROGRAMS = {"keras_ruo2": RUNNING, "data_prep": PREPARING}
VALUES = (
    *("", "0", "-1", "1", "1e400", "nan", "inf", "-inf", "1e-400", "999999999999999999999"),
    *(
        "None",
        "True",
        "False",
        "[]",
        "{}",
        "()",
        "(1,",
        "[1,2",
        "'",
        '"',
        "a,b",
        "1,2,3",
        ",",
        ",,",
    ),
    *(".", "..", "/", "/dev/null", "/dev/zero", "/proc/self/mem", "~", "missing.extxyz", "a\nb"),
    *("x" * 5000, "\u202e", "\U0001f600"),
    *("s3://", "s3://a/b", "http://", "file:///", "*", "[", "a@1", "%s%n", "$(touch ran)", "`id`"),
    *("lattice2d", "joint3d", "chgnet", "mace:", "mace:x", "os:system", "tests.fakes:Morse", ":"),
    *("__import__('os').system('touch ran')", "lambda: 1", "1:2", "--", "-", "--x", "\x00", "\t"),
)
WORDS = ("--help", "-h", "--", "-", "---", "--=", "=", "--__class__", "--trace", "--interactive")


class Done(Exception):
    """A command line that was accepted: its command is not run."""


def command_line(rng, commands):
    """Return the words of a random command line."""
    name = str(rng.choice([*commands, "nothing"]))
    config = commands[name].config if name in commands else next(iter(commands.values())).config
    fields = [field.name for field in dataclasses.fields(config)] or ["run"]
    words = [name] if rng.random() < 0.95 else []
    for _ in range(rng.integers(0, 6)):
        value = VALUES[rng.integers(len(VALUES))]
        flag = str(rng.choice(fields))
        flag = flag[: rng.integers(1, len(flag) + 1)] if rng.random() < 0.1 else flag
        kind = rng.random()
        words += [f"--{flag}={value}"] if kind < 0.7 else [f"--{flag}", value]
        words += [str(rng.choice(WORDS))] if kind > 0.95 else []
    return words


def outcome(program, words):
    """Return what a command line ends in: `refused`, `accepted`, `help` or the error's name.

    Commands are not run: what is looked at is everything before.
    """
    commands = {
        name: Command(command.config, f"{__name__}:stop")
        for name, command in PROGRAMS[program].items()
    }
    told = io.StringIO()
    try:
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            run_command_line(f"python -m {program}", commands, words)
    except Done:
        return "accepted"
    except SystemExit as end:
        if end.code in (None, 0):
            return "help"
        lines = str(end.code).splitlines()
        return "refused" if isinstance(end.code, int) or len(lines) == 1 else "several lines"
    except BaseException as error:  # what a user would see as a traceback
        return f"{type(error).__name__}: {error}"[:200]
    return "help"


def stop(config):
    """Stand in for every command."""
    raise Done


def outcomes(count, seed, folder):
    """Yield `(program, words, outcome)` of random command lines in a folder of their own."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        for number in range(count):
            rng = np.random.default_rng((seed, number))
            program = str(rng.choice(list(PROGRAMS)))
            words = command_line(rng, PROGRAMS[program])
            yield program, words, outcome(program, words)
    finally:
        os.chdir(before)
