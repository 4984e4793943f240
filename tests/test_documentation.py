"""What the documentation says of commands and files is true, and the README stays short."""

import dataclasses
import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest

from data_prep.__main__ import COMMANDS as PREPARATION
from keras_ruo2.__main__ import COMMANDS
from keras_ruo2.cli import check_words
from keras_ruo2.structure.bounds import BOUNDS
from keras_ruo2.structure.validity import REASONS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = {"keras_ruo2": COMMANDS, "data_prep": PREPARATION}
CALL = re.compile(r"(?:python -m |(?<=[\s\"]))(keras_ruo2|data_prep) ([a-z_]+)([^#\n`|\"]*)")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)(?:#[^)]*)?\)")
GENERATED = ("reference/commands.md", "reference/api.md", "reference/reasons.md", "notebooks/")
TWO_SCREENS = 100  # lines


def commands_in(path):
    """Yield `(program, words)` for every command line of a page's code."""
    text = path.read_text().replace("\\\n", " ")
    for line in text.splitlines():
        for program, name, rest in CALL.findall(
            line if line.startswith("    ") and "import " not in line else ""
        ):
            yield program, [name, *shlex.split(rest, posix=True)]


def reference():
    """Return the module that makes the reference pages."""
    place = ROOT / "docs" / "build" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference_pages", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_fits_on_two_screens():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= TWO_SCREENS and len(text) < 80 * TWO_SCREENS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_exists_with_its_flags(page):
    for program, words in commands_in(page):
        if words[0] == "COMMAND":
            continue
        check_words(program, PROGRAMS[program], [w for w in words if w not in ("[", "]", "...")])


def test_the_pages_hold_commands_to_check():
    assert sum(len(list(commands_in(page))) for page in PAGES) > 60


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    for target in LINK.findall(page.read_text()):
        place = (page.parent / target).resolve()
        made = place.relative_to(ROOT / "docs") if place.is_relative_to(ROOT / "docs") else ""
        assert place.exists() or str(made).startswith(GENERATED), f"{page.name}: {target}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_reference_has_every_flag_with_its_meaning(program):
    page = reference().commands_page()
    for name, command in PROGRAMS[program].items():
        section = page.split(f"### {program} {name}\n")[1].split("\n### ")[0]
        for field in dataclasses.fields(command.config):
            (row,) = re.findall(rf"^\| `--{field.name.rstrip('_')}` \|.*$", section, re.MULTILINE)
            meaning = row.removesuffix(" |").rpartition(" | ")[2]
            assert len(meaning) > 8, f"{program} {name} --{field.name} is not explained"


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/worked_examples.md"])
def test_the_files_that_contributors_are_sent_to_exist(page):
    text = (ROOT / page).read_text()
    places = re.findall(r"`?((?:keras_ruo2|tests|docs)/[\w/]+(?:\.py|\.md|/))", text)
    assert len(places) > 8
    for place in set(places) - {"docs/reference/reasons.md"}:
        assert (ROOT / place).exists(), place


def test_every_word_of_the_glossary_is_in_order_and_its_place_exists():
    rows = re.findall(
        r"^\| (.+?) \| .+ \| (`.+`) \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE
    )
    words = [word.casefold() for word, _ in rows]
    assert len(words) > 30 and words == sorted(words)
    for word, where in rows:
        for name in re.findall(r"`([\w.]+)`", where):
            place = ROOT / "keras_ruo2" / name.replace(".", "/")
            if not (place.is_dir() or place.with_suffix(".py").is_file()):
                source = place.parent.with_suffix(".py").read_text()
                assert f"class {place.name}" in source, word


def test_the_reference_explains_every_reason_against_a_structure_and_every_bound():
    page = reference().reasons_page()
    for name in {*REASONS, *BOUNDS}:
        rows = re.findall(rf"^\| `{name}` \|.*$", page, re.MULTILINE)
        assert len(rows) == (name in REASONS) + (name in BOUNDS), name
        assert all(len(row.removesuffix(" |").rpartition(" | ")[2]) > 8 for row in rows), name


def test_the_reference_holds_no_path_of_this_machine():
    assert str(ROOT) not in reference().commands_page()
    assert str(Path(sys.prefix)) not in reference().commands_page()
