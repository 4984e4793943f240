"""What `write_discovery_page` is given, made up."""

from keras_ruo2.discovery.funnel import STEPS
from keras_ruo2.thermodynamics.surface import Line

LIMITS = (-1.5, 0.0)
STAGES = ("backmap", "before", "relax", "after")


def row(slab, name="generated-0001", **values):
    """Return what a page says of a structure."""
    made = {
        "name": name,
        "method": "generated",
        "origin": "generated, new",
        "novel": True,
        "atoms": slab,
        "anion": "O",
        "facet": "(110)",
        "above": -1.25,
        "line": Line(0.040, -0.020),
        "said": "<b>&",
        "chain": "seed 0",
        "nearest": None,
        "difference": ["Faces as there."],
    }
    return made | values


def known(slab, name="a-known-one", **values):
    """Return what a page says of a known slab."""
    made = {"method": "known", "origin": "known", "novel": False, "line": Line(0.050, 0.0)}
    return row(slab, name, **made | {"difference": []} | values)


def content(best, others, **values):
    """Return what `write_discovery_page` is given."""
    found = {
        "counts": dict.fromkeys(STEPS, 3),
        "reasons": {stage: {"no_vacuum": 2} for stage in STAGES},
        "moved": None,
    }
    lines = {"(110)": [each["line"] for each in others if each["line"] is not None]}
    made = {
        "title": "A title",
        "summary": "Summed up.",
        "methods": {"generated": found, "random": found},
        "pictures": [],
        "best": best,
        "others": others,
        "shown": 1,
        "lines": lines,
        "beside_known": True,
        "limits": LIMITS,
        "notes": ["A note."],
        "provenance": {"Command": "python -m keras_ruo2 discover", "keras_ruo2": "1"},
        "dft": [{"name": "x", "rank": 2, "dft_rank": 1, "values": (60.0, 70.0), "flaws": "no"}],
    }
    return made | values
