import matplotlib.pyplot as plt
import numpy as np
import pytest

from keras_ruo2.plotting import style


def test_empty_is_white_and_species_have_their_colours():
    grid = np.zeros((4, 6, 2))
    grid[1, 2, 0] = grid[3, 5, 1] = 1
    picture = style.colour_densities(grid)
    assert picture.shape == (6, 4, 3)  # z is drawn upwards
    np.testing.assert_allclose(picture[0, 0], 1)
    np.testing.assert_allclose(picture[2, 1], plt.matplotlib.colors.to_rgb(style.RUTHENIUM))
    np.testing.assert_allclose(picture[5, 3], plt.matplotlib.colors.to_rgb(style.OXYGEN))


@pytest.mark.parametrize("known", [True, False])
def test_slices_are_drawn_as_wide_and_high_as_their_lengths(rng, known):
    grids = rng.uniform(size=(3, 8, 8, 2))
    lengths = np.array([[10.0, 20.0], [12, 18], [9, 21]]) if known else None
    figure = style.sample_sheet({"Generated": (grids, lengths)}, columns=2)
    image = figure.subfigs[0].axes[0].images[0]
    assert image.get_extent() == ([0, 10, 0, 20] if known else [0, 1, 0, 1])
    titles = [axis.get_title() for axis in figure.subfigs[0].axes]
    assert titles[0] == ("10.0 × 20.0 Å" if known else "")
    plt.close(figure)


def test_curves_show_what_was_measured(tmp_path):
    table = {
        "step": np.array([1.0, 2, 3]),
        "critic_loss": np.array([3.0, 2, 1]),
        "held_out_ratio": np.array([np.nan, 4, np.nan]),
        "lattice_error": np.full(3, np.nan),
    }
    figure = style.metric_curves(table)
    assert len(figure.axes) == 2  # nothing is known of the lattice
    style.save_figure(figure, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_whole_grids_are_fewer_and_larger():
    views = style.views("Generated", np.zeros((9, 4, 4, 4, 2)), np.full((9, 3), 10.0))
    columns, size = style.VIEW_COLUMNS, style.VIEW
    large = style.sample_sheet(views, columns=columns, size=size)
    small = style.sample_sheet(views)
    assert style.MOST_SHOWN[3] < style.MOST_SHOWN[2]
    assert widest_axis(large) > 1.4 * widest_axis(small)
    plt.close("all")


def widest_axis(figure):
    """Return the width of the widest axis, inches."""
    figure.canvas.draw()
    axes = [axis for part in figure.subfigs for axis in part.axes]
    return max(axis.get_window_extent().width for axis in axes) / figure.dpi


@pytest.mark.parametrize(
    ("text", "is_formula"),
    [
        (r"$\Delta\mu_\mathrm{O}$ (eV)", True),
        ("Excess O per area\nof the cell (nm$^{-2}$)", True),
        (r"$\log_{10}$ p(O$_2$) (bar)", True),
        (r"RuO$_2$ at $\Delta\mu_\mathrm{O}$ = −0.50 eV", True),
        (r"$\mathdefault{2\times10^{-3}}$", True),
        (r"$\frac{$", False),
        (r"slab_$1$", False),
        (r"$\Delta\mu_\mathrm{O}$ of slab $x^{$", False),
        (r"$\mathdefault{\undefined}$", False),
    ],
)
def test_own_labels_are_formulas_and_names_from_files_are_not(tmp_path, text, is_formula):
    figure, axis = plt.subplots()
    axis.set_title(text)
    label = axis.title
    assert style.save_figure(figure, tmp_path / "figure.png").size
    assert label.get_parse_math() == is_formula


def test_tick_labels_of_logarithms_are_formulas(tmp_path):
    figure, axis = plt.subplots()
    axis.loglog([1, 1e4], [1, 1e4])
    figure.canvas.draw()
    labels = [label for label in axis.get_xticklabels() if "$" in label.get_text()]
    style.save_figure(figure, tmp_path / "figure.png")
    assert labels and all(label.get_parse_math() for label in labels)
