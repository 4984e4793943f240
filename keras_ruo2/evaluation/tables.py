"""Tables of the page of an evaluation."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

ASKED = {  # the tables of conditions: title and columns
    "class": (
        "Classes asked for",
        {
            "read_as_asked": "Read as asked",
            "held_out": "Held-out",
            "energy_as_asked": "As asked by energy",
            "ru_share": "Metal share",
            "real_ru_share": "Metal share, real",
        },
    ),
    "facet": ("Facets asked for", {"as_asked": "As asked", "got": "Got"}),
    "cell": (
        "Cells asked for",
        {
            "as_asked": "As asked",
            "asked_lengths": "Lengths asked (Å)",
            "got_lengths": "Got",
            "largest_error": "Largest error",
        },
    ),
}


def asked_tables(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Return a table for each condition that the run takes: asked for against got."""
    for name, rows in tables.items():
        title, columns = ASKED[name]
        shown = {key: text for key, text in columns.items() if any(key in row for row in rows)}
        cells = [
            (row["asked"], row["count"], *(asked_cell(row.get(key)) for key in shown))
            for row in rows
        ]
        yield f"<h2>{title}</h2>" + html_table(("", "Samples", *shown.values()), cells)


def asked_cell(value: Any) -> str:
    """Return a value of these tables as text."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items())
    return " x ".join(map(fixed, value)) if isinstance(value, list) else fixed(value)


def html_table(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """Return an HTML table."""
    lines = ["".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)]
    lines += ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table>{body}</table></div>'


def fixed(value: float | None) -> str:
    """Return a share or a ratio with two decimals, a dash if there is none."""
    return f"{value:.2f}" if value is not None and math.isfinite(value) else "–"


def escape(text: Any) -> str:
    """Return text that HTML shows as it is."""
    return html.escape(str(text))
