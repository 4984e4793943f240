import dataclasses
import subprocess
import sys

import pytest

from data_prep.__main__ import COMMANDS as PREPARATION
from keras_ruo2 import cli, help
from keras_ruo2.__main__ import COMMANDS
from keras_ruo2.cli import run_command_line


def refused(*words, commands=COMMANDS):
    with pytest.raises(SystemExit) as caught:
        run_command_line("ruo2", commands, list(words))
    assert isinstance(caught.value.code, str), "a message makes the exit status 1"
    assert "\n" not in caught.value.code
    return caught.value.code


def test_an_unknown_command_is_refused():
    assert "Unknown command 'trian'" in refused("trian")
    assert "Did you mean train?" in refused("trian")


def test_an_unknown_flag_is_refused_before_anything_runs():
    message = refused("train", "--variant=lattice2d", "--batchsize=32")
    assert message.startswith("ruo2: Unknown flag --batchsize of train. Did you mean --batch_size?")


def test_words_that_are_no_flags_are_refused():
    assert "takes flags only, got 'lattice2d'" in refused("train", "lattice2d")


def test_bad_values_are_refused():
    assert "Unknown variant 'x'" in refused("train", "--variant=x")


def test_preparation_refuses_too(tmp_path):
    assert "no such file" in refused(
        "records", f"--structures={tmp_path}/none.xyz", commands=PREPARATION
    )


def test_values_may_follow_their_flag(capsys):
    assert "Unknown recipe 'x'" in refused("records", "--recipe", "x", commands=PREPARATION)


@pytest.mark.parametrize("package", ["keras_ruo2", "data_prep"])
def test_the_command_line_starts_without_a_backend(package):
    code = (
        f"import sys, {package}.__main__;"
        "assert not {'keras', 'tensorflow', 'torch', 'jax'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("command", ["train", "generate", "evaluate", "variants"])
def test_every_command_has_help(command):
    result = subprocess.run(
        [sys.executable, "-m", "keras_ruo2", command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    first = COMMANDS[command].config.__doc__.splitlines()[0]
    assert first in " ".join(result.stdout.split())  # in lines as wide as the terminal


def test_variants_are_listed(capsys):
    run_command_line("ruo2", COMMANDS, ["variants"])
    printed = capsys.readouterr().out
    assert "lattice2d" in printed and "kim" in printed


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["variants"], 0, ""),
        (["trian"], 1, "Unknown command 'trian'"),
        (["broken"], 1, "Traceback"),
    ],
)
def test_the_process_ends_itself_where_python_would_abort(words, status, said, monkeypatch, capsys):
    commands = COMMANDS | {"broken": cli.Command(COMMANDS["variants"].config, "math:nothing")}
    monkeypatch.setattr(sys, "argv", ["ruo2", *words])
    if status:  # as always
        with pytest.raises((SystemExit, AttributeError)) as caught:
            cli.start("ruo2", commands)
        assert caught.type is AttributeError or caught.value.code
    else:
        cli.start("ruo2", commands)
    ended = []
    monkeypatch.setattr("os._exit", ended.append)
    monkeypatch.setitem(sys.modules, cli.TENSORFLOW_STORE, cli)
    cli.start("ruo2", commands)
    assert ended == [status]
    assert said in capsys.readouterr().err


ALL = [(name, COMMANDS) for name in COMMANDS] + [(name, PREPARATION) for name in PREPARATION]


@pytest.mark.parametrize(("name", "commands"), ALL)
def test_help_at_80_columns_shows_every_word_of_every_flag(name, commands, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    run_command_line("ruo2", commands, [name, "--help"])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for told in help.explained(commands[name].config).values():
        assert told in " ".join(shown.split())
    for field in dataclasses.fields(commands[name].config):
        assert f"--{field.name.rstrip('_')}" in shown.split("Flags:")[1]
        assert field.name in help.explained(commands[name].config), "a flag without explanation"


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["--", "--help"]])
def test_the_program_lists_its_commands(words, capsys):
    run_command_line("ruo2", COMMANDS, words)
    shown = capsys.readouterr().out
    assert all(f"\n  {name}\n" in shown for name in COMMANDS)


@pytest.mark.parametrize(("name", "commands"), ALL)
def test_a_missing_flag_is_named_in_one_line(name, commands):
    needed = help.required(commands[name].config)
    if needed:
        message = refused(name, commands=commands)
        assert message.startswith(f"ruo2: {name} needs --{needed[0]}: ")
        assert message.endswith(f"See: ruo2 {name} --help")
        assert all(f"--{flag}: " in message for flag in needed)


def test_known_slabs_are_still_taken_by_their_old_flag(tmp_path, capsys):
    (tmp_path / "a.xyz").write_text("1\n\nO 0 0 0\n")
    words = ["screen", f"--structures={tmp_path}/a.xyz", "--out=b.extxyz"]
    (old,), (new,) = (
        [refused(*words, f"--{flag}={tmp_path}/none.xyz").partition("no such file")[0]]
        for flag in ("reference", "known")
    )
    assert old == new
    assert "Note: --reference is called --known now" in capsys.readouterr().err
    message = refused(*words, "--reference=a.xyz", "--known", "b.xyz")
    assert message == "ruo2: --reference is --known, which is given as well. Leave --reference out."
