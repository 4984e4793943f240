import numpy as np
import pytest
from scipy.special import erf

from keras_ruo2.errors import ConfigError
from keras_ruo2.models.architectures import ARCHITECTURES
from keras_ruo2.models.layers import (
    LateralWaves,
    LayerNorm,
    NoiseChoice,
    NoiseShift,
    fourier_basis,
    periodic_convolution,
)
from keras_ruo2.models.networks import build_critic, build_generator
from keras_ruo2.models.periodic import wrap
from keras_ruo2.models.variants import VARIANTS
from tests.slabs import LATENT, anchors, bounds


@pytest.fixture(scope="module")
def of_atoms():
    return anchors()


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("name", VARIANTS)
def test_networks_have_the_shapes_of_their_variant(rng, name, arch, of_atoms):
    variant = VARIANTS[name]
    # whole grids of 32 voxels are slow; the thesis's unpadded convolutions make no others
    num_voxels = 8 if variant.ndim == 3 and arch != "thesis" else 32
    options = {"arch": arch, "width": 2, "num_voxels": num_voxels}
    label = [np.array([4, 0], "int32")] if variant.label else []

    def told(values):
        return [values, *label] if label else values

    known = {}
    if arch == "atoms":
        known = {"anchors": of_atoms, "bounds": bounds(variant.ndim)}
    generator = build_generator(name, latent_size=LATENT, **options, **known)
    made = generator(told(rng.normal(size=(2, LATENT)).astype("float32")))
    assert made["grid"].shape == (2, *(num_voxels,) * variant.ndim, 2)
    assert 0 <= np.min(made["grid"]) <= np.max(made["grid"]) <= 1
    seen = build_critic(name, **options)(told(np.array(made["grid"])))
    assert seen["score"].shape == (2, 1)
    for outputs in (made, seen):
        assert ("lattice" in outputs) == variant.lattice
        if variant.lattice:
            assert outputs["lattice"].shape == (2, variant.num_lengths)


@pytest.mark.parametrize("arch", ["waves", "resize", "kim"])
@pytest.mark.parametrize("num_voxels", [8, 16, 24])
def test_networks_are_written_for_any_grid_of_whole_strides(arch, num_voxels):
    options = {"arch": arch, "width": 1, "num_voxels": num_voxels}
    generator = build_generator("joint3d", latent_size=8, **options)
    assert generator.output["grid"].shape == (None, *(num_voxels,) * 3, 2)
    assert build_critic("joint3d", **options).output["lattice"].shape == (None, 3)


def test_a_grid_that_the_architecture_cannot_make_is_refused():
    with pytest.raises(ConfigError, match="makes grids of 32 voxels, not 16"):
        build_generator("vanilla2d", arch="thesis", num_voxels=16)


def test_periodic_padding_continues_the_grid(rng):
    grid = rng.normal(size=(2, 5, 6, 3)).astype("float32")
    padded = wrap(grid, 2, 1)
    np.testing.assert_array_equal(padded, np.pad(grid, [(0, 0), (2, 1), (2, 1), (0, 0)], "wrap"))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_periodic_convolution_commutes_with_translations(rng, stride):
    import keras

    inputs = keras.Input((8, 8, 2))
    network = keras.Model(inputs, periodic_convolution(inputs, 3, 4, stride))
    grid = rng.normal(size=(1, 8, 8, 2)).astype("float32")
    moved = network(np.roll(grid, 2 * stride, axis=1))
    np.testing.assert_allclose(moved, np.roll(network(grid), 2, axis=1), atol=1e-5)


def test_noise_shifts_grids_along_the_given_axes_only(rng):
    grid = rng.uniform(size=(5, 8, 8, 8, 2)).astype("float32")
    moved = np.array(NoiseShift(axes=(0, 1))(grid, rng.normal(size=(5, 3)).astype("float32")))
    assert (moved != grid).any()
    np.testing.assert_allclose(moved.sum(axis=(1, 2)), grid.sum(axis=(1, 2)), rtol=1e-5)


def test_the_default_critic_reads_the_same_lengths_anywhere(rng):
    critic = build_critic("lattice2d", width=2)
    grid = rng.uniform(size=(2, 32, 32, 2)).astype("float32")
    moved = critic(np.roll(grid, (8, 16), axis=(1, 2)))
    np.testing.assert_allclose(moved["lattice"], critic(grid)["lattice"], atol=1e-5)


def test_layer_norm_is_keras_s(rng):
    import keras

    values = rng.normal(3.0, 2.0, size=(4, 3, 5, 2)).astype("float32")
    ours, theirs = LayerNorm(), keras.layers.LayerNormalization(axis=[1, 2, 3])
    weights = [rng.normal(size=(3, 5, 2)).astype("float32") for _ in range(2)]
    for layer in (ours, theirs):
        layer.build(values.shape)
        layer.set_weights(weights)
    np.testing.assert_allclose(ours(values), theirs(values), atol=1e-5)


def test_layer_norm_has_true_second_derivatives(rng):
    """The gradient of |dD/dx|^2 against differences of it, in double precision."""
    import tensorflow as tf

    layer = LayerNorm(dtype="float64")
    slopes_of = rng.normal(size=(1, 6))

    def squared_slope(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            score = tf.reduce_sum(slopes_of * layer(values) ** 2)
        return tf.reduce_sum(tape.gradient(score, values) ** 2)

    values, step = rng.normal(size=(1, 6)), 1e-5
    with tf.GradientTape() as tape:
        point = tf.constant(values)
        tape.watch(point)
        total = squared_slope(point)
    found = np.array(tape.gradient(total, point))[0]
    for number, moved in enumerate(step * np.eye(6)):
        ends = [float(squared_slope(tf.constant(values + way * moved))) for way in (1, -1)]
        # central differences are good to step^2 of third derivatives, of the order of 100 here
        assert found[number] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5)


def test_noise_shifts_a_grid_by_whole_voxels(rng):
    grid = rng.uniform(size=(4, 8, 8, 2)).astype("float32")
    noise = rng.normal(size=(4, 2)).astype("float32")
    shifted = np.array(NoiseShift()(grid, noise))
    steps = np.floor(8 * 0.5 * (1 + erf(noise / np.sqrt(2)))).astype(int)
    for before, after, step in zip(grid, shifted, steps, strict=True):
        np.testing.assert_array_equal(after, np.roll(before, step, axis=(0, 1)))


def test_noise_shifts_are_uniform(rng):
    grid = np.zeros((4000, 4, 4, 1), "float32")
    grid[:, 0, 0] = 1
    shifted = np.array(NoiseShift()(grid, rng.normal(size=(4000, 2)).astype("float32")))
    # 16 places, expected 250 each, standard deviation 15
    assert np.abs(shifted.sum(axis=0) - 250).max() < 70


def test_the_fourier_basis_is_complete_and_orthogonal():
    for size in (8, 9, 32):
        basis = fourier_basis(size).astype(float)
        np.testing.assert_allclose(basis @ basis.T / size, np.eye(size), atol=1e-6)


def test_waves_of_cells_that_repeat_nothing_are_no_stronger_than_those_of_three_repeats(rng):
    """Else an untrained sigmoid is full in a quarter of the voxels, and stays there."""
    spread = {}
    coefficients = rng.normal(size=(2, 8, 2 * 32**2)).astype("float32")
    for count in (1, 2, 3):
        choices = [np.ones((2, 1), "float32")] * 2
        spread[count] = np.std(LateralWaves(32, 2, (count,))(coefficients, choices=choices))
    assert spread[1] == pytest.approx(spread[3], rel=0.2)
    assert spread[2] == pytest.approx(16, rel=0.1)  # 16 waves a direction, as they are


@pytest.mark.parametrize("num_lateral", [1, 2])
def test_lateral_waves_add_up_to_any_grid(rng, num_lateral):
    size, depth = 6, 5
    grid = rng.normal(size=(2, *(size,) * num_lateral, depth, 2))
    coefficients = grid
    for axis in range(1, num_lateral + 1):  # project on the basis along x (and y)
        coefficients = np.moveaxis(
            np.tensordot(coefficients, fourier_basis(size).T / size, axes=(axis, 0)), -1, axis
        )
    coefficients = np.moveaxis(coefficients, num_lateral + 1, 1)  # (batch, z, terms..., channels)
    made = LateralWaves(size, num_lateral)(coefficients.reshape(2, depth, -1).astype("float32"))
    np.testing.assert_allclose(made, grid, atol=1e-5)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_a_slab_repeats_its_motif_as_often_as_the_data_do(rng, count):
    generator = build_generator("vanilla2d", latent_size=8, width=2, repeats={count: 1})
    grid = np.array(generator(rng.normal(size=(5, 8)).astype("float32"))["grid"], dtype=float)
    power = np.abs(np.fft.rfft(np.log(grid / (1 - grid)), axis=1)).max(axis=(0, 2, 3))
    periods = np.arange(17)
    assert (power[periods % count == 0] > 1e-3).all()
    assert (power[periods % count != 0] < 1e-3).all()


def test_choices_come_as_often_as_their_chances(rng):
    choices = NoiseChoice([1, 3, 6])(rng.normal(size=(10_000, 1)).astype("float32"))
    np.testing.assert_array_equal(np.sum(choices, axis=1), 1)
    np.testing.assert_allclose(np.mean(choices, axis=0), [0.1, 0.3, 0.6], atol=0.02)


def test_a_single_choice_is_always_taken(rng):
    np.testing.assert_array_equal(NoiseChoice([7])(np.float32([[-3.0], [3.0]])), [[1], [1]])
