"""The rooms of the package and who may import whom."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
SHARED = {"errors", "extras", "io", "species"}  # anyone may import these
MAY_IMPORT = {
    "errors": set(),
    "extras": set(),
    "version": set(),
    "species": set(),
    "io": {"version"},
    "backend": set(),
    "options": set(),
    "recipes": set(),
    "structure": set(),
    "metrics": {"structure"},
    "pages": set(),
    "plotting": {"structure"},
    "density": {"config", "plotting", "structure"},
    "models": {"structure"},
    "data": {"backend"},
    "config": {"backend", "models", "options", "recipes"},
    "runs": {"backend", "config", "data", "models", "structure"},
    "records": {"config", "data", "density", "models", "recipes", "runs", "structure"},
    "relaxation": {"config", "options", "structure"},
    "screening": {"config", "structure"},
    "thermodynamics": {"config", "plotting", "structure"},
    "basin_hopping": {"config", "pages", "plotting", "relaxation", "structure", "thermodynamics"},
    "training": {
        "config",
        "data",
        "metrics",
        "models",
        "options",
        "plotting",
        "recipes",
        "runs",
        "structure",
    },
    "generation": {
        "backend",
        "config",
        "data",
        "density",
        "models",
        "plotting",
        "runs",
        "structure",
        "training",
    },
    "evaluation": {
        "config",
        "data",
        "density",
        "generation",
        "metrics",
        "models",
        "pages",
        "plotting",
        "runs",
        "structure",
        "training",
    },
    "doctor": {"backend", "version"},
    "interop": {"structure"},
    "discovery": {
        "config",
        "density",
        "evaluation",
        "generation",
        "models",
        "pages",
        "plotting",
        "relaxation",
        "runs",
        "screening",
        "structure",
        "thermodynamics",
    },
    "commands": {
        "backend",
        "config",
        "data",
        "doctor",
        "evaluation",
        "metrics",
        "models",
        "records",
        "runs",
        "training",
    },
    "help": {"config"},
    "completion": {"config"},
    "cli": {"backend", "completion", "config", "help"},
    "api": {
        "backend",
        "commands",
        "config",
        "density",
        "generation",
        "interop",
        "options",
        "records",
        "relaxation",
        "runs",
        "screening",
        "structure",
        "thermodynamics",
    },
    "__main__": {"cli", "config"},
    "__init__": {"api", "version"},
}
ONLY_THERE = {
    "tensorflow": {"data", "training"},
    "matplotlib": {"plotting"},
    "keras": {"models", "training", "evaluation", "backend"},
}
# names that other people's scripts import from where they were
KEPT_NAMES = {"structure/voxels.py", "structure/backmap.py"}
FILES = sorted((PACKAGE / "keras_ruo2").rglob("*.py"))


def room_of(path):
    return path.relative_to(PACKAGE / "keras_ruo2").parts[0].removesuffix(".py")


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "keras_ruo2":
                yield from (f"keras_ruo2.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards(path):
    own = room_of(path)
    if path.relative_to(PACKAGE / "keras_ruo2").as_posix() in KEPT_NAMES:
        own = "density"
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "keras_ruo2" and rest and rest != "__version__":
            other = rest.split(".")[0]
            assert other == own or other in MAY_IMPORT[own] | SHARED, f"{own} imports {name}"
        if top in ONLY_THERE:
            assert own in ONLY_THERE[top], f"{own} imports {name}"
        assert top != "data_prep", f"{own} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) < 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno < 40, f"{node.name} is longer than a screen"


def test_rooms_know_each_other_in_one_direction_only():
    """Each room may be taken off the top when nothing that is left imports it."""
    left = {room: set(below) for room, below in MAY_IMPORT.items()}
    while left:
        tops = set(left) - set().union(*left.values())
        assert tops, f"These import each other in a circle: {sorted(left)}"
        left = {room: below for room, below in left.items() if room not in tops}


def test_every_room_is_in_the_table():
    assert {room_of(path) for path in FILES} == set(MAY_IMPORT)


def test_the_picture_of_the_rooms_names_each_of_them():
    text = (PACKAGE / "docs" / "architecture.md").read_text()
    rooms = set(MAY_IMPORT) - {"__init__", "__main__"}
    assert not [room for room in rooms if not re.search(rf"\b{room}\b", text)]
