"""report.html: everything in one file that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_ruo2.discovery.funnel import STEPS
from keras_ruo2.discovery.page_data import Structures, line_in_mev, lowest_lines, oxygen_table
from keras_ruo2.pages.render import number, write_html
from keras_ruo2.species import SPECIES, Pair, formula, renamed

if TYPE_CHECKING:
    from pathlib import Path


NAMES = {
    "generated": "Generator",
    "random": "Random placement",
    "rattled": "Rattled training slabs",
    "genetic": "ASE's genetic algorithm",
    "known": "Known slabs",
}
NOTES = {
    "backmap": "mapping back",
    "before": "screening before relaxing",
    "relax": "relaxing",
    "after": "screening after relaxing",
}
ABOUT = (
    "Every method draws as many structures and is given as many relaxations: its valid, unique and "
    "novel ones first, then those with fewest reasons against them. Baselines: random placement "
    "has the composition, cell and thickness of a training slab; rattled slabs are moved by 0.3 Å "
    "in each direction; the genetic algorithm begins with the known slabs and has up to four "
    "generations of cut-and-splice and mutation, parents chosen by their surface free energy in "
    "the middle of the range of dmu_O, among which draws and relaxations are divided. "
    "Their cells have about 100 atoms at most, which is kind to them where generated cells are "
    "larger. A structure whose relaxation did not converge may yet fall back to a known one."
)
RANKING = (
    "γ and the distance above the best known slab of the same facet (in meV/Å²) are those at the "
    "chosen Δμ(O); the next column is the least distance over all Δμ(O) between metallic Ru (or "
    "-2 eV, where its energy is not known) and O2; negative beats it. "
    "Where no known slab is by the same calculator, from the best one found. "
    "Surface free energies are the mean of a slab's two faces. Universal potentials are 20 to "
    "40 % below DFT here: take the order, not the values, and check it by DFT."
)
TURNED = (
    "Drag to turn; arrow keys turn, + and - zoom, the wheel too after a click. Ru blue, O orange."
)
COLUMNS = (  # key of the data, heading, kind of cell; the script fills ranks, gammas and distances
    ("gamma", "Rank", "rank"),
    ("name", "Structure", "button"),
    ("gamma", "γ", "gamma"),
    ("above", "Above known", "above"),
    ("least", "Least above", "number"),
    ("facet", "Facet", "words"),
    ("formula", "Formula", "words"),
    ("num_o", "O", "count"),
    ("origin", "Origin", "tag"),
    ("method_name", "Method", "words"),
)
DFT_HEAD = (
    "Structure",
    "Rank before",
    "Rank by DFT",
    "γ O-rich before",
    "γ O-rich by DFT",
    "Flaws",
)
AFTER = list(STEPS)[list(STEPS).index("chosen") :]


def write_discovery_page(path: Path, content: Mapping[str, Any]) -> None:
    """Write the page whole or not at all.

    Args:
        path: File.
        content: Dict: `title`, `summary`, `methods` (name to `counts`, `reasons` and `moved`),
            `pictures` (list of path and caption), `best` (the generator's, list of dicts, see
            `tables.structure_row`), `others` (known slabs and baselines, the same), `shown` (how
            many of `best` are pictured beside known ones), `lines` (dict of facets to `Line` that
            distances are measured from), `beside_known` (whether those are known slabs'), `limits`
            (of dmu_O, eV), `notes` (list of texts), `provenance` (dict of texts), `dft` (list of
            dicts, may be empty) and `species` (metal and anion).
    """
    species = content.get("species", SPECIES)
    structures = Structures()
    rows = [row_data(row, structures) for row in (*content["best"], *content["others"])]
    facets = sorted({row["facet"] for row in rows})
    write_html(
        path,
        "report.html",
        title=content["title"],
        summary=content["summary"],
        notes=content["notes"],
        rows=rows,
        cards=rows[: min(content["shown"], len(content["best"]))],
        facets=facets,
        kinds={row["method"]: NAMES[row["method"]] for row in rows},
        columns=COLUMNS,
        limits=content["limits"],
        oxygen=oxygen_table(),
        data=page_data(rows, facets, content, species),
        structures=structures.blocks,
        turned=renamed(TURNED, species),
        about_ranking=renamed(RANKING, species),
        about_methods=ABOUT,
        methods=[{"name": NAMES[n], "moved": m["moved"]} for n, m in content["methods"].items()],
        steps=funnel_steps(content["methods"]),
        stages=death_stages(content["methods"]),
        dft_head=DFT_HEAD,
        dft=dft_rows(content["dft"]),
        pictures=content["pictures"],
        provenance=content["provenance"],
    )


def row_data(row: Mapping[str, Any], structures: Structures) -> dict[str, Any]:
    """Return what the page and its scripts know of a structure; its files go to `structures`."""
    atoms, method = row["atoms"], row["method"]
    nearest = None
    if row["nearest"] is not None:
        name, slab = row["nearest"]
        number = structures.add(slab, name)
        nearest = {
            "name": name,
            "formula": slab.get_chemical_formula(mode="metal"),
            "structure": number,
        }
    return {
        "name": row["name"],
        "method": method,
        "method_name": NAMES[method],
        "kind": method if method in ("generated", "known") else "baseline",
        "origin": row["origin"],
        "novel": row["novel"],
        "facet": row["facet"],
        "formula": atoms.get_chemical_formula(mode="metal"),
        "num_o": int(sum(atoms.symbols == row["anion"])),
        "line": line_in_mev(row["line"]),
        "least": row["above"],
        "said": row["said"],
        "chain": row["chain"],
        "difference": row["difference"],
        "nearest": nearest,
        "structure": structures.add(atoms, row["name"]),
    }


def page_data(
    rows: Sequence[Mapping[str, Any]], facets: Any, content: Mapping[str, Any], species: Pair
) -> dict[str, Any]:
    """Return what the scripts read."""
    metal = species[0]
    return {
        "rows": rows,
        "facets": facets,
        "limits": list(content["limits"]),
        "known": lowest_lines(content["lines"], content["limits"]),
        "beside_known": content["beside_known"],
        "beyond": f"where {formula(species)} is not stable against {metal} and O2 (or below -2 eV)",
        "oxygen": oxygen_table(),
    }


def funnel_steps(methods: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the steps of the funnel, for each method the share of what was drawn and a count."""
    steps = []
    for step, text in STEPS.items():
        bars = []
        for method in methods.values():
            of = method["counts"]["chosen" if step in AFTER else "drawn"]
            count = method["counts"][step]
            bars.append((count / of if of else 0.0, count))
        steps.append({"text": text, "bars": bars, "begins": step in ("drawn", "chosen")})
    return steps


def death_stages(methods: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return where structures die: reasons and counts, of each stage and method."""
    return [
        {"text": text, "reasons": [method["reasons"][stage] for method in methods.values()]}
        for stage, text in NOTES.items()
    ]


def dft_rows(rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Return how DFT re-ranked what was handed over; nothing before there is any."""
    return [
        (row["name"], row["rank"], row["dft_rank"], *map(number, row["values"]), row["flaws"])
        for row in rows
    ]
