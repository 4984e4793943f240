import numpy as np
import pytest

from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.facets import facet_in, indices_of, miller_name
from keras_ruo2.structure.slabs import Termination, build_slab, whole_octahedra


@pytest.mark.parametrize(
    "label",
    [110, np.int64(110), 110.0, "110", "(110)", "1x1x0", "1×1×0", "1 1 0", "[1,1,0]", "[1, 1, 0]"]
    + [(1, 1, 0), [1, 1, 0], np.array([1, 1, 0]), "{110}", "1_1_0", "RuO2(110)", "RuO2_110"]
    + ["(1-10)", "(1 -1 0)", "(-1,-1,0)", (1, -1, 0), "facet=110", "(220)", " 110 ", "(1−10)"],
)
def test_every_spelling_of_a_facet_is_understood(label):
    assert miller_name(label) == "(110)"


@pytest.mark.parametrize(
    ("label", "name"),
    [(1, "(001)"), ("1", "(001)"), (11, "(101)"), (10, "(100)"), ("010", "(100)")]
    + [("(011)", "(101)"), ((0, 0, 2), "(001)"), (201, "(201)"), ("0x1x1", "(101)")],
)
def test_facets_that_symmetry_makes_equal_have_one_name(label, name):
    assert miller_name(label) == name


@pytest.mark.parametrize(
    "label",
    ["", "unknown", "stepped", "11-20", "c(2x2)", "(000)", 0, 1100, None, True, np.nan, 1.5]
    + [[1, 1], [1, 1, 0.5], ["a", "b", "c"], "110-O-rich", "11"[:0]],
)
def test_labels_that_are_no_miller_indices_have_no_name(label):
    assert miller_name(label) is None


def test_geometry_leads_and_a_contradiction_is_known():
    slab = build_slab("110-stoichiometric", a=4.5, c=3.1)
    assert facet_in(slab) == ("(110)", "", False)
    for label, contradicted in (("1x1x0", False), (101, True), ("stepped", False), ("", False)):
        slab.info["facet"] = label
        found = facet_in(slab)
        assert (found.name, found.contradicted) == ("(110)", contradicted)


def test_of_what_geometry_does_not_recognise_the_label_counts():
    slab = build_slab("110-stoichiometric", a=4.5, c=3.1)
    slab.positions[:, 2] *= 1.6
    for label, name in ((None, "unknown"), ("2x1x0", "(210)"), ("stepped", "stepped")):
        slab.info = {} if label is None else {"facet": label}
        assert facet_in(slab)[0] == name


@pytest.mark.parametrize("indices", [(3, 0, 1), (2, 0, 1), (2, 1, 0)])
def test_a_high_index_facet_keeps_its_label_though_a_low_one_is_near(indices):
    slab = whole_octahedra(Termination(indices, 7, 0), rutile_ruo2())
    slab.center(vacuum=8, axis=2)
    slab.info["facet"] = list(indices)
    assert facet_in(slab)[0] == "({}{}{})".format(*indices)
    low = build_slab("111-stoichiometric", a=4.5, c=3.1)
    low.info["facet"] = list(indices)
    assert facet_in(low) == ("(111)", str(list(indices)), True)


def test_a_name_holds_its_indices():
    assert indices_of("(110)") == (1, 1, 0)
    assert indices_of("stepped") is None
