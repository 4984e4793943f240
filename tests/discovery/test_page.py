import io
import json
import re

import ase.io
import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from keras_ruo2.discovery.page import COLUMNS, write_discovery_page
from keras_ruo2.discovery.page_data import Structures, file_name, lowest_lines, oxygen_table
from keras_ruo2.plotting.viewer import WIDTH, viewer_data
from keras_ruo2.structure.bonds import bond_lengths
from keras_ruo2.thermodynamics.oxygen_gas import BOLTZMANN, oxygen_potential
from keras_ruo2.thermodynamics.surface import Line
from tests.discovery.pages import LIMITS, content, known, row


@pytest.fixture
def page(slab, tmp_path):
    write_discovery_page(tmp_path / "report.html", content([row(slab)], [known(slab.copy())]))
    return tmp_path / "report.html"


def blocks(path, name):
    """Return the JSON blocks of a page whose id begins with `name`."""
    found = re.findall(rf'id="{name}[^"]*">([^<]*)</script>', path.read_text())
    return [json.loads(text) for text in found]


def test_the_page_is_whole_and_needs_no_network(page):
    text = page.read_text()
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:|#)", text)
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


def test_every_column_of_the_ranking_has_a_heading_and_a_cell_in_each_row(page):
    text = page.read_text()
    head, body = re.search(
        r'<table id="ranking">.*?<thead>(.*?)</thead>.*?<tbody>(.*?)</tbody>', text, re.DOTALL
    ).groups()
    assert re.findall(r'data-key="(\w+)"', head) == [key for key, *_ in COLUMNS]
    rows = re.findall(r"<tr .*?</tr>", body, re.DOTALL)
    assert [row.count("<td") for row in rows] == [len(COLUMNS)] * 2
    assert set(key for key, *_ in COLUMNS) - {"gamma", "above"} <= set(
        blocks(page, "report-data")[0]["rows"][0]
    )


def test_a_page_without_structures_says_why_and_has_no_empty_table(tmp_path):
    write_discovery_page(
        tmp_path / "report.html", content([], [], lines={}, notes=["Nothing to rank."])
    )
    text = (tmp_path / "report.html").read_text()
    assert "Nothing to rank." in text and "Funnel" in text and 'id="ranking"' not in text


def test_the_page_holds_files_that_ase_reads(page, slab):
    found = blocks(page, "structure-")
    assert len(found) == 2
    for block in found:
        assert list(block["files"]) == ["cif", "extxyz", "vasp"]
        for kind, text in block["files"].items():
            back = ase.io.read(io.StringIO(text), format=kind)
            assert back.get_chemical_formula() == slab.get_chemical_formula()
            np.testing.assert_allclose(back.cell.lengths(), slab.cell.lengths(), atol=1e-3)
    back = ase.io.read(io.StringIO(found[0]["files"]["extxyz"]), format="extxyz")
    assert back.get_potential_energy() == pytest.approx(slab.get_potential_energy())


def test_a_structure_that_is_shown_twice_is_in_the_page_once(slab, tmp_path):
    real = slab.copy()
    rows = [row(slab, f"generated-{k}", nearest=("a-known-one", real)) for k in range(3)]
    write_discovery_page(tmp_path / "report.html", content(rows, [known(real)]))
    data = blocks(tmp_path / "report.html", "report-data")[0]
    assert len(blocks(tmp_path / "report.html", "structure-")) == 2
    assert {each["nearest"]["structure"] for each in data["rows"][:3]} == {
        data["rows"][3]["structure"]
    }


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("../../etc/passwd", "etc_passwd"),
        ("a b'\"<c>", "a_b_c"),
        ("", "structure"),
        ("é", "structure"),
    ],
)
def test_names_of_files_are_harmless(name, file):
    assert file_name(name) == file


@pytest.mark.parametrize("kelvin", [103.0, 298.15, 777.7, 1499.0])
@pytest.mark.parametrize("pressure", [1e-12, 1.0, 30.0])
def test_between_its_entries_the_page_s_oxygen_is_the_package_s(kelvin, pressure):
    table = oxygen_table()
    standard = np.interp(kelvin, table["temperatures"], table["potentials"])
    found = standard + kelvin * BOLTZMANN * np.log(pressure) / 2
    assert found == pytest.approx(oxygen_potential(kelvin, pressure), abs=5e-5)


def test_what_distances_are_measured_from_is_the_lower_envelope_of_each_facet():
    steep, flat, high = Line(0.010, -0.050), Line(0.050, 0.0), Line(0.200, 0.0)
    found = lowest_lines({"(110)": [flat, steep, high], "(100)": [high]}, LIMITS)
    assert sorted(found["(110)"]) == [pytest.approx([10, -50]), pytest.approx([50, 0])]
    assert found["(100)"] == [pytest.approx([200, 0])]
    assert found[""] == found["(110)"]


def test_structures_are_numbered_in_their_order(slab):
    structures = Structures()
    assert [structures.add(atoms, "x") for atoms in (slab, slab.copy(), slab)] == [0, 1, 0]


def test_the_viewer_is_given_every_atom_and_every_bond_of_a_few_cells(slab):
    drawn = viewer_data(slab)
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
    found = np.array(viewer_data(slab)["positions"])[:, 2]
    assert np.ptp(found) == pytest.approx(height, abs=1e-2) and found.min() > 0.5
