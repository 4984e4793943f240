import numpy as np
import pytest
from ase.io import read

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.thermodynamics import oxygen_gas
from keras_ruo2.thermodynamics import surface as thermo

A, C = 4.5, 3.1
CHGNET = thermo.KNOWN_REFERENCES["CHGNet 0.3.0", "oxide correction undone: E + 0.687 eV per O"]
AREA_110 = A * np.sqrt(2) * C  # Å^2 of the (1x1) cell


@pytest.fixture(scope="module")
def relaxed():
    """The relaxed bundled slabs and their lines, by facet and termination."""
    slabs = [s for s in read(BUNDLED_STRUCTURES, ":") if s.info["variation"] == "relaxed"]
    return {
        s.info["name"].removesuffix("-relaxed"): (
            s,
            thermo.surface_line(s, potential_energy(s), CHGNET),
        )
        for s in slabs
    }


def test_a_slab_as_good_as_the_bulk_costs_nothing(slab):
    for delta in (-1.0, 0.0):  # 6 Ru and 12 O: no dependence on O
        assert thermo.surface_free_energy(slab, -6 * 22.0, -22.0, -5.0, delta) == pytest.approx(0)
    gamma = thermo.surface_free_energy(slab, -6 * 22.0 + 2.0, -22.0, -5.0, -0.7)
    assert gamma == pytest.approx(2.0 / (2 * AREA_110))


@pytest.mark.parametrize(("kind", "excess"), [("O-poor", -2), ("stoichiometric", 0), ("O-rich", 2)])
def test_the_slope_is_minus_the_excess_of_oxygen_per_area(kind, excess):
    atoms = build_slab(f"110-{kind}", a=A, c=C)
    low, high = thermo.surface_free_energy(atoms, -100.0, -22.0, -5.0, np.array([-1.5, -0.5]))
    assert high - low == pytest.approx(-excess / (2 * AREA_110), abs=1e-12)


def test_oxygen_that_costs_nothing_to_take_out_of_gas_changes_nothing():
    """E grows by exactly mu_O for each O: gamma is the same."""
    rich, plain = (build_slab(f"110-{kind}", a=A, c=C) for kind in ("O-rich", "stoichiometric"))
    mu = -5.0 - 0.8
    gamma = [
        thermo.surface_free_energy(atoms, energy, -22.0, -5.0, -0.8)
        for atoms, energy in ((plain, -130.0), (rich, -130.0 + 2 * mu))
    ]
    assert gamma[0] == pytest.approx(gamma[1])


def test_repeating_a_slab_keeps_its_surface_free_energy(slab):
    once = thermo.surface_free_energy(slab, -100.0, -22.0, -5.0, -1)
    four = thermo.surface_free_energy(slab.repeat((2, 2, 1)), -400.0, -22.0, -5.0, -1)
    assert once == pytest.approx(four)


def test_the_envelope_changes_at_exact_crossings():
    lines = [thermo.Line(0.04, 0.0), thermo.Line(0.0, -0.05), thermo.Line(0.15, 0.05)]
    ranges = thermo.lower_envelope(lines, -3.0, 0.0)
    assert [found.number for found in ranges] == [2, 0, 1]
    assert ranges[0].end == ranges[1].start == pytest.approx(-2.2)
    assert ranges[1].end == ranges[2].start == pytest.approx(-0.8)
    assert (ranges[0].start, ranges[-1].end) == (-3.0, 0.0)


def test_the_envelope_is_the_minimum_of_all_lines(rng):
    lines = [thermo.Line(*pair) for pair in rng.normal(size=(40, 2))]
    ranges = thermo.lower_envelope(lines, -2.0, 1.0)
    for index, start, end in ranges:
        for point in np.linspace(start, end, 5):
            assert lines[index](point) == pytest.approx(min(line(point) for line in lines))
    assert all(one.end == other.start for one, other in zip(ranges, ranges[1:], strict=False))


def test_the_110_terminations_stand_as_in_the_literature(relaxed):
    """Reuter and Scheffler (2001): O-poor nowhere, stoichiometric, then O on top with more O."""
    names = [f"110-{kind}" for kind in ("O-poor", "stoichiometric", "O-rich")]
    lines = [relaxed[name][1] for name in names]
    area = thermo.area(relaxed[names[0]][0])
    np.testing.assert_allclose([line.slope * area for line in lines], [1, 0, -1], atol=1e-9)
    limit = thermo.oxygen_poor_limit(CHGNET)
    ranges = thermo.lower_envelope(lines, limit, 0.0)
    assert [names[found.number] for found in ranges] == names[1:]
    # By PBE an O on top of (110) is bound by -5.71 eV, i.e. stable above -5.71 + 4.948 = -0.76 eV;
    # the potential's error in adsorption energies is some 0.1 eV.
    assert ranges[0].end == pytest.approx(-0.76, abs=0.2)


def test_stoichiometric_facets_keep_the_order_of_dft(relaxed):
    names = ["110-stoichiometric", "101-stoichiometric", "100-stoichiometric", "001-stoichiometric"]
    energies = [relaxed[name][1].intercept for name in names]
    assert energies == sorted(energies)


def test_ruo2_forms_from_its_elements():
    """Half of -3.2 eV per RuO2 by experiment (-305 kJ/mol); PBE-like potentials give less."""
    assert -1.7 < thermo.oxygen_poor_limit(CHGNET) < -1.4
    assert thermo.oxygen_poor_limit(thermo.References(-22.0, -5.0)) is None


def test_the_upper_face_is_what_the_lower_one_leaves():
    low, high = thermo.Line(0.04, 0.0), thermo.Line(0.10, -0.06)
    mean = thermo.Line((low.intercept + high.intercept) / 2, (low.slope + high.slope) / 2)
    assert thermo.upper_face(mean, low) == pytest.approx(high)


# K. Reuter, M. Scheffler, Phys. Rev. B 65, 035406 (2001), table II: mu_O(T, 1 atm), eV; two
# digits, from an older edition of the tables.
@pytest.mark.parametrize(
    ("kelvin", "expected"),
    [(100, -0.08), (300, -0.27), (500, -0.50), (700, -0.73), (900, -0.98), (1000, -1.10)],
)
def test_the_potential_of_oxygen_gas_is_the_published_one(kelvin, expected):
    assert oxygen_gas.oxygen_potential(kelvin, 1.01325) == pytest.approx(expected, abs=0.01)


# NIST Chemistry WebBook, O2, Shomate coefficients A to G, 100 to 700 and 700 to 2000 K.
SHOMATE = (
    (31.32234, -20.23531, 57.86644, -36.50624, -0.007374, -8.903471, 246.7945),
    (30.03235, 8.772972, -3.988133, 0.788313, -0.741599, -11.32468, 236.1663),
)


def test_the_table_agrees_with_the_shomate_equation():
    for kelvin, entropy, enthalpy in oxygen_gas.JANAF_O2:
        a, b, c, d, e, f, g = SHOMATE[kelvin > 700]
        t = kelvin / 1000
        heat = a * t + b * t**2 / 2 + c * t**3 / 3 + d * t**4 / 4 - e / t + f
        disorder = a * np.log(t) + b * t + c * t**2 / 2 + d * t**3 / 3 - e / (2 * t**2) + g
        # The fit's own accuracy: 0.02 kJ/mol is 0.1 meV per O.
        assert enthalpy == pytest.approx(heat, abs=0.03)
        assert entropy == pytest.approx(disorder, abs=0.06)


def test_pressure_shifts_by_half_a_logarithm_and_temperatures_come_back():
    shift = oxygen_gas.oxygen_potential(800, 1e-12) - oxygen_gas.oxygen_potential(800, 1.0)
    assert shift == pytest.approx(800 * oxygen_gas.BOLTZMANN * np.log(1e-12) / 2)
    assert oxygen_gas.temperature_of(oxygen_gas.oxygen_potential(650, 0.2), 0.2) == pytest.approx(
        650
    )
    assert np.isnan(oxygen_gas.temperature_of(-9.0, 1.0))


def test_between_the_rows_the_table_is_smooth():
    """Leaving a row out and reading it off the others is right to a meV."""
    kelvin, energy = oxygen_gas.gas_energies()
    others = np.arange(len(kelvin)) != 7
    found = oxygen_gas.CubicSpline(kelvin[others], energy[others])(kelvin[7])
    assert found == pytest.approx(energy[7], abs=1e-3)


def test_unusable_input_is_refused(slab):
    for message, call in (
        ("outside the table", lambda: oxygen_gas.oxygen_potential(20, 1.0)),
        ("positive number", lambda: oxygen_gas.oxygen_potential(300, 0.0)),
        ("holds no Ru", lambda: thermo.surface_free_energy(slab[slab.numbers == 8], 0, 0, 0, 0)),
        ("Expected eV", lambda: thermo.surface_free_energy(slab, np.nan, 0, 0, 0)),
    ):
        with pytest.raises(ConfigError, match=message):
            call()
