import numpy as np
import pytest
from ase.io import read

from keras_ruo2.structure.slabs import TERMINATIONS, build_slab
from keras_ruo2.structure.terminations import dipole_of, termination_of
from keras_ruo2.structure.variations import add_on_top, add_peroxo, remove_oxygen

# By hand from the crystal; the (110) names as in the literature.
LABELS = {
    "110-O-poor": "Ru_cus + Ru_bridge",
    "110-stoichiometric": "O_bridge + Ru_cus",
    "110-O-rich": "O_on-top + O_bridge",
    "100-O-poor": "Ru_3c",
    "100-stoichiometric": "O_bridge + Ru_5c",
    "101-stoichiometric": "2 O_bridge + 2 Ru_5c",
    "001-stoichiometric": "2 O_bridge + Ru_4c",
    "111-super-O-rich": "4 O_on-top + O_bridge",
}


@pytest.mark.parametrize(("name", "label"), LABELS.items())
def test_terminations_have_the_names_of_the_literature(name, label):
    slab = build_slab(name, a=4.5, c=3.1)
    assert termination_of(slab).label == label
    assert termination_of(slab.repeat((2, 1, 1))).label == label


@pytest.mark.parametrize("name", TERMINATIONS)
def test_bonds_that_lack_count_the_excess_of_each_face(name):
    slab = build_slab(name, a=4.5, c=3.1)
    found = termination_of(slab)
    area = slab.get_volume() / slab.cell[2, 2]
    for face in (found.upper, found.lower):
        assert face.excess * area == pytest.approx(TERMINATIONS[name].excess, abs=1e-9)
    assert found.excess * area == pytest.approx(TERMINATIONS[name].excess)


def test_a_change_of_one_face_shows_on_that_face_alone(slab, rng):
    before = termination_of(slab)
    area = slab.get_volume() / slab.cell[2, 2]
    for change, label, extra in (
        (add_on_top, "O_on-top + O_bridge", 1),
        (remove_oxygen, "Ru_cus + Ru_bridge", -1),
        (add_peroxo, "2 O-O + Ru_cus", 1),
    ):
        after = termination_of(change(slab, rng))
        assert after.upper.label == label
        assert after.lower == before.lower
        assert after.upper.excess * area == pytest.approx(extra)
        assert after.label == f"{label} | {before.lower.label}"


def test_half_a_layer_is_half_a_site():
    slab = build_slab("110-O-rich", a=4.5, c=3.1).repeat((2, 1, 1))
    del slab[int(slab.positions[:, 2].argmax())]
    assert termination_of(slab).upper.label == "0.5 O_on-top + O_bridge + 0.5 Ru_cus"


def test_oxygens_of_three_bonds_are_counted_at_the_surface_only():
    found = termination_of(build_slab("110-stoichiometric", a=4.5, c=3.1))
    assert found.upper.sites["O_3c"] == 2
    assert found.histogram == {"O2": 2, "O3": 10, "Ru5": 2, "Ru6": 4}


def test_upside_down_the_faces_change_places_and_the_dipole_its_sign(slab, rng):
    slab = add_on_top(slab, rng)
    over = slab.copy()
    over.positions[:, 2] *= -1
    one, other = termination_of(slab), termination_of(over)
    assert one.upper == other.lower and one.lower == other.upper
    assert one.dipole == pytest.approx(-other.dipole) != 0


def test_the_dipole_has_no_origin_and_vanishes_between_equal_faces(slab, rng):
    assert dipole_of(slab) == pytest.approx(0, abs=1e-9)
    slab = add_on_top(slab, rng)
    before = dipole_of(slab)
    assert before < 0  # negative O on top
    slab.positions += [0.3, 0.4, 11.0]
    slab.wrap()
    assert dipole_of(slab) == pytest.approx(before)
    assert dipole_of(slab.repeat((2, 2, 1))) == pytest.approx(before)


def test_real_slabs_have_the_terminations_of_their_names(realdata):
    found = {}
    for slab in read(realdata / "ruo2_vasp_pbe.extxyz", ":"):
        if len(slab) > 90:
            described = termination_of(slab)
            assert described.facet == f"({slab.info['facet']})"
            found[described.facet, slab.get_chemical_formula()] = described.upper.label
    assert found["(110)", "O64Ru32"] == "O_bridge + Ru_cus"
    assert found["(110)", "O68Ru32"] == "O_on-top + O_bridge"
    assert found["(110)", "O67Ru32"] == "0.75 O_on-top + O_bridge + 0.25 Ru_cus"
    assert np.unique([facet for facet, _ in found]).tolist() == ["(101)", "(110)"]
