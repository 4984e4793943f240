import numpy as np
import pytest

from keras_ruo2.density.voxelise import periodic_gaussians
from keras_ruo2.metrics.radial import radial_difference, radial_distributions

LENGTH, SIZE = 16.0, 32


def chequerboard(shift):
    """A square lattice of Ru 4 A apart with O in the middles, 2.83 A from four Ru."""
    ru = np.arange(0, LENGTH, 4) + shift
    grid = np.zeros((SIZE, SIZE, 2))
    for channel, places in enumerate((ru, ru + 2)):
        line = periodic_gaussians(places % LENGTH, LENGTH, SIZE, 5.0).sum(axis=0)
        grid[..., channel] = np.outer(line, line)
    return grid


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_neighbours_of_a_lattice_are_where_they_belong(shift):
    found = radial_distributions(chequerboard(shift)[None], np.full((1, 2), LENGTH))
    assert found["unit"] == "Å"
    width = found["distance"][1] - found["distance"][0]
    near = (found["distance"] > 2.6) & (found["distance"] < 3.1)
    assert found["ru_o"][near].sum() * width == pytest.approx(4)
    assert found["ru_o"][~near & (found["distance"] < 5)].sum() == 0
    next_ru = np.abs(found["distance"] - 4) < 0.2
    assert found["ru_ru"][next_ru].sum() * width == pytest.approx(4)


def test_difference_is_zero_for_equal_and_one_for_disjoint_distributions():
    lattice = chequerboard(0)[None]
    one = radial_distributions(lattice, np.full((1, 2), LENGTH))
    moved = {name: np.roll(one[name], 5) for name in ("ru_o", "o_o", "ru_ru")}
    assert radial_difference(one, one) == {"ru_o": 0, "o_o": 0, "ru_ru": 0}
    assert radial_difference(moved, one)["ru_o"] == pytest.approx(1)
    empty = radial_distributions(np.zeros((1, SIZE, SIZE, 2)), np.full((1, 2), LENGTH))
    assert radial_difference(empty, one)["o_o"] == 0.5
    assert np.isnan(radial_difference(empty, empty)["ru_ru"])
