import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ruo2.models.minibatch import MinibatchDiscrimination


def similarities(features, kernel, num_kernels):
    """Return the published sums over all the others, by loops."""
    vectors = (features @ kernel).reshape(len(features), num_kernels, -1)
    expected = np.zeros((len(features), num_kernels))
    for i in range(len(features)):
        for j in range(len(features)):
            if i != j:
                expected[i] += np.exp(-np.abs(vectors[i] - vectors[j]).sum(axis=-1))
    return expected


@pytest.mark.parametrize("batch", [1, 2, 5, 8])
def test_a_small_batch_is_compared_as_published(rng, batch):
    features = rng.normal(size=(batch, 6)).astype("float32")
    layer = MinibatchDiscrimination(4, 3, num_others=7)
    outputs = np.array(layer(features))
    np.testing.assert_array_equal(outputs[:, :6], features)
    expected = similarities(features, np.array(layer.kernel), 4)
    np.testing.assert_allclose(outputs[:, 6:], expected, atol=1e-5)


def test_the_defaults_are_kim_s():
    layer = MinibatchDiscrimination()
    assert layer.compute_output_shape((None, 100)) == (None, 356)
    assert layer(np.zeros((2, 100), "float32")).shape == (2, 356)


def test_equal_samples_count_one_each(rng):
    features = np.repeat(rng.normal(size=(1, 6)), 40, axis=0).astype("float32")
    for others, expected in ((63, 39), (10, 10)):
        outputs = np.array(MinibatchDiscrimination(4, 3, num_others=others)(features))
        np.testing.assert_allclose(outputs[:, 6:], expected, atol=1e-4)


def test_a_large_batch_is_compared_with_the_next_samples(rng):
    features = rng.normal(size=(9, 6)).astype("float32")
    layer = MinibatchDiscrimination(4, 3, num_others=2)
    outputs = np.array(layer(features))
    round_trip = np.concatenate([features, features[:2]])
    pairs = [
        similarities(round_trip[[i, i + step]], np.array(layer.kernel), 4)[0]
        for i in range(9)
        for step in (1, 2)
    ]
    np.testing.assert_allclose(outputs[:, 6:], np.reshape(pairs, (9, 2, 4)).sum(axis=1), atol=1e-5)


def test_the_whole_batch_may_come_in_any_order(rng):
    features = rng.normal(size=(8, 6)).astype("float32")
    layer = MinibatchDiscrimination(4, 3)
    order = rng.permutation(8)
    np.testing.assert_allclose(layer(features[order]), np.array(layer(features))[order], atol=1e-5)


def test_a_graph_takes_batches_of_any_size(rng):
    inputs = keras.Input((6,))
    model = keras.Model(inputs, MinibatchDiscrimination(4, 3)(inputs))
    function = tf.function(model, input_signature=[tf.TensorSpec((None, 6))])
    for batch in (3, 5):
        features = rng.normal(size=(batch, 6)).astype("float32")
        np.testing.assert_allclose(function(features), model(features), atol=1e-6)


def test_the_slope_can_be_differentiated_again(rng):
    layer = MinibatchDiscrimination(4, 3)
    features = tf.convert_to_tensor(rng.normal(scale=0.3, size=(5, 6)).astype("float32"))
    layer(features)
    with tf.GradientTape() as outer:
        with tf.GradientTape() as tape:
            tape.watch(features)
            total = tf.reduce_sum(layer(features)[:, 6:])
        norm = tf.reduce_sum(tf.square(tape.gradient(total, features)))
    second = outer.gradient(norm, layer.kernel.value)
    assert np.isfinite(second).all() and np.abs(second).max() > 1e-3


def test_it_survives_saving(rng):
    layer = MinibatchDiscrimination(4, 3, num_others=5, kernel_initializer="ones")
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    assert copy.get_config() == layer.get_config()
    features = rng.normal(size=(5, 6)).astype("float32")
    np.testing.assert_array_equal(copy(features), layer(features))
