import numpy as np

from keras_ruo2.plotting.attribution import flattened_maps
from keras_ruo2.plotting.physics import confusion_figure, energy_figure
from keras_ruo2.plotting.style import limits, metric_curves, smoothed


def test_rows_of_the_confusion_add_up_and_unknown_classes_stay_white():
    counts = [[3, 1, 0], [0, 0, 0], [2, 0, 2]]
    part = {"confusion": counts, "information": 0.5, "null": 0.1}
    figure = confusion_figure({"generated": part, "held_out": part})
    shares = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shares[0], [0.75, 0.25, 0])
    assert shares[1].mask.all()


def test_energies_may_be_partly_unknown():
    known = np.linspace(-7.3, -6.5, 50)
    figure = energy_figure(np.append(known, np.nan), known, np.zeros(0), (-7.0,))
    assert len(figure.axes) == 2


def test_maps_of_whole_grids_show_what_is_largest_of_either_sign():
    maps = np.zeros((1, 4, 5, 6))
    maps[0, 1, 2, 3], maps[0, 1, 3, 3], maps[0, 2, 0, 0] = -2, 1, 3
    flat = flattened_maps(maps)
    assert flat.shape == (1, 4, 6) and flat[0, 1, 3] == -2 and flat[0, 2, 0] == 3


def test_smoothing_keeps_constants_and_length():
    np.testing.assert_allclose(smoothed(np.full(30, 2.5)), 2.5)
    assert len(smoothed(np.arange(3.0))) == 3


def test_the_drift_of_ratios_is_drawn_beside_the_real_one():
    table = {"step": [1, 2, 3], "critic_loss": [1.0, 2.0, 1.0]}
    table |= {"lattice_lateral_over_z": [0.9, 0.95, 1.0], "lattice_lateral_over_z_real": [0.9] * 3}
    figure = metric_curves(table)
    drawn = {axis.get_title(): axis for axis in figure.axes if axis.get_title()}
    assert set(drawn) == {"Loss", "Mean ratio of lengths"}
    own, real, one = drawn["Mean ratio of lengths"].lines
    assert set(one.get_ydata()) == {1}
    assert real.get_linestyle() == "--" and own.get_linestyle() == "-"


def test_ratios_far_from_one_are_in_the_picture():
    """Small cells are half as wide as high: their panel was empty."""
    table = {"step": [1, 2, 3], "lattice_lateral_over_z": [0.4, 0.45, 0.5]}
    table |= {"lattice_lateral_over_z_real": [1.6] * 3}
    (axis,) = metric_curves(table).axes
    low, high = axis.get_ylim()
    assert low < 0.4 and 1.6 < high
    assert limits((0.7, 1.1), [np.array([np.nan, 0.9])]) == (0.7, 1.1)


def test_four_panels_leave_no_place_empty():
    table = {"step": [1, 2], "critic_loss": [1.0, 2.0], "held_out_ratio": [1.0, 2.0]}
    table |= {"lattice_error": [1.0, 1.0], "collapse_diversity": [1.0, 1.0]}
    assert len(metric_curves(table).axes) == 4
