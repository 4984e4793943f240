"""The rooms of the package and who may import whom."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
SHARED = {
    "errors",
    "extras",
    "fields",
    "locks",
    "paths",
    "species",
    "state",
    "tables",
}  # anyone may import these
MAY_IMPORT = {
    "errors": set(),
    "extras": set(),
    "version": set(),
    "paths": set(),
    "species": set(),
    "fields": set(),
    "state": set(),
    "locks": set(),
    "tables": set(),
    "metrics_file": set(),
    "checkpoints": {"metrics_file"},
    "run_values": {"config"},
    "variants": set(),
    "architectures": set(),
    "recipes": set(),
    "backend": set(),
    "options": set(),
    "config": {"architectures", "backend", "options", "recipes", "variants"},
    "cli": {"backend", "config"},
    "runs": {
        "architectures",
        "backend",
        "checkpoints",
        "config",
        "metrics_file",
        "run_values",
        "variants",
    },
    "calculators": set(),
    "memory": set(),
    "progress": set(),
    "relaxation": {"options", "structure"},
    "discovery": {"evaluation", "structure", "thermodynamics"},
    "screening": {"structure"},
    "structure": {"version"},
    "data": {"backend", "memory", "progress"},
    "models": {"architectures", "structure", "variants"},
    "evaluation": {"structure", "data"},
    "plotting": set(),
    "plotting_evaluation": {"plotting"},
    "training": {
        "data",
        "checkpoints",
        "evaluation",
        "metrics_file",
        "models",
        "options",
        "plotting",
        "recipes",
        "runs",
        "structure",
        "variants",
    },
    "export": {"checkpoints", "runs", "state"},
    "oxygen_gas": set(),
    "thermodynamics": {"structure"},
    "wulff": set(),
    "generate": {
        "data",
        "evaluation",
        "models",
        "plotting",
        "runs",
        "structure",
        "training",
        "variants",
    },
    "evaluate": {
        "data",
        "evaluation",
        "generate",
        "plotting",
        "plotting_evaluation",
        "runs",
        "structure",
        "training",
        "variants",
    },
    "doctor": {"backend", "memory", "version"},
    "interop": {"structure"},
    "commands": {
        "architectures",
        "backend",
        "calculators",
        "config",
        "data",
        "discovery",
        "doctor",
        "evaluate",
        "evaluation",
        "generate",
        "memory",
        "oxygen_gas",
        "plotting",
        "progress",
        "recipes",
        "relaxation",
        "runs",
        "screening",
        "structure",
        "thermodynamics",
        "training",
        "variants",
        "wulff",
    },
    "__main__": {"cli", "config"},
    "__init__": {"version"},
}
ONLY_THERE = {
    "tensorflow": {"data", "training"},
    "matplotlib": {"plotting", "plotting_evaluation"},
    "keras": {"models", "training", "backend"},
}
FILES = sorted((PACKAGE / "keras_ruo2").rglob("*.py"))


def room_of(path):
    return room(path.relative_to(PACKAGE / "keras_ruo2").parts[0].removesuffix(".py"))


def room(name):
    """A room is a folder, or files with one beginning: plotting.py, plotting_phases.py."""
    return next((r for r in ("plotting", "evaluate") if name.startswith(f"{r}_")), name)


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
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "keras_ruo2" and rest and rest != "__version__":
            other = room(rest.split(".")[0])
            assert other == own or other in MAY_IMPORT[own] | SHARED, f"{own} imports {name}"
        if top in ONLY_THERE:
            assert own in ONLY_THERE[top], f"{own} imports {name}"
        if top == "data_prep":
            assert own == "commands", f"{own} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) < 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            assert node.end_lineno - first.lineno < 40, f"{node.name} is longer than a screen"
