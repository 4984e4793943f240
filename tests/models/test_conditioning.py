import keras
import numpy as np
import pytest

from keras_ruo2.models.conditioning import BlockOneHot, RepeatLabel, label_channel, label_vector
from keras_ruo2.models.networks import build_critic, build_generator
from keras_ruo2.models.variants import LABEL_SIZES, VARIANTS

CLASSES = np.arange(10, dtype="int32")
LABELLED = [name for name, row in VARIANTS.items() if row.label]
TINY = {"width": 2, "num_voxels": 8}


def vectors(entry, size, num_classes=10):
    """What the generator is told of each class."""
    label = keras.Input((), dtype="int32")
    network = keras.Model(label, label_vector(label, entry, size, num_classes))
    return np.array(network(np.arange(num_classes, dtype="int32"))), network


def channels(entry, size, shape, num_classes=10):
    """What the critic is told of each class."""
    label = keras.Input((), dtype="int32")
    network = keras.Model(label, label_channel(label, entry, size, num_classes, shape))
    return np.array(network(np.arange(num_classes, dtype="int32"))), network


def test_the_sizes_are_the_source_s_best():
    assert dict(LABEL_SIZES) == {"integer": 206, "onehot": 200, "embedding": 50}


@pytest.mark.parametrize("size", [100, 200, 500])
def test_a_block_one_hot_is_a_tenth_of_ones_in_a_block_of_its_own(size):
    told, network = vectors("onehot", size)
    assert told.shape == (10, size) and network.count_params() == 0
    for number, row in enumerate(told):
        block = slice(number * size // 10, (number + 1) * size // 10)
        assert (row[block] == 1).all() and row.sum() == size // 10
    if size == 200:
        assert (told == 1).sum(axis=1).tolist() == [20] * 10
        assert (told == 0).sum(axis=1).tolist() == [180] * 10


def test_the_critic_s_one_hot_fills_1024_voxels():
    """1024 is no multiple of ten: blocks of 102 and 103, every voxel in just one of them."""
    told, network = channels("onehot", 200, (32, 32))
    assert told.shape == (10, 32, 32, 1) and network.count_params() == 0
    np.testing.assert_array_equal(told.sum(axis=0), 1)
    sizes = told.sum(axis=(1, 2, 3))
    assert set(sizes) == {102, 103} and sizes.sum() == 1024


@pytest.mark.parametrize("size", [100, 206, 512])
def test_an_integer_is_repeated(size):
    told, network = vectors("integer", size)
    np.testing.assert_array_equal(told, np.repeat(CLASSES[:, None], size, axis=1))
    assert network.count_params() == 0
    channel, _ = channels("integer", size, (32, 32))
    np.testing.assert_array_equal(
        channel, np.broadcast_to(CLASSES[:, None, None, None], (10, 32, 32, 1))
    )


@pytest.mark.parametrize("size", [50, 100, 206, 512])
def test_an_embedding_has_its_parameters(size):
    told, network = vectors("embedding", size)
    assert told.shape == (10, size) and network.count_params() == 10 * size
    assert len(np.unique(told, axis=0)) == 10
    channel, network = channels("embedding", size, (32, 32))
    assert channel.shape == (10, 32, 32, 1)
    assert network.count_params() == 10 * size + size * 1024 + 1024
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds == ["InputLayer", "Embedding", "Dense", "Reshape"]
    assert network.layers[2].activation is keras.activations.linear


@pytest.mark.parametrize("entry", LABEL_SIZES)
def test_a_channel_has_the_shape_of_a_whole_grid(entry):
    told, network = channels(entry, 50, (8, 8, 8))
    assert told.shape == (10, 8, 8, 8, 1)
    expected = 10 * 50 + 50 * 512 + 512 if entry == "embedding" else 0
    assert network.count_params() == expected
    if entry == "onehot":
        np.testing.assert_array_equal(told.sum(axis=0), 1)


def test_classes_that_do_not_divide_the_positions_share_them_evenly():
    told = np.array(BlockOneHot(10, 4)(np.arange(4, dtype="int32")))
    assert told.sum(axis=1).tolist() == [3, 2, 3, 2]
    np.testing.assert_array_equal(told.sum(axis=0), 1)


@pytest.mark.parametrize("layer", [RepeatLabel(3), BlockOneHot(8, 4)])
def test_layers_can_be_made_from_their_configuration(layer):
    again = type(layer).from_config(layer.get_config())
    label = np.array([2, 0], "int32")
    np.testing.assert_array_equal(again(label), layer(label))
    assert again(label).shape == again.compute_output_shape((2,))


@pytest.mark.parametrize("entry", LABEL_SIZES)
@pytest.mark.parametrize("ndim", [2, 3])
def test_networks_take_the_default_size(entry, ndim):
    """The generator's first dense layer sees the noise, a lateral choice each, and the class."""
    name = f"{entry}{ndim}d"
    generator = build_generator(name, latent_size=8, **TINY)
    first = next(layer for layer in generator.layers if isinstance(layer, keras.layers.Dense))
    assert first.kernel.shape[0] == 8 + (ndim - 1) + LABEL_SIZES[entry]
    critic = build_critic(name, **TINY)
    convolutions = (keras.layers.Conv2D, keras.layers.Conv3D)
    first = next(layer for layer in critic.layers if isinstance(layer, convolutions))
    assert first.kernel.shape[-2] == 2 + 1  # Ru, O and the class


@pytest.mark.parametrize("name", LABELLED)
def test_noise_and_class_both_matter(name, rng):
    """Neither is ignored before training; an untrained embedding moves a grid the least."""
    generator = build_generator(name, latent_size=8, **TINY)
    noise = rng.normal(size=(2, 8)).astype("float32")
    noise[:, :4] = noise[0, :4]  # these choose shifts and repeats, which are no structure
    one, other = (np.array([number, number], "int32") for number in (1, 7))
    first, second = (np.array(generator([noise, label])["grid"]) for label in (one, other))
    assert np.abs(first[0] - first[1]).max() > 1e-4  # the noise, at a fixed class
    assert np.abs(first - second).max() > 1e-4  # the class, at a fixed noise
    np.testing.assert_array_equal(first, np.array(generator([noise, one])["grid"]))


@pytest.mark.parametrize("name", LABELLED)
def test_a_critic_told_the_wrong_class_scores_differently(name, rng):
    critic = build_critic(name, **TINY)
    grid = rng.uniform(size=(3, *(8,) * VARIANTS[name].ndim, 2)).astype("float32")
    right, wrong = (np.full(3, number, "int32") for number in (2, 5))
    scores = [np.array(critic([grid, label])["score"]) for label in (right, wrong)]
    assert (np.abs(scores[0] - scores[1]) > 1e-5).all()
    lengths = [critic([grid, label]).get("lattice") for label in (right, wrong)]
    if VARIANTS[name].lattice:  # read from the grid alone
        np.testing.assert_array_equal(*map(np.array, lengths))
