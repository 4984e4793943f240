import matplotlib.pyplot as plt
import numpy as np
import pytest

from keras_ruo2.metrics.marginals import marginals
from keras_ruo2.metrics.matches import best_matches
from keras_ruo2.plotting import evaluation as drawn


@pytest.fixture
def grids(rng):
    return rng.random((12, 8, 8, 2))


def test_similarities_are_drawn_with_their_threshold(grids):
    matches, null = best_matches(grids[:4], grids[6:]), best_matches(grids[4:6], grids[6:])
    figure = drawn.similarity_histogram(matches, null, 0.5)
    assert figure.axes[2].lines[0].get_xdata()[0] == 0.5
    heights = [bar.get_height() for bar in figure.axes[0].containers[0]]
    assert sum(heights) == pytest.approx(1)
    plt.close(figure)


def test_pairs_stand_below_each_other_and_are_named(grids):
    figure = drawn.pairs(grids[:3], grids[3:6], np.full((3, 2), 0.5), ["110-O-rich-relaxed"] * 3)
    assert len(figure.axes) == 6
    assert figure.axes[0].get_title() == "SSIM Ru 0.50\nO 0.50"
    assert figure.axes[3].get_title() == "110-O-rich-relaxed"
    assert (
        drawn.shortened("111-super-O-rich-floating-oxygen") == "111-super-O-rich\nfloating-oxygen"
    )
    plt.close(figure)


def test_marginals_are_drawn_even_where_there_is_nothing(grids):
    made, real = marginals(np.zeros_like(grids)), marginals(grids)
    scores = {"density_ru": {"ratio": 3.0, "low": 2.0, "high": 4.0}}
    figure = drawn.marginal_histograms(made, real, scores)
    assert figure.axes[0].get_title() == "distance / floor 3.0 (2.0 to 4.0)"
    assert figure.axes[4].get_xlabel() == "Slab thickness (voxels)"
    plt.close(figure)


def test_few_different_values_have_a_bin_each():
    values = np.repeat([1, 2, 4], 5) / 8
    np.testing.assert_allclose(drawn.edges(values), np.arange(0.5, 5) / 8)


def test_classes_are_drawn_beside_all(grids):
    names = ("diversity", "spacing", "contrast_ru", "contrast_o")
    names += ("stripes", "echoes", "noise", "background")
    scores = dict.fromkeys(names, 0.5) | {"spacing": np.nan}
    figure = drawn.collapse_bars({"all": scores, "class 1": scores})
    assert len(figure.axes[0].patches) == 8
    plt.close(figure)


def test_stripes_lie_on_an_axis_of_the_spectrum(grids):
    striped = np.broadcast_to(grids.mean(axis=1, keepdims=True), grids.shape)
    power = drawn.power(striped)
    assert power[4].sum() == pytest.approx(power.sum())
    figure = drawn.mean_spectra(striped, grids)
    plt.close(figure)
    plt.close(drawn.mean_spectra(np.zeros((2, 6, 6, 6, 2)), np.ones((2, 6, 6, 6, 2))))
