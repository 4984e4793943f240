import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest

from keras_ruo2.plotting import replay, search
from keras_ruo2.structure.layers import assign_layers, with_layers

POTENTIALS = (-1.0, -0.5, -0.25, 0.0)
COUNTS = (1, 2, 3, 8)  # starts of a search


def names(count):
    return [f"{number}00-stoichiometric" for number in range(count)]


def draw_composition(count, slab):
    chain = {"excess": [0.0, 1.2, 1.2], "lowest": 1.2, "one": 1.2}
    chains = [{"dmu_o": value, **chain} for value in POTENTIALS]
    return search.draw_composition(dict.fromkeys(names(count), chains), list(POTENTIALS))


def draw_grand_potentials(count, slab):
    chain = {"current": np.array([0.0, -120.5, -120.5]), "refused": [np.nan, np.nan, 30.0]}
    chains = [{"dmu_o": value, **chain} for value in POTENTIALS]
    return search.draw_grand_potentials(dict.fromkeys(names(count), chains))


def draw_structures(count, slab):
    column = [("start Ru6O12 (+0 O)", slab), ("Ru6O10 (-2 O)\n-263.9 meV/Å² at -0.25 eV", slab)]
    return search.draw_structures(dict.fromkeys(names(count), column))


def draw_strip(count, slab):
    step = {"atoms": slab, "title": "8: remove, Ru6O11 (-1 O)", "value": -113.3, "trial": 0}
    return replay.strip([step] * count, "111-stoichiometric-2, chain 12, dmu_O -0.25 eV")


@pytest.fixture
def layered(slab):
    return with_layers(slab, assign_layers(slab))


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(
    "draw", [draw_composition, draw_grand_potentials, draw_structures, draw_strip]
)
def test_nothing_is_cut_off_and_the_legend_covers_nothing(layered, draw, count):
    figure = draw(count, layered)
    figure.canvas.draw()
    (legend,) = figure.legends
    titles = [axis.title for axis in figure.axes if axis.get_title()]
    others = [*figure.texts, *titles]
    for text in (*others, *legend.get_texts()):
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1, text.get_text()
        assert box.y0 >= 0 and box.y1 <= figure.bbox.y1, text.get_text()
    for text in others:
        assert not legend.get_window_extent().overlaps(text.get_window_extent()), text.get_text()
    for first, second in itertools.combinations(titles, 2):
        assert not first.get_window_extent().overlaps(second.get_window_extent())
    plt.close(figure)


def test_the_curve_of_a_replay_has_every_accepted_structure_and_the_film_those_shown(
    layered, tmp_path, monkeypatch
):
    from PIL import Image

    drawn, real = [], replay.draw_curve
    monkeypatch.setattr(
        replay,
        "draw_curve",
        lambda axis, curve: drawn.append(axis) or real(axis, curve),
    )
    curve = [(0, 0.0), (1, -3.0), (4, 5.0), (9, -8.0)]
    steps = [
        {"atoms": layered, "title": "", "trial": trial, "value": value} for trial, value in curve
    ]
    replay.animate(steps[::3], curve, tmp_path / "film.gif", "a chain")
    line, *_ = drawn[0].get_lines()
    np.testing.assert_array_equal(line.get_xdata()[:4], [0, 1, 4, 9])
    np.testing.assert_array_equal(line.get_ydata()[:4], [0, -3, 5, -8])
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 2
