"""The report of a search as one HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from keras_ruo2.pages.render import write_html

if TYPE_CHECKING:
    from pathlib import Path


PAGE = "report.html"
CAPTIONS = {
    "energies.png": "Snapshots by energy class, and how far they lie above the lowest of a trial.",
    "composition.png": "O gained and lost at each chemical potential.",
    "acceptance.png": "Acceptance along the chains, and what became of the moves.",
    "grand_potential.png": "Grand potentials along the chains.",
    "structures.png": "Starts and the lowest structures of their chains.",
}


def write_search_page(
    folder: Path, parts: Sequence[tuple[str, Sequence[Any]]], pictures: Iterable[str]
) -> None:
    """Write the same as one HTML page with the pictures inside.

    Args:
        folder: Where the pictures lie, and the page will.
        parts: Of `report_parts`.
        pictures: Names of files.
    """
    (title, (lead, *_)), *sections = parts
    named = [(folder / name, CAPTIONS[name]) for name in pictures]
    write_html(
        folder / PAGE, "search.html", title=title, lead=lead, sections=sections, pictures=named
    )
