"""Fill a template with what a page says. Everything is escaped that is not `Markup` already."""

from __future__ import annotations

import base64
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from keras_ruo2 import __version__
from keras_ruo2.io.paths import write_text

ASSETS = Path(__file__).parent / "assets"


def write_html(path: Path, template: str, **values: Any) -> None:
    """Write a page whole or not at all.

    Args:
        path: File.
        template: Name of a template in `ASSETS`.
        values: What it shows; `title` at least.
    """
    write_text(path, render(template, **values))


def render(template: str, **values: Any) -> str:
    """Return a page as text; arguments as above."""
    return template_environment().get_template(template).render(version=__version__, **values)


@cache
def template_environment() -> jinja2.Environment:
    """Return the environment of the templates: undefined names are errors, text is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": asset, "data_block": data_block, "picture": picture}
    environment.filters["number"] = number
    return environment


def asset(name: str) -> Markup:
    """Return a style sheet or a script of `ASSETS` as it is."""
    return Markup((ASSETS / name).read_text(encoding="utf-8"))


def data_block(name: str, content: Any) -> Markup:
    """Return data that scripts of the page read as JSON, under an id.

    No text in it can end the block: `<`, `>` and `&` are written as escapes of JSON.
    """
    text = json.dumps(finite(content), ensure_ascii=True, allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    head = Markup('<script type="application/json" id="{}">').format(name)
    return head + Markup(text) + Markup("</script>")


def picture(path: Path) -> Markup:
    """Return a PNG as an address that holds it."""
    data = base64.b64encode(Path(path).read_bytes()).decode()
    return Markup("data:image/png;base64," + data)


def number(value: float | None) -> str:
    """Return a number with three digits, a dash if there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def finite(content: Any) -> Any:
    """Return nested dicts and lists with `None` for floats that are not finite."""
    if isinstance(content, dict):
        return {name: finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return None
    return content
