import matplotlib.pyplot as plt
import numpy as np
import pytest

from keras_ruo2.evaluation.pictures import most_similar
from keras_ruo2.plotting.attribution import rows_of_grids


def test_grids_are_drawn_in_their_lengths_where_these_are_known(rng):
    grids = rng.random((2, 8, 8, 2))
    sizes = {"Real": np.array([[6.0, 20.0], [9.0, 18.0]])}
    figure = rows_of_grids({"Real": (grids, ["one", ""])}, sizes)
    first, second = figure.axes
    assert first.get_title() == "one\n6.0 × 20.0 Å" and second.get_title() == "9.0 × 18.0 Å"
    assert first.images[0].get_extent() == [0, 6, 0, 20]
    assert np.ptp(first.get_xlim()) == pytest.approx(np.ptp(second.get_ylim()))  # one scale
    plt.close(figure)


def test_nearly_empty_samples_are_shown_last():
    grids = np.full((3, 8, 8, 2), 0.1)
    grids[1] = 0.9
    np.testing.assert_array_equal(most_similar(np.array([0.9, 0.5, 0.8]), grids), [1, 0, 2])
