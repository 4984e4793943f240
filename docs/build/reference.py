"""Pages made from the code: a section for each command, a table row for each flag."""

import dataclasses
import importlib
import inspect
import re
import types
import typing
from pathlib import Path

PROGRAMS = ("keras_ruo2", "data_prep")
ROOT = Path(__file__).resolve().parents[2]
# What docstrings of reasons begin with, and the page leaves out.
BEGINNING = r"^(Say|Return the indices of)( in a sentence)?( whether| that)? "
ARGUMENT = re.compile(r"^( {4,8})(\w+): (.*)$")
CALLED = {"Path": "path", "RemoteFolder": "s3 address", "NoneType": "nothing", "str": "text"}


def pages():
    """Return the Markdown of every generated page by its name."""
    return {
        "reference/commands.md": commands_page(),
        "reference/api.md": api_page(),
        "reference/reasons.md": reasons_page(),
    }


def commands_page():
    """Return the reference of the commands: flags, types, defaults and meanings."""
    lines = [
        "# Commands",
        "",
        "Made from the configurations in the code, like `--help`. Write `--flag=value`; a flag of",
        "yes or no is switched on by its name alone and off by `--flag=False`.",
    ]
    for program in PROGRAMS:
        lines += ["", f"## {program}", "", f"`{program} COMMAND` or `python -m {program} COMMAND`."]
        for name, command in commands_of(program).items():
            lines += ["", f"### {program} {name}", "", *section(command.config)]
    return "\n".join(lines) + "\n"


def commands_of(program):
    """Return the commands of a program by name."""
    return importlib.import_module(f"{program}.__main__").COMMANDS


def section(config):
    """Return the lines of a command's section."""
    text, meanings = described(config)
    hints = typing.get_type_hints(config)
    rows = [
        f"| `--{field.name.rstrip('_')}` | {kind(hints[field.name])} | {default(field)} | "
        f"{meanings.get(field.name, '')} |"
        for field in dataclasses.fields(config)
    ]
    table = ["", "| flag | takes | default | meaning |", "|---|---|---|---|", *rows]
    return [escaped(text), *(table if rows else [])]


def described(config):
    """Return a docstring's text and a dict of what it says of each argument."""
    text, _, rest = inspect.cleandoc(config.__doc__).partition("Args:\n")
    meanings, name = {}, None
    for line in rest.splitlines():
        found = re.match(r" {4}(\w+): (.*)$", line)
        if found:
            name = found[1]
            meanings[name] = found[2]
        elif name and line.strip():
            meanings[name] += f" {line.strip()}"
    return text.strip(), {key: escaped(value) for key, value in meanings.items()}


def escaped(text):
    """Return text whose signs mean nothing to Markdown or HTML."""
    return re.sub(r"([|<>*_\[\]$])", r"\\\1", text).replace("\\<", "&lt;").replace("\\$", "&#36;")


def kind(hint):
    """Return the name of a type in words."""
    parts = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    names = [CALLED.get(part.__name__, part.__name__) for part in parts if part is not type(None)]
    return " or ".join(names)


def default(field):
    """Return a field's default as code."""
    if field.default is dataclasses.MISSING:
        return "required"
    if field.default is None or field.default == "":
        return ""
    value = field.default
    if isinstance(value, Path):
        value = value.relative_to(ROOT) if value.is_relative_to(ROOT) else value
    elif isinstance(value, tuple):
        value = ",".join(map(str, value))
    return f"`{value}`" if str(value) else ""


def api_page():
    """Return the reference of the Python API: what `import keras_ruo2` offers."""
    package = importlib.import_module("keras_ruo2")
    lines = ["# Python API", "", (ROOT / "docs" / "build" / "api_head.md").read_text().rstrip()]
    for name in sorted(getattr(package, "__all__", ())):
        value = getattr(package, name)
        if not callable(value):
            continue
        lines += ["", f"## {name}", "", "```python", f"{name}{signature(value)}", "```", ""]
        lines += ["```text", inspect.getdoc(value) or "", "```"]
    return "\n".join(lines) + "\n"


def reasons_page():
    """Return the reference of the reasons against a structure, and of the bounds behind them."""
    validity, bounds = (
        importlib.import_module(f"keras_ruo2.structure.{name}") for name in ("validity", "bounds")
    )
    lines = [
        "# Reasons against a structure",
        "",
        "What `screen` writes as `reasons`. A structure that cannot be read has one of the first",
        "table, others all that apply of the second; none is a valid slab. `--accept=NAME,NAME`",
        "lets structures with these pass. Other commands refuse a structure by those of the third.",
    ]
    others = [n for n in validity.REASONS if n not in (*validity.UNREADABLE, *validity.INVALID)]
    for names in (validity.UNREADABLE, validity.INVALID, others):
        lines += ["", "| reason | what it says |", "|---|---|"]
        for name in names:
            text = inspect.getdoc(validity.REASONS[name].find).partition("\n")[0]
            text = re.sub(r"[;,] empty if .*$", ".", text)
            text = re.sub(
                r"^(Say|Return the indices of)( in a sentence)?( whether| that)? ", "", text
            )
            lines.append(f"| `{name}` | {text[:1].upper() + text[1:]} |")
    lines += ["", "## Bounds", "", "| name | value | reasons | source |", "|---|---|---|---|"]
    for name, row in bounds.BOUNDS.items():
        value = " to ".join(map(str, row.value)) if isinstance(row.value, tuple) else row.value
        reasons = [
            f"`{each}`" for each, reason in validity.REASONS.items() if name in reason.bounds
        ]
        cells = (f"{value} {row.unit}", ", ".join(reasons), row.source)
        lines.append(f"| `{name}` | {' | '.join(map(escaped, cells))} |")
    return "\n".join(lines) + "\n"


def signature(value):
    """Return the arguments of a function or class as text."""
    try:
        return str(inspect.signature(value))
    except (TypeError, ValueError):
        return "(...)"
