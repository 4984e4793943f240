import pytest

from keras_ruo2.discovery.differences import differences
from keras_ruo2.structure.slabs import build_slab


def slab(name, **info):
    made = build_slab(name, a=4.5, c=3.1)
    made.info |= {"novel": True} | info
    return made


def test_equal_slabs_differ_in_nothing():
    one = slab("110-stoichiometric", novel=False, matched_by="slab", matched="known", kernel=1.0)
    told = " ".join(differences(one, slab("110-stoichiometric")))
    assert "Equals the known slab known." in told
    assert "Faces as there" in told and "As thick as there" in told and "as there: 0.0" in told
    assert "1.000 of 1" in told


def test_a_slab_upside_down_has_the_same_faces():
    one = slab("110-stoichiometric")
    turned = one.copy()
    turned.positions[:, 2] *= -1
    turned.wrap()
    assert any(text.startswith("Faces as there") for text in differences(one, turned))


def test_faces_oxygen_thickness_and_facet_are_named_where_they_differ():
    rich, poor = slab("110-O-rich"), slab("110-stoichiometric")
    told = differences(rich, poor)
    assert told[0].startswith("New")
    (faces,) = [text for text in told if text.startswith("Faces:")]
    assert "O_on-top" in faces and "Ru_cus" in faces.partition("there")[2]
    (excess,) = [text for text in told if "beyond the oxide" in text]
    gained = 100 * (len(rich) - len(poor)) / (2 * rich.cell.lengths()[:2].prod())
    assert f"(+{gained:.1f})" in excess
    other = " ".join(differences(rich, slab("100-stoichiometric")))
    assert "Facet: (110), there (100)." in other and "Thickness:" in other


@pytest.mark.parametrize(
    ("thinner", "told"), [(True, "another number of layers"), (False, "k | m.")]
)
def test_known_faces_are_told(thinner, told):
    info = {"novel": False, "matched_by": "faces", "matched": "k | m", "new_thickness": thinner}
    one = slab("110-stoichiometric", **info)
    assert told in differences(one, one)[0]
