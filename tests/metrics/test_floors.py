import numpy as np
import pytest

from keras_ruo2.metrics.floors import over_floor, score
from keras_ruo2.metrics.marginals import pooled_distance


def test_real_samples_score_about_one_and_the_interval_holds_it(rng):
    found = score(pooled_distance, rng.normal(size=500), rng.normal(size=1000))
    assert found.low < 1 < found.high
    assert found.ratio == pytest.approx(found.value / found.floor)


def test_a_shift_is_measured_in_its_unit(rng):
    found = score(pooled_distance, rng.normal(size=400) + 5, rng.normal(size=800))
    assert found.value == pytest.approx(5, abs=0.2)  # three standard errors of the two means
    assert found.floor < 0.2 and found.low > 20
    assert found.low < found.ratio < found.high


def test_the_interval_covers_the_error_of_the_mean(rng):
    """Of a shift by 5, the deviation is sqrt(2 / 200) and 95 % lie within 1.96 of it."""
    found = score(pooled_distance, rng.normal(size=200) + 5, rng.normal(size=400))
    width = (found.high - found.low) * found.floor
    assert width == pytest.approx(2 * 1.96 * 0.1, rel=0.3)


def test_identical_sets_are_as_good_as_real_ones():
    found = score(pooled_distance, np.ones(40), np.ones(80))
    assert found.value == found.floor == 0 and found.ratio == 1


def test_undefined_distances_stay_undefined():
    found = score(pooled_distance, np.full(40, np.nan), np.ones(80))
    assert np.isnan(found.value) and np.isnan(found.ratio)
    assert over_floor(1.0, 0.0, np.zeros(3)).ratio == np.inf


def test_too_few_samples_are_said():
    with pytest.raises(ValueError, match="19 generated and 100 real samples, at least 20 and 40"):
        score(pooled_distance, np.zeros(19), np.zeros(100))
