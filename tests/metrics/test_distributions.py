import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from keras_ruo2.metrics.distributions import sliced_wasserstein


def test_equal_sets_have_no_distance_in_any_order(rng):
    grids = rng.uniform(size=(20, 4, 4, 2))
    assert sliced_wasserstein(grids, grids[rng.permutation(20)]) == pytest.approx(0, abs=1e-7)


def test_in_one_dimension_it_is_the_wasserstein_distance(rng):
    first, second = rng.normal(size=(2, 50, 1))
    expected = wasserstein_distance(first[:, 0], second[:, 0])
    assert sliced_wasserstein(first, second) == pytest.approx(expected, rel=1e-5)


def test_a_constant_shift_costs_its_mean_projection(rng):
    grids = rng.uniform(size=(30, 3)).astype("float32")
    shift = np.array([0.3, 0.0, -0.4])
    directions = np.random.default_rng(0).normal(size=(3, 128))
    directions /= np.linalg.norm(directions, axis=0)
    expected = np.abs(shift @ directions).mean()
    assert sliced_wasserstein(grids, grids + shift) == pytest.approx(expected, rel=1e-4)


def test_sets_of_different_sizes_are_refused(rng):
    with pytest.raises(ValueError, match="sets of one shape"):
        sliced_wasserstein(np.zeros((3, 2)), np.zeros((4, 2)))
