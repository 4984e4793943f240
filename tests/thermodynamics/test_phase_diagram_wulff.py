import csv

import ase.io
import numpy as np
import pytest

from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.plotting import style
from keras_ruo2.plotting import wulff as plotting_wulff
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.slabs import Termination, build_slab, whole_octahedra
from keras_ruo2.thermodynamics.phase_diagram import main as phase_diagram
from keras_ruo2.thermodynamics.surface import References, area
from keras_ruo2.thermodynamics.wulff import wulff_shape

KNOWN = References(bulk=-22.0, oxygen=-5.0, metal=-9.0)  # RuO2 is stable above -1.5 eV
FLAGS = {"bulk_energy": KNOWN.bulk, "oxygen_energy": KNOWN.oxygen, "metal_energy": KNOWN.metal}


def energy_of(slab, gamma):
    num_ru, num_o = (int(np.sum(slab.numbers == kind)) for kind in (44, 8))
    energy = num_ru * KNOWN.bulk - (2 * num_ru - num_o) * KNOWN.oxygen
    return energy + 2 * area(slab) * gamma / 1000


def slab_of(name, gamma, slope=0.0):
    """A slab with a surface free energy of `gamma` meV/Å^2 at dmu_O = 0."""
    slab = build_slab(name, a=4.5, c=3.1)
    energy = energy_of(slab, gamma)
    facet, _, termination = name.partition("-")
    info = {"name": name, "facet": f"({facet})", "termination": termination, "calculator": "EMT"}
    slab.info = info
    return with_energy(slab, energy)


def slabs():
    """Of (110) the O-rich slab is the most stable one above dmu_O = -0.5 eV or so."""
    stoichiometric = {"110": 45, "101": 55, "100": 60, "001": 75}
    made = [slab_of(f"{facet}-stoichiometric", gamma) for facet, gamma in stoichiometric.items()]
    return [*made, slab_of("110-O-rich", 20)]


def without_miller_indices(gamma=10):
    """A (210) slab, a facet that is not recognised, without a label."""
    slab = whole_octahedra(Termination((2, 1, 0), 6, 0), rutile_ruo2(4.5, 3.1))
    slab.pbc = True
    slab.center(vacuum=10, axis=2)
    slab.info = {"name": "stepped", "facet": "unknown", "calculator": "EMT"}
    return with_energy(slab, energy_of(slab, gamma))


@pytest.fixture
def file(tmp_path):
    ase.io.write(tmp_path / "slabs.extxyz", [*slabs(), without_miller_indices()])
    return tmp_path / "slabs.extxyz"


def run(file, out, wulff):
    phase_diagram(PhaseDiagramConfig(structures=file, out=out, wulff=wulff, **FLAGS))


def test_table_and_picture_take_the_best_slab_of_each_facet(file, tmp_path, capsys):
    run(file, tmp_path / "out", (-1.4, 0.0))
    with open(tmp_path / "out" / "wulff.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    poor, rich = ([r for r in rows if float(r["dmu_O_eV"]) == value] for value in (-1.4, 0.0))
    for crystal, name, gamma in ((poor, "110-stoichiometric", 45), (rich, "110-O-rich", 20)):
        assert sum(float(row["area_fraction"]) for row in crystal) == pytest.approx(1, abs=1e-4)
        (best,) = (row for row in crystal if row["facet"] == "(110)")
        assert best["name"] == name
        assert float(best["gamma_meV_A2"]) == pytest.approx(gamma, abs=0.01)
    shares = [[float(r["area_fraction"]) for r in c if r["facet"] == "(110)"] for c in (poor, rich)]
    assert shares[1] > shares[0]  # it became cheaper
    assert (tmp_path / "out" / "wulff.png").stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert "Crystal at dmu_O = -1.40 eV: " in printed and "% (110)" in printed
    assert "Not in the crystals, for want of Miller indices: unknown." in printed
    assert {row["facet"] for row in rows} == {"(110)", "(101)", "(100)", "(001)"}


def test_one_number_is_enough(file, tmp_path):
    given = {"structures": file, "out": tmp_path}
    assert PhaseDiagramConfig(**given, wulff=-1).crystals == (-1.0,)
    assert PhaseDiagramConfig(**given).crystals == ()


@pytest.mark.parametrize("wulff", ["here", (-1.0, "x"), (True,)])
def test_what_is_no_potential_is_refused(file, tmp_path, wulff):
    with pytest.raises(ConfigError, match="--wulff"):
        PhaseDiagramConfig(structures=file, out=tmp_path, wulff=wulff)


@pytest.mark.parametrize("wulff", [-1.6, 0.1, float("nan")])
def test_a_crystal_where_the_oxide_is_not_stable_is_refused(file, tmp_path, wulff):
    with pytest.raises(ConfigError, match=r"outside the diagram. Expected -1.50 to 0.00 eV"):
        run(file, tmp_path / "out", wulff)
    assert not list((tmp_path / "out").glob("*"))


def test_shapes_that_do_not_exist_are_refused(tmp_path):
    for message, made in (
        ("These facets do not enclose a crystal: (110)", [slab_of("110-stoichiometric", 45)]),
        ("(110) has a surface free energy of -3.0", [*slabs(), slab_of("110-O-rich", -3)]),
    ):
        ase.io.write(tmp_path / "s.extxyz", made)
        with pytest.raises(ConfigError) as error:
            run(tmp_path / "s.extxyz", tmp_path / "out", 0.0)
        assert f"--wulff=0: {message}" in str(error.value)


def test_only_faces_that_are_seen_are_drawn_and_named(tmp_path):
    faces = [
        {"name": "(100)", "normal": face.normal, "corners": face.corners}
        for face in wulff_shape({(1, 0, 0): 1.0, (0, 0, 1): 1.0}, np.eye(3))
    ]
    panel = {"title": "cube", "faces": faces, "table": [("(100)", 60.0, 1.0), ("(110)", 90.0, 0)]}
    figure = plotting_wulff.crystals([panel, panel])
    crystal, table = figure.axes[:2]
    assert len(crystal.collections) == 3  # of a cube's six
    assert [text.get_text() for text in crystal.texts] == ["(100)"] * 3
    written = [text.get_text() for text in table.texts]
    assert written[3:] == ["(100)", "60", "100.0 %", "(110)", "90", "–"]
    assert "meV/Å²" in written
    style.save_figure(figure, tmp_path / "cube.png")
