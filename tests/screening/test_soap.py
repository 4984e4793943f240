import numpy as np
import pytest

pytest.importorskip("dscribe")

from keras_ruo2.screening.soap import environments, worst_match, worst_matches
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.structure.variations import add_on_top


@pytest.fixture(scope="module")
def slabs():
    names = ["110-stoichiometric", "110-O-rich", "100-stoichiometric", "101-O-poor"]
    return [build_slab(name, a=4.5, c=3.1) for name in names]


def test_vectors_are_normalised(slabs):
    for vectors, number in zip(environments(slabs[0]), (44, 8), strict=True):
        assert len(vectors) == (slabs[0].numbers == number).sum()
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_the_kernel_is_symmetric_and_1_for_the_same_slab_only(slabs):
    found = [environments(slab) for slab in slabs]
    kernels = np.array([[worst_match(one, other) for other in found] for one in found])
    np.testing.assert_allclose(kernels, kernels.T, rtol=1e-6)
    np.testing.assert_allclose(np.diag(kernels), 1, rtol=1e-5)
    assert kernels[~np.eye(len(found), dtype=bool)].max() < 0.99


def test_one_slab_against_many_is_each_of_them(slabs):
    found = [environments(slab) for slab in slabs]
    expected = [worst_match(found[1], other) for other in found]
    np.testing.assert_allclose(worst_matches(found[1], found), expected, rtol=1e-6)


def test_one_more_oxygen_shows_as_much_in_a_slab_of_a_hundred_atoms(slabs, rng):
    kernels = []
    for repeats in ((1, 1, 1), (2, 3, 1)):
        slab = slabs[0].repeat(repeats)
        kernels.append(worst_match(environments(slab), environments(add_on_top(slab, rng))))
    assert kernels[1] == pytest.approx(kernels[0], abs=0.005) and max(kernels) < 0.97
    averages = []
    for slab in (slabs[0].repeat((2, 3, 1)), add_on_top(slabs[0].repeat((2, 3, 1)), rng)):
        mean = np.concatenate([vectors.sum(axis=0) for vectors in environments(slab)])
        averages.append(mean / np.linalg.norm(mean))
    assert averages[0] @ averages[1] > 0.999  # an average over the atoms buries it


def test_the_thickness_of_the_vacuum_does_not_show(slabs):
    wide = slabs[1].copy()
    wide.cell[2, 2] += 17
    assert worst_match(environments(wide), environments(slabs[1])) == pytest.approx(1, abs=1e-5)
