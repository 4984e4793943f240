import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ruo2.errors import ConfigError
from keras_ruo2.training.augmentation import AUGMENTATIONS, augment, mirror, shift

SHAPES = [(6, 8, 5, 2), (6, 4, 5, 8, 2)]


@pytest.fixture
def seed():
    return keras.random.SeedGenerator(0)


@pytest.fixture(params=SHAPES, ids=["slices", "grids"])
def grid(rng, request):
    return rng.uniform(size=request.param).astype("float32")


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_permute_the_voxels_of_each_sample(grid, seed, name):
    moved = np.array(augment(grid, [name], seed))
    assert moved.shape == grid.shape and (moved != grid).any()
    channels = (len(grid), -1, grid.shape[-1])
    np.testing.assert_array_equal(
        np.sort(moved.reshape(channels), axis=1), np.sort(grid.reshape(channels), axis=1)
    )


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_keep_the_fourier_amplitudes(grid, seed, name):
    axes = range(1, grid.ndim - 1)
    moved = np.abs(np.fft.fftn(augment(grid, [name], seed), axes=axes))
    before = np.abs(np.fft.fftn(grid, axes=axes))
    if name == "mirror":  # which exchanges waves that run to opposite sides
        moved, before = np.sort(moved.ravel()), np.sort(before.ravel())
    np.testing.assert_allclose(moved, before, atol=1e-4)  # sums of 160 float32 numbers


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_samples_are_treated_independently_and_anew(rng, seed, name):
    grid = np.repeat(rng.uniform(size=(1, 8, 8, 8, 1)), 16, axis=0).astype("float32")
    first, second = (np.array(augment(grid, [name], seed)) for _ in range(2))
    assert len(np.unique(first.reshape(16, -1), axis=0)) > 3
    assert (first != second).any()


def test_shifts_are_uniform(seed):
    grid = np.zeros((4000, 4, 4, 1), "float32")
    grid[:, 1, 2] = 1
    # 16 places, expected 250 each, standard deviation 15
    assert np.abs(np.sum(shift(grid, seed, (0, 1)), axis=0) - 250).max() < 70


def test_shifts_keep_to_their_axes(grid, seed):
    moved = np.array(shift(grid, seed, (0,)))
    along_others = tuple(range(2, grid.ndim - 1))
    np.testing.assert_array_equal(
        np.sort(moved.sum(axis=along_others), axis=1), np.sort(grid.sum(axis=along_others), axis=1)
    )
    np.testing.assert_allclose(moved.sum(axis=1), grid.sum(axis=1), rtol=1e-6)


def test_mirrors_are_the_four_reflections_equally_often(seed):
    grid = np.zeros((4000, 4, 4, 1), "float32")
    grid[:, 1, 3] = 1
    counts = np.sum(mirror(grid, seed, (0, 1)), axis=0)[..., 0]
    # expected 1000 each, standard deviation 27
    assert np.abs(counts[[1, 1, 3, 3], [1, 3, 1, 3]] - 1000).max() < 120
    assert counts.sum() == 4000


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_gradients_pass_through_unchanged(grid, seed, name):
    grid = tf.convert_to_tensor(grid)
    with tf.GradientTape() as tape:
        tape.watch(grid)
        total = tf.reduce_sum(augment(grid, [name], seed))
    np.testing.assert_array_equal(tf.convert_to_tensor(tape.gradient(total, grid)), 1)


def test_a_graph_takes_batches_of_any_size(seed):
    function = tf.function(
        lambda grid: augment(grid, AUGMENTATIONS, seed),
        input_signature=[tf.TensorSpec((None, 8, 8, 2))],
    )
    for size in (1, 3):
        grid = tf.random.stateless_uniform((size, 8, 8, 2), seed=(0, size))
        assert float(tf.reduce_sum(function(grid))) == pytest.approx(
            float(tf.reduce_sum(grid)), rel=1e-5
        )


def test_no_augmentation_changes_nothing_and_unknown_ones_are_refused(grid, seed):
    assert augment(grid, [], seed) is grid
    with pytest.raises(ConfigError, match="Unknown augmentation 'shfit'.*Did you mean 'shift'"):
        augment(grid, ["shfit"], seed)
