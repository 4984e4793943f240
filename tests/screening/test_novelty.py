import numpy as np
import pytest

pytest.importorskip("dscribe")
pytest.importorskip("pymatgen.core")

from keras_ruo2.screening.matching import slab_fingerprint
from keras_ruo2.screening.novelty import find_match, first_of_kinds
from keras_ruo2.structure.slabs import build_slab


@pytest.fixture(scope="module")
def prints():
    """Two slabs three times each, alternating."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(6):
        slab = build_slab(("110-stoichiometric", "100-O-rich")[number % 2], a=4.5, c=3.1)
        slab.positions += rng.normal(scale=0.03, size=slab.positions.shape)
        found.append(slab_fingerprint(slab))
    return found


def test_the_lowest_in_energy_is_the_first_of_its_group(prints):
    energies = [-7.0, -7.2, -7.3, -7.1, np.nan, -7.5]
    assert first_of_kinds(prints, energies) == [2, 5, 2, 5, 2, 5]


def test_without_energies_the_first_in_the_file_counts(prints):
    assert first_of_kinds(prints, [np.nan] * 6) == [0, 1, 0, 1, 0, 1]


def test_of_several_equal_ones_the_most_similar_is_named(prints):
    match = find_match(prints[3], prints)
    assert match.index == 3 and match.same
    assert match.kernel == pytest.approx(1, abs=1e-5)
    assert match.displacement == pytest.approx(0, abs=1e-4)


def test_of_none_that_is_equal_the_nearest_is_named(prints):
    other = slab_fingerprint(build_slab("110-O-rich", a=4.5, c=3.1))
    match = find_match(other, prints)
    assert not match.same and 0.5 < match.kernel < 0.99
    assert first_of_kinds([], []) == []
