"""One facet has one name, and what cannot be compared is not compared in silence."""

import ase.io
import pytest

from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.thermodynamics.phase_diagram import main as phase_diagram
from tests.conftest import REALDATA
from tests.thermodynamics.test_phase_diagram_wulff import FLAGS, slab_of, without_miller_indices

PBE = REALDATA / "ruo2_vasp_pbe.extxyz"
OF_PBE = {"bulk_energy": -22.27, "oxygen_energy": -4.948}
LABELS = {
    "brackets": lambda digits, number: f"({digits})",
    "number": lambda digits, number: int(digits),
    "crosses": lambda digits, number: "x".join(digits),
    "none": lambda digits, number: None,
    "mixed": lambda digits, number: [f"({digits})", "x".join(digits), list(digits)][number % 3],
}


def relabelled(slabs, path, style):
    made = []
    for number, (digits, slab) in enumerate(slabs):
        copy = slab.copy()
        copy.calc = slab.calc
        label = LABELS[style](digits, number)
        copy.info = {name: slab.info[name] for name in ("name", "calculator")}
        copy.info |= {} if label is None else {"facet": label}
        made.append(copy)
    ase.io.write(path, made)
    return path


def diagram(structures, out, **values):
    phase_diagram(PhaseDiagramConfig(structures=structures, out=out, **values))
    return (out / "phase_diagram.csv").read_bytes(), (out / "phase_diagram.png").read_bytes()


def made_slabs():
    gammas = {"110-stoichiometric": 45, "110-O-rich": 20, "101-stoichiometric": 55}
    return [(name[:3], slab_of(name, gamma)) for name, gamma in gammas.items()]


@pytest.mark.parametrize("style", list(LABELS)[1:])
def test_spellings_of_facets_do_not_change_the_diagram(style, tmp_path):
    found = [
        diagram(relabelled(made_slabs(), tmp_path / f"{name}.extxyz", name), tmp_path, **FLAGS)
        for name in ("brackets", style)
    ]
    assert found[0] == found[1]


@pytest.mark.skipif(not PBE.exists(), reason="published slabs are not here")
def test_published_slabs_give_one_diagram_whatever_their_labels(tmp_path, capsys):
    slabs = []
    for atoms in ase.io.iread(PBE, ":"):
        if "facet" in atoms.info and atoms.cell.lengths()[2] > 28:
            atoms.info["name"] = atoms.info["name"].replace(" ", "_")
            atoms.info["calculator"] = "VASP PBE"
            slabs.append((f"{atoms.info['facet']:03d}", atoms))
    assert len(slabs) == 6
    found = [
        diagram(relabelled(slabs, tmp_path / f"{style}.extxyz", style), tmp_path, **OF_PBE)
        for style in LABELS
    ]
    assert all(other == found[0] for other in found[1:])
    printed = capsys.readouterr().out
    assert printed.count("(110):  -0.79 to -0.68 eV Ru32O67") == len(LABELS)  # both crossings
    assert "Warning: 1 slab" not in printed


def test_a_label_that_geometry_contradicts_is_named(tmp_path, capsys):
    slab = slab_of("110-stoichiometric", 45)
    slab.info["facet"] = "1x0x1"
    ase.io.write(tmp_path / "s.extxyz", slab)
    diagram(tmp_path / "s.extxyz", tmp_path / "out", **FLAGS)
    printed = capsys.readouterr().out
    assert "1 slab is labelled 1x0x1, but the atoms inside lie as in (110)" in printed
    assert "\n(110): " in printed


def test_slabs_of_unknown_facets_are_compared_with_a_warning_only(tmp_path, capsys):
    slabs = [without_miller_indices(gamma) for gamma in (45, 50)]
    for slab in slabs:
        del slab.info["facet"]
    ase.io.write(tmp_path / "s.extxyz", slabs)
    diagram(tmp_path / "s.extxyz", tmp_path / "out", **FLAGS)
    printed = capsys.readouterr().out
    assert "Warning: 2 slabs are of facet 'unknown', which geometry does not recognise" in printed


def test_a_shape_that_does_not_exist_does_not_cost_the_diagram(tmp_path):
    slabs = [slab_of("110-stoichiometric", 45)]
    ase.io.write(tmp_path / "s.extxyz", slabs)
    with pytest.raises(ConfigError, match="do not enclose a crystal.* The diagram is in"):
        diagram(tmp_path / "s.extxyz", tmp_path / "out", wulff=-1.0, **FLAGS)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "phase_diagram.csv",
        "phase_diagram.png",
        "stable.extxyz",
    }


def test_oxidised_faces_below_zero_are_warned_of_and_marked(tmp_path, capsys):
    """Below 0 from dmu_O = -0.1 eV on: 10 meV/Å^2 under zero at the O-rich end."""
    rich = slab_of("110-O-rich", -10)
    ase.io.write(tmp_path / "s.extxyz", [slab_of("110-stoichiometric", 45), rich])
    table, _ = diagram(tmp_path / "s.extxyz", tmp_path / "out", **FLAGS)
    printed = capsys.readouterr().out
    assert "(110): 110-O-rich has a surface free energy below 0 above dmu_O = -0." in printed
    head, _, row = (line.split(",") for line in table.decode().split())
    assert -0.3 < float(dict(zip(head, row, strict=True))["doubtful_from_eV"]) < 0
