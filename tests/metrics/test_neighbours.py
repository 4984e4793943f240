import numpy as np
import pytest

from keras_ruo2.metrics.neighbours import memberships, neighbour_scores


def values(generated, real, neighbours=5):
    return {name: found.mean() for name, found in memberships(generated, real, neighbours).items()}


def test_on_a_line_they_follow_from_counting():
    real = np.arange(4.0)[:, None]  # with one neighbour the balls have a radius of 1
    generated = np.array([[0.5], [0.6], [10.0]])  # radii 0.1, 0.1, 9.4
    found = values(generated, real, neighbours=1)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["density"] == pytest.approx(4 / 3)  # the first two lie in the balls of 0 and 1
    assert found["coverage"] == pytest.approx(2 / 4)
    assert found["recall"] == pytest.approx(3 / 4)  # 1, 2, 3 within 9.4 of the outlier


def test_equal_distributions_are_as_good_as_real_halves(rng):
    found = neighbour_scores(rng.normal(size=(500, 3)), rng.normal(size=(1000, 3)))
    for score in found.values():
        assert score.ratio == pytest.approx(1, abs=0.15)  # three errors of 500 counts of density
        assert score.low < score.ratio < score.high


def test_what_lies_elsewhere_is_imprecise_and_what_repeats_covers_little(rng):
    real = rng.normal(size=(400, 3))
    away = neighbour_scores(rng.normal(size=(200, 3)) + 20, real)
    assert {name: score.value for name, score in away.items()}["precision"] == 0
    assert away["coverage"].value == 0
    repeated = neighbour_scores(real[rng.integers(5, size=200)], real)
    assert repeated["precision"].ratio > 0.9 and repeated["coverage"].ratio < 0.3


def test_too_few_samples_are_said(rng):
    with pytest.raises(ValueError, match="5 generated"):
        neighbour_scores(rng.normal(size=(5, 3)), rng.normal(size=(100, 3)))
