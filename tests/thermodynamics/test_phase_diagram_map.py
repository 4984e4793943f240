"""Temperature against pressure: boundaries are those of the gas, errors those of the methods."""

import csv

import ase.io
import numpy as np
import pytest

from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.plotting.phase_map import colours_of
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.thermodynamics.oxygen_gas import (
    oxygen_potential,
    temperature_of,
    vibrational_energy,
)
from keras_ruo2.thermodynamics.phase_diagram import main as phase_diagram
from keras_ruo2.thermodynamics.phase_map import potentials_of, vibrational_shift

# Bulk RuO2, half an O2, and what two O atoms gain on a stoichiometric slab, eV: it gives way to
# the O-rich one at dmu_O = -gain / 2 - half an O2, -0.8 eV by One and -0.5 eV by Two.
CALCULATORS = {"One": (-22.0, -5.0, -11.6), "Two": (-20.0, -4.5, -10.0)}
METAL = -9.0


@pytest.fixture
def files(tmp_path):
    references = []
    for name, (bulk, oxygen, gain) in CALCULATORS.items():
        slabs = []
        for kind in ("stoichiometric", "O-rich"):
            slab = build_slab(f"110-{kind}", a=4.5, c=3.1)
            slab.info = {"name": kind, "facet": "(110)", "termination": kind}
            energy = 6 * bulk + 2.0 + (gain if kind == "O-rich" else 0)
            slabs.append(with_energy(slab, energy))
        gas = ase.Atoms("O2", [[0, 0, 0], [0, 0, 1.2]])
        given = [with_energy(rutile_ruo2(), 2 * bulk), with_energy(gas, 2 * oxygen)]
        if name == "One":
            given.append(with_energy(ase.Atoms("Ru", cell=[3, 3, 3], pbc=True), METAL))
        for atoms in (*slabs, *given):
            atoms.info["calculator"] = name
        references += given
        ase.io.write(tmp_path / f"{name}.extxyz", slabs)
    ase.io.write(tmp_path / "references.extxyz", references)
    return {
        "structures": tmp_path / "One.extxyz",
        "references": tmp_path / "references.extxyz",
        "out": tmp_path / "out",
        "pressures": (1.0, 1e-12),
        "map": True,
    }


def boundary(out):
    with open(out / "map.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    return row


def test_a_boundary_lies_at_the_temperatures_of_its_chemical_potential(files, tmp_path, capsys):
    files["compare"] = str(tmp_path / "Two.extxyz")
    phase_diagram(PhaseDiagramConfig(**files))
    row = boundary(files["out"])
    assert (row["first"], row["second"]) == ("stoichiometric", "O-rich")
    assert float(row["dmu_O_eV"]) == pytest.approx(-0.8)
    assert [float(row[f"{end}_eV"]) for end in ("low", "high")] == pytest.approx([-0.8, -0.5])
    for pressure in (1.0, 1e-12):
        at = f"_K_at_{pressure:g}_bar"
        assert float(row[f"T{at}"]) == round(temperature_of(-0.8, pressure))
        assert float(row[f"T_low{at}"]) == round(temperature_of(-0.5, pressure))
        assert float(row[f"T_high{at}"]) == round(temperature_of(-0.8, pressure))
    assert (files["out"] / "map.png").stat().st_size > 10_000
    told = capsys.readouterr().out
    assert "Left out: vibrations of added O" in told and "configurations" in told


def test_one_method_alone_has_no_errors(files):
    references = [a for a in ase.io.read(files["references"], ":") if a.info["calculator"] == "One"]
    ase.io.write(files["references"], references)
    phase_diagram(PhaseDiagramConfig(**files))
    row = boundary(files["out"])
    assert row["low_eV"] == row["high_eV"] == row["T_low_K_at_1_bar"] == ""
    assert float(row["T_K_at_1_bar"]) == round(temperature_of(-0.8, 1.0))


def test_the_maps_potentials_are_those_of_the_gas():
    temperatures, decades = np.array([300.0, 900.0]), np.array([-12.0, 0.0, 2.0])
    found = potentials_of(temperatures, decades)
    for column, decade in enumerate(decades):
        expected = oxygen_potential(temperatures, 10.0**decade)
        np.testing.assert_allclose(found[:, column], expected, atol=1e-12)


def test_an_oscillator_has_its_zero_point_energy_when_cold_and_the_classical_limit_when_hot():
    assert vibrational_energy(0.06, 10.0) == pytest.approx(0.03, abs=1e-9)
    hot, thermal = 1e6, 8.617333262e-5 * 1e6
    classical = thermal * np.log(0.06 / thermal)  # of the quantum over kT, to second order
    assert vibrational_energy(0.06, hot) == pytest.approx(classical, abs=1e-3)


def test_heat_stabilises_added_oxygen():
    cold, hot = vibrational_shift(300), vibrational_shift(900)
    assert cold[0] < cold[1] and hot[0] < cold[0] and hot[1] < cold[1]


def test_terminations_of_one_kind_have_colours_of_their_own():
    found = colours_of([0.1, 0.0, -0.05, -0.1, -0.2])
    assert len(set(found)) == 5


@pytest.mark.parametrize(
    ("message", "values"),
    [
        (
            "--map_pressures=1,0.1: expected two ascending numbers in bar",
            {"map_pressures": (1, 0.1)},
        ),
        ("--map_pressures=0,1: .* within 1e-30 to 1000", {"map_pressures": (0, 1)}),
        ("--map_pressures=1,100000.0: ", {"map_pressures": (1, 1e5)}),
        ("--map_temperatures=50,900: .* in K within 100 to 1500", {"map_temperatures": (50, 900)}),
        ("--map_temperatures=300: ", {"map_temperatures": (300,)}),
        ("--map_temperatures=a,b: ", {"map_temperatures": ("a", "b")}),
    ],
)
def test_axes_that_cannot_be_drawn_are_refused(files, message, values):
    with pytest.raises(ConfigError, match=message):
        PhaseDiagramConfig(**files | values)
