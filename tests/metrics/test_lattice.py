import numpy as np
import pytest

from keras_ruo2.metrics.lattice import (
    lattice_opinions,
    lattice_scores,
    opinion_scores,
    ratio_names,
    ratios,
)


def test_opinions_are_compared_axis_by_axis(rng):
    own = rng.uniform(10, 20, (50, 2))
    found = lattice_opinions(np.zeros((50, 16, 16, 2)), own, own + [1, -2], 5.0)
    assert list(found) == ["own", "critic", "picture"]
    scores = opinion_scores(found)
    assert scores["own_critic"]["mean_absolute"] == pytest.approx({"lateral": 1, "z": 2})
    assert scores["own_critic"]["bias"] == pytest.approx({"lateral": 1, "z": -2})
    assert scores["own_picture"]["known"] == 0  # nothing to measure in empty grids
    assert np.isnan(scores["own_picture"]["bias"]["z"])


def test_ratios_are_to_z(rng):
    np.testing.assert_allclose(ratios([[4.0, 6.0, 2.0]]), [[2, 3]])
    assert ratio_names(3) == ["x_over_z", "y_over_z"] and ratio_names(2) == ["lateral_over_z"]


def test_the_joint_distribution_sees_what_the_marginals_do_not(rng):
    z = rng.uniform(10, 30, 400)
    real = np.stack([0.8 * z, z], axis=1)
    same = lattice_scores(real[rng.permutation(400)[:200]], real, replicates=0)
    apart = np.stack([0.8 * rng.permutation(z), z], axis=1)
    mixed = lattice_scores(apart, real, replicates=0)
    for name in ("joint_lengths", "joint_ratios"):
        assert same[name].ratio < 1.6 and mixed[name].ratio > 2.5 * same[name].ratio
