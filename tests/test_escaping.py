"""Texts from files stay texts: in pages, tables, folders of POSCARs and pictures."""

import csv
import io
import json
from html.parser import HTMLParser

import ase.io
import matplotlib.pyplot as plt
import pytest

from keras_ruo2.discovery.funnel import STEPS
from keras_ruo2.discovery.handoff import write_inputs
from keras_ruo2.discovery.page import write_discovery_page
from keras_ruo2.io.extxyz import extxyz_text
from keras_ruo2.io.tables import Writer
from keras_ruo2.pages.render import data_block
from keras_ruo2.plotting.style import save_figure
from keras_ruo2.screening.batch import write_verdicts
from keras_ruo2.structure.cells import with_energy
from tests.discovery.pages import content, known, row

HOSTILE = {
    "tag": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "attribute": '" onmouseover="alert(1)" x="',
    "quote": "' onfocus='alert(1)' autofocus='",
    "end": "</canvas></script><script>alert(1)//",
    "template": "${alert(1)}`",
    "formula": '=HYPERLINK("http://a.b","x")',
    "command": "@SUM(1+1)*cmd|' /C calc'!A0",
    "tab": "\t=1+1",
    "upwards": "../../../up",
    "absolute": "/tmp/up",
    "parent": "..",
    "lines": "a\nDirect\n0 0 0\r\nb",
    "nul": "a\0b",
    "long": "n" * 400,
    "mathematics": r"$\frac{",
    "arrow": "\u202egpj.exe",
}
NAMED = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


class Parts(HTMLParser):
    """What a browser would make of a page: scripts, and attributes that run something."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.handlers = 0, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def named(slab, text):
    slab.info |= {"name": text, "facet": text, "termination": text}
    return slab


def report_of(slab, path, text):
    """Return the parts of a report in which every text is `text`."""
    told = dict.fromkeys(("facet", "said", "chain"), text)
    rows = [row(named(slab, text), text, **told)], [known(named(slab.copy(), text))]
    stages = {stage: {text: 1} for stage in ("backmap", "before", "relax", "after")}
    found = {"counts": dict.fromkeys(STEPS, 1), "reasons": stages, "moved": None}
    texts = {
        "title": text,
        "summary": text,
        "notes": [text],
        "provenance": {"Command": text, text: text},
    }
    dft = [{"name": text, "rank": 1, "dft_rank": 1, "values": (1.0, 2.0), "flaws": text}]
    write_discovery_page(path, content(*rows, methods={"generated": found}, dft=dft, **texts))
    return Parts(path.read_text())


@NAMED
def test_a_report_runs_no_text(slab, tmp_path, text):
    parts = report_of(slab.copy(), tmp_path / "report.html", text)
    plain = report_of(slab.copy(), tmp_path / "plain.html", "plain")
    assert parts.scripts == plain.scripts  # all our own
    assert parts.handlers == []


@NAMED
def test_data_of_a_page_stay_one_block_with_the_same_text(text):
    block = str(data_block("data", {"name": text}))
    parts = Parts(block)
    assert parts.scripts == 1 and parts.handlers == []
    assert json.loads(block.partition(">")[2].rpartition("<")[0]) == {"name": text}


@NAMED
def test_a_cell_of_a_table_is_no_formula_and_stays_one_cell(tmp_path, text):
    write_verdicts(tmp_path / "t.csv", [{"name": text, "number": -1.5}])
    with open(tmp_path / "t.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    other = io.StringIO()
    Writer(other).writerow([text, -1.5])
    (cells,) = csv.reader(io.StringIO(other.getvalue(), newline=""))
    assert row["name"] == cells[0] and row["number"] == cells[1] == "-1.5"
    assert row["name"][0] not in "=+-@\t\r"
    assert row["name"] in (text, f"'{text}")


@NAMED
def test_a_poscar_lies_in_its_folder_and_holds_the_atoms_only(slab, tmp_path, text):
    (name,) = write_inputs(tmp_path / "deep" / "poscar", [named(slab, text)], tmp_path)
    place = tmp_path / "deep" / "poscar" / name / "POSCAR"
    assert place.resolve().parent.parent == (tmp_path / "deep" / "poscar").resolve()
    assert {path.name for path in tmp_path.iterdir()} == {"deep"}
    comment = place.read_text().splitlines()[0]
    assert set(comment.split()) <= {"Ru", "O", *map(str, range(100))} or comment.isalnum()
    assert len(ase.io.read(place)) == len(slab)


@NAMED
def test_a_structure_file_keeps_a_text_on_its_line(slab, text):
    content = extxyz_text([with_energy(named(slab, text), -1.0)])
    assert len(content.splitlines()) == len(slab) + 2
    (found,) = ase.io.read(io.StringIO(content), ":", format="extxyz")
    assert len(found) == len(slab)


@pytest.mark.filterwarnings("ignore:Glyph")
@NAMED
def test_a_legend_draws_a_text_as_it_stands(tmp_path, text):
    figure, axes = plt.subplots(figsize=(2, 2))
    axes.plot([0, 1], label=text)
    axes.set_title(text)
    axes.legend()
    save_figure(figure, tmp_path / "p.png")
    assert (tmp_path / "p.png").stat().st_size
