import base64
import html
import io
import json
import re
import shutil
import subprocess

import ase.io
import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from keras_ruo2.discovery.funnel import STEPS
from keras_ruo2.discovery.page import write_page
from keras_ruo2.plotting.viewer import WIDTH, drawing
from keras_ruo2.structure.bonds import bond_lengths

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def page(slab, tmp_path):
    row = {
        "name": "generated-0001",
        "method": "generated",
        "atoms": slab,
        "facet": "(110)",
        "above": -1.25,
        "gamma": [40.0, 45.0, 50.0],
        "origin": "generated, new",
        "said": "<b>&",
        "chain": "seed 0",
    }
    found = {"counts": dict.fromkeys(STEPS, 3), "reasons": {}, "moved": None}
    found["reasons"] = {
        stage: {"no_vacuum": 2} for stage in ("backmap", "before", "relax", "after")
    }
    content = {
        "title": "A title",
        "summary": "Summed up.",
        "methods": {"generated": found, "random": found},
        "pictures": [],
        "best": [row],
        "others": [row | {"name": "a-known-one", "method": "known", "origin": "known"}],
        "shown": 1,
        "notes": ["A note."],
        "provenance": {"Command": "python -m keras_ruo2 discover"},
        "dft": [{"name": "x", "rank": 2, "dft_rank": 1, "values": (60.0, 70.0), "flaws": "no"}],
    }
    write_page(tmp_path / "report.html", content)
    return tmp_path / "report.html"


def test_the_page_is_whole_and_needs_no_network(page):
    text = page.read_text()
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:)", text)
    assert "http" not in text
    for told in (
        "Summed up.",
        "A note.",
        "no_vacuum 2",
        "&lt;b&gt;&amp;",
        "Re-ranked by DFT",
        "a-known-one",
    ):
        assert told in text


def test_links_hold_files_that_ase_reads(page, slab):
    links = re.findall(
        r'download="[^"]*\.(\w+)" href="data:text/plain;base64,([^"]+)"', page.read_text()
    )
    assert [kind for kind, _ in links] == 2 * ["cif", "extxyz"]
    for kind, data in links:
        back = ase.io.read(io.StringIO(base64.b64decode(data).decode()), format=kind)
        assert back.get_chemical_formula() == slab.get_chemical_formula()
        np.testing.assert_allclose(back.cell.lengths(), slab.cell.lengths(), atol=1e-3)
    assert back.get_potential_energy() == pytest.approx(slab.get_potential_energy())


def test_the_viewer_is_given_every_atom_and_every_bond_of_a_few_cells(slab):
    drawn = drawing(slab)
    repeats = np.ceil(WIDTH / slab.cell.lengths()[:2]).prod()
    assert repeats > 1
    assert len(drawn["positions"]) == len(drawn["radii"]) == repeats * len(slab)
    assert len(drawn["edges"]) == 12  # of one cell
    assert np.ptp(np.array(drawn["edges"])[..., 0]) == pytest.approx(slab.cell[0, 0], abs=1e-3)
    lengths = [
        np.linalg.norm(np.subtract(*(drawn["positions"][index] for index in pair)))
        for pair in drawn["bonds"]
    ]
    assert 0 < max(lengths) < 2.5
    assert len(lengths) < repeats * len(neighbor_list("i", slab, bond_lengths())) / 2


def test_the_viewer_shows_a_slab_that_lies_across_the_cell_s_boundary_in_one_piece(slab):
    height = np.ptp(slab.positions[:, 2])
    slab.positions[:, 2] -= slab.positions[:, 2].mean()
    slab.wrap()
    assert np.ptp(slab.positions[:, 2]) > height + 5
    found = np.array(drawing(slab)["positions"])[:, 2]
    assert np.ptp(found) == pytest.approx(height, abs=1e-2) and found.min() > 0.5


@pytest.mark.skipif(not CHROMIUM, reason="no chromium on this machine")
def test_a_browser_draws_the_atoms_without_an_error(page, slab, tmp_path):
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()]
    found = subprocess.run([CHROMIUM, *flags], capture_output=True, text=True, timeout=100)
    assert "CONSOLE" not in found.stderr
    (canvas,) = re.findall(r"<canvas[^>]*>", found.stdout)
    data = json.loads(html.unescape(re.search(r'data-atoms="([^"]*)"', canvas)[1]))
    assert f'data-drawn="{len(data["positions"])}"' in canvas
    assert len(data["positions"]) == len(drawing(slab)["positions"])
