import csv
import itertools
from dataclasses import FrozenInstanceError

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.io.structures import read_structures
from keras_ruo2.plotting import phase_diagram as plotting_phases
from keras_ruo2.plotting import style
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.structure.variations import remove_oxygen
from keras_ruo2.thermodynamics import ranking
from keras_ruo2.thermodynamics.phase_diagram import main as phase_diagram
from keras_ruo2.thermodynamics.rows import Row
from keras_ruo2.thermodynamics.surface import Line, References

BULK, OXYGEN, METAL = -22.0, -5.0, -9.0
REFERENCES = References(BULK, OXYGEN, METAL)
FLAGS = {"bulk_energy": BULK, "oxygen_energy": OXYGEN, "metal_energy": METAL}


def slabs(calculator="EMT", costs=(4.0, 2.0, 2.0 - 2 * 5.8)):
    """The (110) terminations with energies such that O-rich takes over at dmu_O = -0.8 eV."""
    made = []
    for kind, cost in zip(("O-poor", "stoichiometric", "O-rich"), costs, strict=True):
        slab = build_slab(f"110-{kind}", a=4.5, c=3.1)
        energy = 6 * BULK + cost + (2 * 5.8 if kind == "O-poor" else 0)
        slab.info = {"name": kind, "facet": "(110)", "termination": kind, "calculator": calculator}
        made.append(with_energy(slab, energy))
    return made


def row(**values):
    """A row of 50 meV/Å^2 at any dmu_O."""
    common = {"key": ("x", 0), "name": "x", "facet": "(110)", "label": "x", "known": False}
    common |= {"line": Line(0.05, 0.0), "faces": "equal", "area": 1.0, "slab": Atoms()}
    return Row(**common | {"num_metal": 1, "num_oxygen": 2} | values)


def write(path, frames):
    ase.io.write(path, frames)
    return path


@pytest.fixture
def file(tmp_path):
    return write(tmp_path / "slabs.extxyz", slabs())


def test_table_stable_structures_and_picture_are_written(file, tmp_path, capsys):
    out = tmp_path / "out"
    phase_diagram(PhaseDiagramConfig(structures=file, out=out, **FLAGS))
    with open(out / "phase_diagram.csv", newline="") as table:
        rows = {row["name"]: row for row in csv.DictReader(table)}
    assert len(rows) == 3
    assert float(rows["O-rich"]["stable_from_eV"]) == pytest.approx(-0.8)
    assert float(rows["stoichiometric"]["stable_to_eV"]) == pytest.approx(-0.8)
    assert rows["O-poor"]["stable_from_eV"] == ""
    assert {row["faces"] for row in rows.values()} == {"equal"}
    assert int(rows["O-rich"]["excess_O"]) == 2
    found = ase.io.read(out / "stable.extxyz", ":")
    assert [atoms.info["name"] for atoms in found] == ["stoichiometric", "O-rich"]
    assert found[1].info["stable_from"] == pytest.approx(-0.8)
    assert found[1].get_potential_energy() == pytest.approx(slabs()[2].get_potential_energy())
    assert (out / "phase_diagram.png").stat().st_size > 10_000
    assert not list(out.glob("wulff*"))  # only if asked for
    printed = capsys.readouterr().out
    assert "above dmu_O = -1.50 eV" in printed  # (-22 + 9 + 10) / 2
    assert "3 with two equal faces" in printed


def test_slabs_may_lie_in_several_files(file, tmp_path, capsys):
    (tmp_path / "parts").mkdir()
    for number, slab in enumerate(slabs()):
        write(tmp_path / "parts" / f"{number}.extxyz", slab)
    tables = []
    for structures in (file, tmp_path / "parts", tmp_path / "parts" / "*.extxyz"):
        phase_diagram(PhaseDiagramConfig(structures=structures, out=tmp_path / "out", **FLAGS))
        tables.append((tmp_path / "out" / "phase_diagram.csv").read_text())
    assert tables[0] == tables[1] == tables[2]
    with pytest.raises(ConfigError, match="stable.extxyz would be among --structures="):
        PhaseDiagramConfig(structures=tmp_path / "parts", out=tmp_path / "parts", **FLAGS)


def test_bundled_slabs_need_no_flags(tmp_path, capsys):
    slabs_110 = [s for s in read_structures(BUNDLED_STRUCTURES) if "110" in s.info["name"]]
    bundled = slabs_110[3:9]  # the relaxed and the partly relaxed ones
    file = write(tmp_path / "bundled.extxyz", bundled)
    phase_diagram(PhaseDiagramConfig(structures=file, out=tmp_path))
    printed = capsys.readouterr().out
    assert "(110):" in printed and "110-O-rich-relaxed" in printed and "left out" in printed


def test_references_that_are_none_are_refused(file, tmp_path):
    oxide, gas = with_energy(rutile_ruo2(), 2 * BULK), Atoms("O2", [[0, 0, 0], [0, 0, 1.2]])
    gas = with_energy(gas, 2 * OXYGEN)
    ozone = with_energy(Atoms("O3", np.eye(3)), 3 * OXYGEN)
    slab = slabs()[1]
    for message, frames in (
        ("structure 1 is O3. Expected one O2 molecule", [oxide, ozone]),
        (r"structure 0 \(O12Ru6\) has an empty stretch of more than 4.0 Å", [slab, gas]),
        ("structure 2 is O4Ru2, a second reference of EMT", [oxide, gas, oxide]),
    ):
        for atoms in frames:
            atoms.info["calculator"] = "EMT"
        refused(message, tmp_path, file, references=write(tmp_path / "r.extxyz", frames))
    wrong = {"bulk_energy": -5.0, "oxygen_energy": -4.9, "metal_energy": -9.0}
    refused("RuO2 decomposes below dmu_O = 6.90 eV, at any pressure", tmp_path, file, **wrong)


def test_references_come_from_a_file_of_the_same_calculator(file, tmp_path):
    oxide, gas, metal = rutile_ruo2(), Atoms("O2", [[0, 0, 0], [0, 0, 1.2]]), bulk("Ru")
    frames = [with_energy(oxide, 2 * BULK), with_energy(gas, 2 * OXYGEN)]
    frames.append(with_energy(metal, METAL * len(metal)))
    for frame in frames:
        frame.info["calculator"] = "EMT"
    given = write(tmp_path / "references.extxyz", frames)
    phase_diagram(PhaseDiagramConfig(structures=file, references=given, out=tmp_path / "a"))
    phase_diagram(PhaseDiagramConfig(structures=file, out=tmp_path / "b", **FLAGS))
    one, other = ((tmp_path / name / "phase_diagram.csv").read_text() for name in "ab")
    assert one == other
    frames[1].info["calculator"] = "another"
    given = write(tmp_path / "mixed.extxyz", frames)
    refused("its calculator is another, that of the slabs EMT", tmp_path, file, references=given)
    given = write(tmp_path / "few.extxyz", frames[:1])
    refused("holds no oxygen reference", tmp_path, file, references=given)


def refused(message, folder, structures, **values):
    with pytest.raises(ConfigError, match=message):
        phase_diagram(PhaseDiagramConfig(structures=structures, out=folder / "never", **values))
    assert not (folder / "never").exists()


def test_what_cannot_be_compared_is_refused(file, tmp_path):
    mixed = write(tmp_path / "mixed.extxyz", [slabs()[0], slabs("VASP")[1]])
    refused("2 calculators cannot be compared: EMT.*; VASP", tmp_path, mixed, **FLAGS)
    refused("No reference energies are known for the calculator EMT", tmp_path, file)
    crystal = with_energy(rutile_ruo2(), 2 * BULK)
    crystal.info["calculator"] = "EMT"
    whole = write(tmp_path / "bulk.extxyz", [*slabs(), crystal])
    refused("has no vacuum of 4.0 Å", tmp_path, whole, **FLAGS)
    bare = slabs()
    bare[1].calc = None
    bare = write(tmp_path / "bare.extxyz", bare)
    refused(r"1 of 3 structures have no energy, first structure 1", tmp_path, bare, **FLAGS)


def test_flags_that_do_not_fit_are_refused(file, tmp_path):
    for message, values in (
        ("belong together", {"bulk_energy": -22.0}),
        ("goes with", {"metal_energy": -9.0}),
        ("exclude each other", FLAGS | {"references": file}),
        ("expected two", {"pressures": (1.0,)}),
        ("expected two", {"pressures": (1.0, -2)}),
        ("no such file", {"known": tmp_path / "none"}),
    ):
        with pytest.raises(ConfigError, match=message):
            PhaseDiagramConfig(structures=file, out=tmp_path, **values)


def test_a_changed_upper_face_is_told_apart_from_the_lower_one(tmp_path):
    """Mean of two faces, minus the known lower one: the other face's own energy."""
    base = slabs()[1]
    changed = base.copy()
    changed.positions[np.argmax(changed.positions[:, 2]), 2] += 0.3
    changed.info["name"] = "changed"
    changed = with_energy(changed, base.get_potential_energy() + 1.0)
    file = write(tmp_path / "s.extxyz", [base, changed])
    phase_diagram(PhaseDiagramConfig(structures=file, out=tmp_path / "o", **FLAGS))
    with open(tmp_path / "o" / "phase_diagram.csv", newline="") as table:
        one, other = csv.DictReader(table)
    assert other["faces"] == "upper"
    rise = float(other["gamma_O_rich_meV_A2"]) - float(one["gamma_O_rich_meV_A2"])
    # all of the extra energy lies in one face: dE / A, not dE / 2A
    assert rise == pytest.approx(1000 / float(one["area_A2"]), abs=0.02)


def test_the_lower_face_is_one_with_as_much_oxygen(tmp_path, rng):
    """Of two slabs with equal faces and one label the O-rich one, lower in energy, lies below."""
    poor, rich = slabs(costs=(4.0, 2.0, -9.0))[1:]
    changed = remove_oxygen(poor, rng)
    changed.info = poor.info | {"name": "changed"}
    rich.info |= {"termination": "stoichiometric", "name": "rich"}
    changed = with_energy(changed, 6 * BULK + 2.0 + 5.0)
    file = write(tmp_path / "slabs.extxyz", [poor, rich, changed])
    out = tmp_path / "out"
    phase_diagram(PhaseDiagramConfig(structures=file, out=out, **FLAGS))
    with open(out / "phase_diagram.csv", newline="") as table:
        found = {row["name"]: row for row in csv.DictReader(table)}["changed"]
    assert found["faces"] == "upper"
    assert float(found["slope_per_A2"]) == pytest.approx(1 / float(found["area_A2"]), abs=1e-5)
    alone = write(tmp_path / "alone.extxyz", [rich, changed])
    phase_diagram(PhaseDiagramConfig(structures=alone, out=out, **FLAGS))
    with open(out / "phase_diagram.csv", newline="") as table:
        assert [row["faces"] for row in csv.DictReader(table)] == ["equal", "mean"]


def test_known_slabs_are_drawn_dotted_and_stable_ones_thick(tmp_path):
    rows = [row(known=True), row(stable=(-1.5, 0))]
    axes = [("T (K)", [-0.5], ["500"])]
    figure = plotting_phases.draw_phase_diagram({"(110)": rows}, (-1.5, 0.0), axes)
    drawn = figure.axes[0].get_lines()
    assert [found.get_linestyle() for found in drawn[:3]] == [":", "-", "-"]
    assert drawn[2].get_linewidth() == plotting_phases.STABLE
    np.testing.assert_allclose(drawn[2].get_ydata(), 50)
    style.save_figure(figure, tmp_path / "p.png")


def test_names_of_lines_lie_beside_each_other_in_their_panel():
    rows = [
        row(label=f"termination {k}", line=Line(0.05 + 0.001 * k, 0.0), stable=(end, end))
        for k, end in enumerate((-1.5, -1.45, -1.4))
    ]
    figure = plotting_phases.draw_phase_diagram({"(110)": rows}, (-1.5, 0.0), [])
    axis = figure.axes[0]
    names = [text for text in axis.texts if text.get_text().startswith("termination")]
    boxes = [name.get_window_extent() for name in names]
    assert len(boxes) == 3 and all(box.x0 >= axis.bbox.x0 - 1 for box in boxes)
    assert not any(one.overlaps(two) for one, two in itertools.combinations(boxes, 2))


def test_names_stand_for_labels_that_are_long_or_shared(tmp_path):
    first, second = slabs()[1:]
    first.info["termination"] = second.info["termination"] = "faces"
    long = slabs()[0]
    long.info |= {"termination": "2 O_on-top + O_bridge | " * 3}
    rows = [
        ranking.row_of((str(number), 0), slab, False, REFERENCES)
        for number, slab in enumerate((first, second, long))
    ]
    assert [each.label for each in rows] == ["faces", "faces", "O-poor"]
    assert ranking.distinct_labels(rows) == {
        ("0", 0): "faces (stoichiometric)",
        ("1", 0): "faces (O-rich)",
        ("2", 0): "O-poor",
    }


def test_rows_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        row().label = "y"
