import numpy as np
import pytest
import tensorflow as tf

from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.training.properties import (
    PROPERTIES,
    filled,
    oxygen_per_ruthenium,
    range_penalty,
    slab_thickness,
)

A, C = 4.5, 3.1


def grid_of(name, alpha=5.0, vacuum=6.0, shape=(16, 16, 64)):
    """Return a voxelised slab, a batch of one; at most half an Å between voxels."""
    return voxelise(build_slab(name, a=A, c=C, vacuum=vacuum), shape, alpha=alpha)[None]


@pytest.mark.parametrize("alpha", [2.5, 5.0])
@pytest.mark.parametrize("name", ["110-stoichiometric", "100-O-rich", "101-O-poor"])
def test_sums_of_density_count_atoms(name, alpha):
    symbols = build_slab(name, a=A, c=C).get_chemical_symbols()
    expected = symbols.count("O") / symbols.count("Ru")
    # Half an Å between voxels sums a Gaussian to 2 exp(-pi^2 / (alpha / 4)) < 1e-3 along each axis.
    assert float(oxygen_per_ruthenium(grid_of(name, alpha))[0]) == pytest.approx(expected, rel=1e-3)


def test_the_stoichiometric_slab_has_two_oxygens_per_ruthenium():
    assert float(oxygen_per_ruthenium(grid_of("110-stoichiometric"))[0]) == pytest.approx(
        2, abs=2e-3
    )


def test_filled_counts_voxels():
    grid = np.zeros((1, 8, 8, 8, 2), "float32")
    assert float(filled(grid)[0]) == 0
    grid[0, :, :, :2, 0] = 0.9
    assert float(filled(grid)[0]) == pytest.approx(0.25 * 0.9, abs=1e-6)


def test_vacuum_empties_a_grid():
    shares = [float(filled(grid_of("110-stoichiometric", vacuum=v))[0]) for v in (5, 10, 20)]
    assert shares[0] > shares[1] > shares[2] > 0


@pytest.mark.parametrize("share", [1, 3, 8, 16, 24, 31, 32])
def test_an_even_slab_has_its_own_thickness(share):
    grid = np.zeros((1, 4, 32, 2), "float32")
    grid[:, :, :share] = 0.5
    # n points 1 apart spread like an even slab of sqrt(n^2 - 1); the fit is within 0.002.
    expected = np.sqrt(share**2 - 1) / 32
    assert float(slab_thickness(grid)[0]) == pytest.approx(expected, abs=3e-3)


@pytest.mark.parametrize("vacuum", [4.0, 12.0])
@pytest.mark.parametrize(
    "name, thickness",
    [
        ("110-stoichiometric", 3 * A / np.sqrt(2)),
        ("100-stoichiometric", 4 * A / 2),
        ("001-stoichiometric", 5 * C / 2),
    ],
)
def test_a_slab_is_as_thick_as_its_layers_whatever_the_vacuum(name, thickness, vacuum):
    height = build_slab(name, a=A, c=C, vacuum=vacuum).cell.lengths()[2]
    found = float(slab_thickness(grid_of(name, vacuum=vacuum))[0]) * height
    # A slab of atoms is not an even one, and O reaches beyond Ru: 0.2 Å.
    assert found == pytest.approx(thickness, abs=0.2)


@pytest.mark.parametrize("name", PROPERTIES)
def test_properties_do_not_depend_on_where_the_slab_is(rng, name):
    grid = grid_of("110-O-rich")
    function = PROPERTIES[name].function
    moved = np.roll(grid, rng.integers(0, 16, 3), axis=(1, 2, 3))
    assert float(function(moved)[0]) == pytest.approx(float(function(grid)[0]), rel=1e-5)


@pytest.mark.parametrize("name", PROPERTIES)
@pytest.mark.parametrize("fill", ["empty", "even", "slab", "layer", "noise"])
def test_properties_and_their_gradients_are_finite(rng, name, fill):
    grid = np.zeros((3, 8, 8, 8, 2), "float32")
    if fill == "noise":
        grid = rng.uniform(size=grid.shape).astype("float32")
    grid[..., {"even": slice(None), "slab": slice(3), "layer": slice(1)}.get(fill, []), :] = 1
    grid = tf.convert_to_tensor(grid)
    with tf.GradientTape() as tape:
        tape.watch(grid)
        values = PROPERTIES[name].function(grid)
    assert values.shape == (3,) and np.isfinite(values).all()
    assert np.isfinite(tape.gradient(values, grid)).all()


@pytest.mark.parametrize("name", PROPERTIES)
def test_properties_also_read_slices(rng, name):
    assert PROPERTIES[name].function(rng.uniform(size=(5, 8, 8, 2)).astype("float32")).shape == (5,)


def test_a_range_is_free_inside_and_costs_the_squared_distance_outside():
    values = np.float32([0, 1, 1.5, 2, 4])
    assert float(range_penalty(values, 1, 2)) == pytest.approx((1 + 0 + 0 + 0 + 4) / 5)
    assert float(range_penalty(values, None, 2)) == pytest.approx(4 / 5)
    assert float(range_penalty(values, 1, None)) == pytest.approx(1 / 5)
    assert float(range_penalty(values, 2, 2)) == pytest.approx((4 + 1 + 0.25 + 0 + 4) / 5)


def test_a_range_that_is_empty_is_refused():
    with pytest.raises(ConfigError, match="range is 2 to 1"):
        range_penalty(np.float32([1]), 2, 1)
