"""Several calculators for the same slabs; the numbers are worked out by hand."""

import csv

import ase.io
import pytest
from ase import Atoms

from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.thermodynamics.phase_diagram import main as phase_diagram
from keras_ruo2.thermodynamics.surface import area

# Of each calculator: bulk RuO2, half an O2, what a stoichiometric slab costs, and what two O atoms
# gain when they settle on it, all in eV. Stoichiometric and O-rich slabs cost the same at
# dmu_O = -gain / 2 - half an O2: -0.8 and -0.5 eV, and -1.1 eV of the third one.
CALCULATORS = {
    "One": (-22.0, -5.0, 2.0, -11.6),
    "Two": (-20.0, -4.5, 2.4, -10.0),
    "Three": (-21.0, -4.0, 1.0, -10.2),
}
METAL = -9.0  # of the first one: O-poor limit (-22 + 9 + 10) / 2 = -1.5 eV


def frames(name, kinds=("stoichiometric", "O-rich")):
    """The slabs of one calculator, and the files that its references need."""
    bulk, oxygen, cost, gain = CALCULATORS[name]
    made = []
    for kind in kinds:
        slab = build_slab(f"110-{kind}", a=4.5, c=3.1)
        slab.info = {"name": kind, "facet": "(110)", "termination": kind, "calculator": name}
        made.append(with_energy(slab, 6 * bulk + cost + (gain if kind == "O-rich" else 0)))
    gas = Atoms("O2", [[0, 0, 0], [0, 0, 1.2]])
    given = [with_energy(rutile_ruo2(), 2 * bulk), with_energy(gas, 2 * oxygen)]
    if name == "One":
        given.append(with_energy(Atoms("Ru", cell=[3, 3, 3], pbc=True), METAL))
    for atoms in given:
        atoms.info["calculator"] = name
    return made, given


@pytest.fixture
def files(tmp_path):
    """`--structures`, `--compare` and `--references` of the calculators."""
    slabs, references = {}, []
    for name in CALCULATORS:
        slabs[name], given = frames(name)
        references += given
        ase.io.write(tmp_path / f"{name}.extxyz", slabs[name])
    ase.io.write(tmp_path / "references.extxyz", references)
    return {
        "structures": tmp_path / "One.extxyz",
        "compare": f"{tmp_path / 'Two.extxyz'},{tmp_path / 'Three.extxyz'}",
        "references": tmp_path / "references.extxyz",
        "out": tmp_path / "out",
    }


def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_bands_and_crossings_are_those_worked_out_by_hand(files, capsys):
    phase_diagram(PhaseDiagramConfig(**files))
    faces = 2 * area(build_slab("110-stoichiometric", a=4.5, c=3.1)) / 1000
    plain, rich = table(files["out"] / "phase_diagram.csv")
    low, high = (float(plain[f"gamma_O_rich_{end}_meV_A2"]) for end in ("low", "high"))
    assert (low, high) == (pytest.approx(1 / faces, abs=0.01), pytest.approx(2.4 / faces, abs=0.01))
    assert float(plain["gamma_O_rich_meV_A2"]) == pytest.approx(2.0 / faces, abs=0.01)
    # O-rich: cost + gain - 2 (half an O2 + dmu_O), at -1.5 eV 3.4, 4.4 and 1.8 eV
    low, high = (float(rich[f"gamma_O_poor_{end}_meV_A2"]) for end in ("low", "high"))
    assert (low, high) == (
        pytest.approx(1.8 / faces, abs=0.01),
        pytest.approx(4.4 / faces, abs=0.01),
    )
    assert plain["methods"] == "3" and plain["stable_by"] == "One; Two; Three"
    (crossing,) = table(files["out"] / "crossings.csv")
    assert (crossing["first"], crossing["second"]) == ("stoichiometric", "O-rich")
    for name, value in (("One", -0.8), ("Two", -0.5), ("Three", -1.1)):
        assert float(crossing[f"dmu_O_eV by {name}"]) == pytest.approx(value)
    assert float(crossing["dmu_O_low_eV"]) == pytest.approx(-1.1)
    assert float(crossing["dmu_O_high_eV"]) == pytest.approx(-0.5)
    by_method = {(row["name"], row["method"]): row for row in table(files["out"] / "methods.csv")}
    assert len(by_method) == 6
    assert float(by_method["O-rich", "Two"]["stable_from_eV"]) == pytest.approx(-0.5)
    printed = capsys.readouterr().out
    assert "2 of 2 slabs have all of them" in printed
    assert "stoichiometric gives way to O-rich between -1.10 and -0.50 eV" in printed


def test_one_method_alone_says_nothing_of_others(files):
    _, given = frames("One")
    ase.io.write(files["references"], given)
    phase_diagram(PhaseDiagramConfig(**files | {"compare": ""}))
    assert "methods" not in table(files["out"] / "phase_diagram.csv")[0]
    assert {path.name for path in files["out"].iterdir()} == {
        "phase_diagram.csv",
        "phase_diagram.png",
        "stable.extxyz",
    }


def test_a_slab_that_a_method_lacks_has_the_others_only(files, tmp_path):
    ase.io.write(tmp_path / "Two.extxyz", frames("Two", ("stoichiometric",))[0])
    phase_diagram(PhaseDiagramConfig(**files))
    plain, rich = table(files["out"] / "phase_diagram.csv")
    assert (plain["methods"], rich["methods"]) == ("3", "2")
    assert rich["stable_by"] == ""  # not among the slabs that every method has
    (crossing,) = table(files["out"] / "crossings.csv")
    assert crossing["dmu_O_eV by Two"] == ""
    assert float(crossing["dmu_O_high_eV"]) == pytest.approx(-0.8)


def test_an_upper_face_is_taken_out_with_each_methods_own_lower_face(files, tmp_path):
    """A changed upper face that costs 1 eV by one method and 3 eV by another, over one area."""
    for name, extra in (("One", 1.0), ("Two", 3.0)):
        slabs, _ = frames(name, ("stoichiometric",))
        changed = slabs[0].copy()
        changed.positions[changed.positions[:, 2].argmax(), 2] += 0.3
        changed.info["name"] = "changed"
        energy = slabs[0].get_potential_energy() + extra
        ase.io.write(tmp_path / f"{name}.extxyz", [*slabs, with_energy(changed, energy)])
    ase.io.write(files["references"], [*frames("One")[1], *frames("Two")[1]])
    phase_diagram(PhaseDiagramConfig(**files | {"compare": str(tmp_path / "Two.extxyz")}))
    whole, changed = table(files["out"] / "phase_diagram.csv")
    assert changed["faces"] == "upper"
    face = float(changed["area_A2"]) / 1000
    low, high = (float(changed[f"gamma_O_rich_{end}_meV_A2"]) for end in ("low", "high"))
    assert low == pytest.approx((2.0 / 2 + 1.0) / face, abs=0.01)
    assert high == pytest.approx((2.4 / 2 + 3.0) / face, abs=0.01)


def test_what_cannot_be_compared_is_refused(files, tmp_path):
    def refused(message, **values):
        with pytest.raises(ConfigError, match=message):
            phase_diagram(PhaseDiagramConfig(**files | values))
        assert not files["out"].exists()

    refused("One.extxyz is by One, like slabs of another file", compare=str(files["structures"]))
    refused("no such file", compare="none.extxyz")
    energies = {"bulk_energy": -22.0, "oxygen_energy": -5.0, "references": None}
    refused("--bulk_energy is of one calculator", **energies)
    _, given = frames("One")
    ase.io.write(tmp_path / "few.extxyz", given)
    refused("no bulk and no oxygen reference by Two", references=tmp_path / "few.extxyz")
    refused("its calculator is Three, that of the slabs", compare=str(tmp_path / "Two.extxyz"))
    slabs, _ = frames("Two")
    slabs[0].info["name"], slabs[1].info["name"] = "O-rich", "stoichiometric"
    ase.io.write(tmp_path / "Two.extxyz", slabs)
    refused("stoichiometric is O14Ru6 in .*Two.extxyz, but O12Ru6 in --structures")
    for slab in slabs:
        slab.info["name"] += " of another set"
    ase.io.write(tmp_path / "Two.extxyz", slabs)
    refused("no slab of .*Two.extxyz has the name of one of --structures")
