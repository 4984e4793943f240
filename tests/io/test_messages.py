"""What commands print, a program that imports the package does not see."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from keras_ruo2.io import messages

ROOT = Path(__file__).parents[2]
SCRIPT = """
import keras_ruo2 as kr
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
slabs = [slab for slab in kr.read(BUNDLED_STRUCTURES) if slab.info["facet"] == "(110)"]
faulty = slabs[0].copy()
faulty.positions[1] = faulty.positions[0]
kr.screen(slabs[:2], slabs)
kr.phase_diagram([*slabs, faulty], skip_damaged=True)
grid, lengths = kr.voxelise(slabs[0])
kr.backmap(grid, lengths)
"""


@pytest.fixture
def unheard(monkeypatch):
    """The logger as an importing program finds it."""
    monkeypatch.setattr(messages.LOGGER, "handlers", [])
    messages.LOGGER.setLevel(logging.NOTSET)
    yield
    messages.LOGGER.setLevel(logging.INFO)


def test_warnings_go_to_standard_error_and_the_rest_to_standard_output(unheard, capsys):
    messages.to_terminal()
    messages.to_terminal()
    messages.info("done")
    messages.warning("Warning: mind it")
    assert capsys.readouterr() == ("done\n", "Warning: mind it\n")


def test_only_what_is_asked_for_is_shown_and_then_no_more(unheard, monkeypatch, capsys):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with messages.printed_messages():
        messages.info("long work")
    with messages.printed_messages(False):
        messages.info("quiet work")
    messages.info("later")
    assert capsys.readouterr().out == "long work\n"
    assert messages.LOGGER.handlers == [] and messages.LOGGER.level == logging.NOTSET


def test_a_program_with_logging_of_its_own_gets_records(unheard, caplog, capsys):
    with caplog.at_level(logging.INFO), messages.printed_messages():
        messages.info("long work")
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("keras_ruo2", "INFO")
    ]
    assert capsys.readouterr().out == ""


def test_functions_of_the_api_print_warnings_only():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert "slabs: skipped 1 structures" in done.stderr
