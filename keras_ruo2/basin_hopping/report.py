"""Tables and pictures of a basin-hopping search, finished or running."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_ruo2.basin_hopping.figures import figures, signless
from keras_ruo2.basin_hopping.page import PAGE, write_search_page
from keras_ruo2.basin_hopping.statistics import (
    ChainRecord,
    Search,
    by_start,
    outcomes_by,
    read_search,
)
from keras_ruo2.errors import check_writable
from keras_ruo2.io import messages
from keras_ruo2.io.paths import shown, write_text
from keras_ruo2.io.tables import harmless
from keras_ruo2.plotting import search as plotting_search
from keras_ruo2.plotting.style import save_figure
from keras_ruo2.structure.energies import class_edges

if TYPE_CHECKING:
    from keras_ruo2.config.search import SearchReportConfig

Parts = list[tuple[str, list[Any]]]  # titles, and texts and tables below each
NUM_CLASSES = 10
LEAST_WIDTH = 0.01  # eV per atom that the energy classes span, so that their edges can be told
ABOUT_CHAINS = (
    "Grand potentials are those of accepted structures, over the relaxed start's, per area of the "
    "cell."
)
COLUMNS = (
    "chain",
    "start",
    "dmu_o (eV)",
    "trials",
    "accepted (%)",
    "snapshots",
    "O at the start",
    "O now",
    "lowest (meV/Å²)",
    "at trial",
    "its O",
)


def main(config: SearchReportConfig) -> None:
    """Write report.md, report.html, chains.csv and the pictures into `config.out`.

    Args:
        config: `SearchReportConfig`.
    """
    check_writable(config.out)
    search = read_search(config.structures)
    edges = edges_of(search.energies)
    parts = report_parts(search, edges)
    written, pictures = write_tables(search, parts, config), []
    for name, figure in figures(search, edges):
        save_figure(figure, config.out / name)
        pictures.append(name)
    write_search_page(config.out, parts, pictures)
    written += [PAGE, *pictures]
    trials = sum(len(chain.moves) for chain in search.chains)
    messages.info(
        f"{shown(config.out)}: {', '.join(written)} of {len(search.chains)} chains, "
        f"{trials:,} trials, {len(search.energies):,} snapshots."
    )


def edges_of(energies: np.ndarray) -> np.ndarray:
    """Return the edges of the energy classes, eV per atom; equal energies get some room."""
    if np.ptp(energies) < LEAST_WIDTH:
        energies = np.mean(energies) + LEAST_WIDTH * np.array([-0.5, 0.5])
    return class_edges(energies, NUM_CLASSES)


def report_parts(search: Search, edges: np.ndarray) -> Parts:
    """Return what the report says: pairs of a title and a list of texts and tables.

    A table is a list of rows, the first one its head.
    """
    chains = search.chains
    outcomes = (
        (outcomes_by(chains, lambda chain, row: row.move), "move"),
        (outcomes_by(chains, lambda chain, row: chain.dmu_o), "dmu_o (eV)"),
        (outcomes_by(chains, lambda chain, row: chain.start), "start"),
    )
    parts: Parts = [
        ("A search in numbers", [search_summary(search)]),
        ("Chains", [ABOUT_CHAINS, [COLUMNS, *(chain_row(chain) for chain in chains)]]),
        ("What became of the moves", [outcome_table(*each) for each in outcomes]),
        ("Energies", [energy_table(search.energies, edges), above_line(search.above)]),
    ]
    return [(title, [each for each in content if each]) for title, content in parts]


def write_tables(search: Search, parts: Parts, config: SearchReportConfig) -> list[str]:
    """Write report.md and chains.csv and return their names."""
    lines = []
    for level, (title, content) in zip(("#", *["##"] * len(parts)), parts, strict=False):
        lines.append(f"{level} {title}")
        lines += [each if isinstance(each, str) else markdown(each) for each in content]
    write_text(config.out / "report.md", "\n\n".join(lines) + "\n")
    table = io.StringIO()
    rows = [[harmless(value) for value in chain_row(chain)] for chain in search.chains]
    csv.writer(table, lineterminator="\n").writerows([COLUMNS, *rows])
    write_text(config.out / "chains.csv", table.getvalue())
    return ["report.md", "chains.csv"]


def search_summary(search: Search) -> str:
    """Return how much there is, as a sentence or two."""
    trials = sum(len(chain.moves) for chain in search.chains)
    starts, snapshots = by_start(search.chains), f"{len(search.energies):,} snapshots"
    facets = ", ".join(sorted({chain.facet for chain in search.chains}))
    text = f"{len(search.chains)} chains of {len(starts)} starts on {facets}: {trials:,} trials, "
    text += f"{snapshots}, {joined_range(search)} atoms in cells of {lengths_range(search)} Å."
    if not search.knows_unplaced:
        text += (
            " Trials that left no snapshot here (moves without a place, thinned ones) are not "
            "counted: the folder of chains knows them."
        )
    return text


def joined_range(search: Search) -> str:
    """Return the least and largest number of atoms of the starts and lowest structures."""
    frames = [frame for chain in search.chains for frame in (chain.first, chain.lowest) if frame]
    counts = [frame.num_metal + frame.num_o for frame in frames]
    return f"{min(counts)} to {max(counts)}" if counts else "unknown numbers of"


def lengths_range(search: Search) -> str:
    """Return the least and largest length of the cells, Å."""
    lengths = np.array([chain.lengths for chain in search.chains])
    return f"{lengths.min():.1f} to {lengths.max():.1f}"


def chain_row(chain: ChainRecord) -> tuple[Any, ...]:
    """Return the values of `COLUMNS` for a chain."""
    now = chain.current("num_o")
    lowest = chain.lowest
    accepted = f"{100 * chain.accepted.mean():.0f}" if len(chain.moves) else "-"
    return (
        chain.number,
        chain.start,
        f"{chain.dmu_o:g}",
        len(chain.moves),
        accepted,
        sum(row.snapshots for row in chain.trials),
        chain.first.num_o,
        f"{now[-1]:.0f}",
        f"{signless(float(chain.relative(lowest.grand_potential))):.1f}" if lowest else "-",
        lowest.info["trial"] if lowest else "-",
        lowest.num_o if lowest else "-",
    )


def outcome_table(outcomes: Mapping[Any, Mapping[str, int]], title: str) -> list[tuple[Any, ...]]:
    """Return a table of shares of outcomes, a row for each label; none without outcomes."""
    if not outcomes:
        return []
    names = sorted({name for row in outcomes.values() for name in row}, key=order_of)
    rows: list[tuple[Any, ...]] = [
        (title, "trials", *(f"{name.replace('_', ' ')} (%)" for name in names))
    ]
    for label, row in outcomes.items():
        total = sum(row.values())
        rows.append((label, total, *(f"{100 * row.get(name, 0) / total:.0f}" for name in names)))
    return rows


def order_of(outcome: str) -> tuple[int, str]:
    """Return where an outcome stands among the others."""
    known = list(plotting_search.OUTCOMES)
    return (known.index(outcome) if outcome in known else len(known), outcome)


def energy_table(energies: np.ndarray, edges: np.ndarray) -> list[tuple[Any, ...]]:
    """Return the counts of the energy classes as a table."""
    counts, _ = np.histogram(energies, edges)
    rows: list[tuple[Any, ...]] = [("class", "from (eV per atom)", "to", "snapshots")]
    for number, count in enumerate(counts):
        rows.append((number, f"{edges[number]:.3f}", f"{edges[number + 1]:.3f}", int(count)))
    return rows


def above_line(above: np.ndarray) -> str:
    """Return how far snapshots lie above the lowest of their trial, as a sentence."""
    if not len(above):
        return ""
    shares = np.percentile(above, (50, 75, 90, 99))
    values = ", ".join(f"{value:.3f}" for value in shares)
    return (
        f"Above the lowest snapshot of the same trial: {values} eV per atom for the nearest 50, "
        "75, 90 and 99 % of the snapshots."
    )


def markdown(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as a Markdown table, the first one its head."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]])
