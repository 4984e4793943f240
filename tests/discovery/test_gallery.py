import ase.io
import numpy as np
import pytest

from keras_ruo2.discovery.gallery import (
    NO_SLAB,
    PAGE,
    PICTURE,
    Classes,
    gallery_classes,
    group_slabs,
    write_gallery,
)
from keras_ruo2.plotting.gallery import MADE, row_by_class
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab
from tests.discovery.browser import browser

CLASSES = Classes(("low", "high"), (-8.0, -7.0, -6.0))


def drawn(name, label, **info):
    made = build_slab(name, a=4.5, c=3.1)
    told = {"valid": True, "novel": True, "label": label, "recognised_facet": f"({name[:3]})"}
    made.info |= told | info
    return made


def real(name, per_atom):
    made = build_slab(name, a=4.5, c=3.1)
    made.info |= {"name": f"real-{name}"}
    return with_energy(made, per_atom * len(made))


@pytest.fixture
def groups():
    structures = [
        drawn("110-stoichiometric", 1),
        drawn("110-O-rich", 0, novel=False, matched="x<y", matched_by="slab"),
        drawn("100-stoichiometric", 0),
        drawn("110-O-poor", 0, valid=False, reasons="floating_oxygen no_vacuum"),
    ]
    known = [real("110-stoichiometric", -6.5), real("110-O-rich", -7.5), real("111-O-rich", -7.5)]
    return group_slabs(structures, known, CLASSES)


def test_slabs_stand_by_facet_and_class_and_what_is_no_slab_comes_last(groups):
    assert [(group.facet, group.name) for group in groups] == [
        ("(100)", "low"),
        ("(110)", "low"),
        ("(110)", "high"),
        (NO_SLAB, "low"),
    ]
    assert groups[1].made[0]["said"] == "as x<y" and groups[2].made[0]["said"] == "new"
    assert groups[2].made[0]["faces"] == "O_bridge + Ru_cus"
    assert groups[3].made[0]["faces"] == "floating_oxygen, no_vacuum"


def test_real_slabs_stand_in_the_class_of_their_energy(groups):
    assert [[entry["name"] for entry in group.real] for group in groups] == [
        [],
        ["real-110-O-rich"],
        ["real-110-stoichiometric"],
        [],
    ]


def test_without_classes_there_is_one_group_for_each_facet():
    structures = [drawn("110-stoichiometric", label) for label in (0, 1, 1)]
    (group,) = group_slabs(structures, [real("110-O-rich", -7.5)], gallery_classes(None))
    assert len(group.made) == 3 and len(group.real) == 1


def test_a_generator_of_other_classes_has_no_edges_of_energy():
    saved = {
        "data": {"class_names": ("dmu_O -1 eV",), "class_edges": (-8.0, -7.0)},
        "resolved": {"label_by": "dmu_o"},
    }
    assert gallery_classes(saved) == Classes(("dmu_O -1 eV",), ())


def test_a_row_of_the_picture_has_slabs_of_as_many_classes_as_there_are():
    structures = [drawn("110-stoichiometric", label) for label in (0,) * 9 + (1,) * 2]
    found = row_by_class(group_slabs(structures, [], CLASSES))
    assert [group.number for _, group in found] == sorted(group.number for _, group in found)
    assert len(found) == MADE and sum(group.number == 1 for _, group in found) == 2


def written(folder, groups):
    return write_gallery(
        folder, groups, title="<b>T", command="gallery <x>", species=("Ru", "O"), file="a<b"
    )


def test_the_page_and_the_picture_are_written(groups, tmp_path):
    assert written(tmp_path, groups) == tmp_path / PICTURE
    text = (tmp_path / PAGE).read_text()
    assert "x&lt;y" in text and "a&lt;b" in text and "<b>T" not in text and "http" not in text
    assert (tmp_path / PICTURE).stat().st_size > 10_000


def test_samples_without_atoms_give_no_gallery(tmp_path):
    empty = ase.Atoms(cell=np.eye(3) * 9, pbc=True)
    assert written(tmp_path, group_slabs([empty], [], CLASSES)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_browser_draws_every_slab_that_comes_into_view(groups, tmp_path):
    written(tmp_path, groups)
    with browser() as visit:
        page = visit(tmp_path / PAGE)
        for canvas in page.locator("canvas").all():
            canvas.scroll_into_view_if_needed()
        page.wait_for_function(
            "Array.from(document.querySelectorAll('canvas')).every(c => Number(c.dataset.drawn))"
        )
        assert page.locator("canvas").count() == 6
        assert page.wrong == []
