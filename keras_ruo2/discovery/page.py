"""report.html: everything in one file that needs no network."""

import base64
import io
import os

import ase.io

from keras_ruo2.discovery.funnel import STEPS
from keras_ruo2.evaluation.report import CSS, escape, figure, number
from keras_ruo2.plotting.viewer import SCRIPT, viewer
from keras_ruo2.species import SPECIES, renamed

MORE_CSS = """
body { max-width: 75em } code { overflow-wrap: anywhere }
.words th, .words td { text-align: left; vertical-align: top }
canvas { width: 320px; height: 320px; border: 1px solid #ddd; touch-action: none; cursor: grab }
.views { display: flex; flex-wrap: wrap; gap: 1em } .views figure { margin: 0; width: 322px }
.bar { display: inline-block; height: .7em; background: #0072B2; margin-right: .4em }
.wide td, .wide th { padding: .2em .4em } .words { font-size: 13px }
.generated, .known, .baseline { padding: 0 .3em; border-radius: .3em }
.generated { background: #cfe6f5 } .known { background: #e3e3e3 } .baseline { background: #fbe3d3 }
"""
NAMES = {
    "generated": "Generator",
    "random": "Random placement",
    "rattled": "Rattled training slabs",
    "genetic": "ASE's genetic algorithm",
    "known": "–",
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
    "Ordered by γ in the middle of the range of dmu_O in which RuO2 is stable. "
    "Above: least distance in meV/Å² from the best known slab of the same facet, over all dmu_O "
    "between metallic Ru (or -2 eV, where its energy is not known) and O2; negative beats it. "
    "Where no known slab is by the same calculator, from the best one found. "
    "Surface free energies are the mean of a slab's two faces. Universal potentials are 20 to "
    "40 % below DFT here: take the order, not the values, and check it by DFT."
)


def write_page(path, content):
    """Write the page whole or not at all.

    Args:
        path: File.
        content: Dict: `title`, `summary`, `methods` (name to `counts`, `reasons` and `moved`),
            `pictures` (list of path and caption), `best` (the generator's, list of dicts, see
            `best_table`), `others` (known slabs and baselines, the same), `shown` (how many of
            `best` in viewers), `notes` (list of texts), `provenance` (dict of texts), `dft` (list
            of dicts, may be empty) and `species` (metal and anion).
    """
    species = content.get("species", SPECIES)
    parts = [
        f"<h1>{escape(content['title'])}</h1><p>{escape(content['summary'])}</p>",
        *(f'<p class="alarm">{escape(text)}</p>' for text in content["notes"]),
        funnel_table(content["methods"]),
        losses(content["methods"]),
        views(content["best"][: content["shown"]], species),
        best_table(content["best"], content["others"], species),
        dft_table(content["dft"]),
        "<h2>Pictures</h2>",
        *(figure(picture, caption) for picture, caption in content["pictures"]),
        provenance_table(content["provenance"]),
    ]
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(content['title'])}</title><style>{CSS}{MORE_CSS}</style></head>\n<body>\n"
        + "\n".join(parts)
        + f"\n<script>{SCRIPT}</script></body></html>\n"
    )
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(page, encoding="utf-8")
    os.replace(partial, path)


def table(head, rows, *, words=False):
    """Return a table; cells are HTML already, `words` are flush left."""
    lines = ["".join(f"<th>{cell}</th>" for cell in head)]
    lines += ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    kind = "wide words" if words else "wide"
    return f'<div class="{kind}"><table>{body}</table></div>'


def funnel_table(methods):
    """Return the funnel, a column for each method, a bar for the share of what was drawn."""
    rows = []
    for step, text in STEPS.items():
        cells = []
        for found in methods.values():
            of = found["counts"]["chosen" if step in AFTER else "drawn"]
            width = 6 * found["counts"][step] / of if of else 0
            bar = f'<span class="bar" style="width:{width:.2f}em"></span>'
            cells.append(f"{bar}{found['counts'][step]:,}")
        rows.append((text, *cells))
    rows.append(("Median RMSD of relaxing (Å)", *(number(m["moved"]) for m in methods.values())))
    head = ("", *(NAMES[name] for name in methods))
    return f"<h2>Funnel</h2><p>{ABOUT}</p>" + table(head, rows)


AFTER = list(STEPS)[list(STEPS).index("chosen") :]


def losses(methods):
    """Return where structures die: reasons and counts, of each method and stage."""
    rows = []
    for stage, text in NOTES.items():
        cells = []
        for found in methods.values():
            named = [f"{escape(name)} {n:,}" for name, n in found["reasons"][stage].items()]
            cells.append("<br>".join(named) or "–")
        rows.append((text, *cells))
    told = "A structure may have several reasons; each is counted."
    head = ("", *(NAMES[name] for name in methods))
    return f"<h2>Where structures die</h2><p>{told}</p>" + table(head, rows, words=True)


def views(best, species=SPECIES):
    """Return a viewer for each structure."""
    parts = []
    for row in best:
        caption = f"{row['name']}: {row['atoms'].get_chemical_formula()}, {row['said']}"
        drawn = viewer(row["atoms"], caption)
        parts.append(f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>")
    if not parts:
        return "<h2>The generator's best structures</h2><p>There are none.</p>"
    told = renamed("Drag to turn, wheel to zoom, arrow keys too. Ru blue, O orange.", species)
    head = f"<h2>The generator's best structures</h2><p>{told}</p>"
    return f'{head}<div class="views">{"".join(parts)}</div>'


def best_table(best, others, species=SPECIES):
    """Return tables of structures with links to their files, the generator's first.

    Args:
        best: The generator's: dicts of `name`, `method`, `origin` (text), `atoms`, `said`, `above`
            (meV/Å^2 or `None`), `gamma` (three of them, meV/Å^2, or `None`), `facet` and `chain`
            (text).
        others: Known slabs and baselines, the same.
        species: Metal and anion.
    """
    if not best and not others:
        return ""
    parts = [f"<h2>Ranking</h2><p>{renamed(RANKING, species)} γ in meV/Å².</p>"]
    for title, rows in (("Of the generator", best), ("Known slabs and baselines", others)):
        parts.append(f"<h3>{title}</h3>")
        parts.append(table(HEAD.split(","), cells_of(rows), words=True) if rows else "<p>None.</p>")
    return "".join(parts)


HEAD = "Structure,Origin,Method,Formula,Facet,γ middle,γ O-poor,γ O-rich,Above,From,Files"


def cells_of(rows):
    """Return the cells of `best_table`, as HTML."""
    return [
        (
            escape(row["name"]),
            f'<span class="{row["origin"].split(",")[0]}">{escape(row["origin"])}</span>',
            escape(NAMES[row["method"]]),
            row["atoms"].get_chemical_formula(mode="hill"),
            escape(row["facet"]),
            *(number(row["gamma"][place] if row["gamma"] else None) for place in (1, 0, 2)),
            number(row["above"]),
            escape(row["chain"]),
            " ".join(link(row["atoms"], row["name"], kind) for kind in ("cif", "extxyz")),
        )
        for row in rows
    ]


def link(atoms, name, kind):
    """Return a link that holds the file it downloads."""
    bare = atoms.copy()
    if kind == "extxyz":
        bare.calc = atoms.calc
    file = io.BytesIO() if kind == "cif" else io.StringIO()
    ase.io.write(file, bare, format=kind)
    content = file.getvalue()
    data = base64.b64encode(content if kind == "cif" else content.encode()).decode()
    return f'<a download="{escape(name)}.{kind}" href="data:text/plain;base64,{data}">{kind}</a>'


def dft_table(rows):
    """Return how DFT re-ranked what was handed over; nothing before there is any."""
    if not rows:
        return ""
    cells = [
        (
            escape(row["name"]),
            row["rank"],
            row["dft_rank"],
            *(number(value) for value in row["values"]),
            escape(row["flaws"]),
        )
        for row in rows
    ]
    head = (
        "Structure",
        "Rank before",
        "Rank by DFT",
        "γ O-rich before",
        "γ O-rich by DFT",
        "Flaws",
    )
    return "<h2>Re-ranked by DFT</h2><p>γ in meV/Å².</p>" + table(head, cells)


def provenance_table(provenance):
    """Return what was done with what."""
    rows = [(escape(name), f"<code>{escape(text)}</code>") for name, text in provenance.items()]
    return "<h2>Provenance</h2>" + table(("", ""), rows, words=True)
