"""Completion of command lines by the shells themselves."""

import shutil
import subprocess

import pytest

from keras_ruo2.__main__ import COMMANDS
from keras_ruo2.cli import run_command_line
from keras_ruo2.completion import script

BASH = """
compopt() { :; }  # outside of a completion it is an error
COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_keras_ruo2
printf '%%s\\n' "${COMPREPLY[@]}"
"""


def completed(words, folder):
    """Return what bash offers after words, the last of which is begun."""
    text = script("keras_ruo2", COMMANDS, ["--completion=bash"]) + BASH % " ".join(words)
    done = subprocess.run(
        ["bash", "-c", text], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not here")
def test_bash_completes_commands_flags_and_files(tmp_path):
    (tmp_path / "slabs.extxyz").touch()
    assert completed(["keras_ruo2", "ge"], tmp_path) == ["generate"]
    assert completed(["keras_ruo2", "generate", "--facet"], tmp_path) == ["--facet="]
    assert {"--run=", "--seed=", "--help"} <= set(
        completed(["keras_ruo2", "train", "--"], tmp_path)
    )
    words = ["keras_ruo2", "relax", "--structures", "=", "sla"]
    assert completed(words, tmp_path) == ["slabs.extxyz"]
    assert completed([*words[:4]], tmp_path) == ["slabs.extxyz"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_their_scripts(shell, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not here")
    text = script("keras_ruo2", COMMANDS, [f"--completion={shell}"])
    if shell == "zsh":
        text = "autoload -U compinit && compinit -u\n" + text
    else:
        text += "complete -C 'keras_ruo2 generate --facet'"
    done = subprocess.run([shell, "-c", text], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert shell == "zsh" or done.stdout.split() == ["--facet"]


def test_the_command_line_prints_it_and_refuses_other_words(capsys):
    run_command_line("python -m keras_ruo2", COMMANDS, ["--", "--completion", "fish"])
    assert "complete -c keras_ruo2 -n __fish_use_subcommand -a train" in capsys.readouterr().out
    for words in (["--"], ["--", "--trace"], ["--", "--completion=csh"]):
        with pytest.raises(SystemExit, match="completion"):
            run_command_line("keras_ruo2", COMMANDS, words)


def test_a_flag_that_python_keeps_to_itself_is_completed_as_it_is_typed():
    found = script("keras_ruo2", COMMANDS, ["--completion=bash"])
    assert "--from=" in found and "--from_" not in found
