import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ruo2.models.spectral import SPECTRAL_CONVOLUTION, SpectralDense, first_direction

LAYERS = {
    "dense": (SpectralDense, {"units": 5}, (6, 7)),
    "1d": (SPECTRAL_CONVOLUTION[1], {"filters": 5, "kernel_size": 3}, (6, 8, 3)),
    "2d": (SPECTRAL_CONVOLUTION[2], {"filters": 5, "kernel_size": 3, "strides": 2}, (6, 8, 8, 3)),
    "3d": (SPECTRAL_CONVOLUTION[3], {"filters": 5, "kernel_size": 2}, (6, 4, 4, 4, 3)),
}


@pytest.fixture(params=LAYERS)
def layer_and_inputs(rng, request):
    make, options, shape = LAYERS[request.param]
    known = keras.initializers.GlorotUniform(seed=0)
    return make(kernel_initializer=known, **options), rng.normal(size=shape).astype("float32")


def singular_values(kernel):
    return np.linalg.svd(np.reshape(kernel, (-1, kernel.shape[-1])), compute_uv=False)


def test_the_largest_singular_value_approaches_one(layer_and_inputs):
    layer, inputs = layer_and_inputs
    layer(inputs)
    start = np.array(layer._kernel)
    for _ in range(100):
        layer(inputs, training=True)
    applied = np.array(layer.kernel)
    assert singular_values(applied)[0] == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(layer._kernel, start)
    np.testing.assert_allclose(applied, start / singular_values(start)[0], atol=1e-4)


def test_the_layer_applies_the_divided_kernel(rng):
    layer = SpectralDense(5, bias_initializer="ones")
    inputs = rng.normal(size=(6, 7)).astype("float32")
    outputs = layer(inputs)
    np.testing.assert_allclose(outputs, inputs @ np.array(layer.kernel) + 1, atol=1e-5)


def test_only_training_turns_the_direction(layer_and_inputs):
    layer, inputs = layer_and_inputs
    layer(inputs)
    start = np.array(layer.direction)
    layer(inputs)
    np.testing.assert_array_equal(layer.direction, start)
    layer(inputs, training=True)
    matrix = np.reshape(layer._kernel, (-1, 5))
    expected = matrix.T @ (matrix @ start)
    np.testing.assert_allclose(layer.direction, expected / np.linalg.norm(expected), atol=1e-5)
    assert len(layer.trainable_variables) == 2  # kernel and bias


def test_gradients_do_not_change_the_size_of_the_kernel(layer_and_inputs):
    layer, inputs = layer_and_inputs
    layer(inputs)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(layer(inputs, training=True)))
    kernel = layer._kernel
    slope = tape.gradient(loss, kernel.value)
    # What is applied is homogeneous of degree 0 in the kernel (Euler).
    size = np.linalg.norm(slope) * np.linalg.norm(kernel)
    assert size > 0.1
    assert abs(np.sum(np.array(slope) * np.array(kernel))) < 1e-5 * size


@pytest.mark.parametrize("leading", ["first", "last", "even", "difference"])
def test_the_start_finds_singular_vectors_of_simple_kernels(leading):
    vectors = {
        "first": [1, 0, 0, 0],
        "last": [0, 0, 0, 1],
        "even": [1, 1, 1, 1],
        "difference": [1, -1, 0, 0],
    }
    matrix = np.eye(4) + np.outer(vectors[leading], vectors[leading])
    layer = SpectralDense(4, use_bias=False)
    layer.build((None, 4))
    layer._kernel.assign(matrix.astype("float32"))
    for _ in range(50):
        layer(np.ones((1, 4), "float32"), training=True)
    assert singular_values(np.array(layer.kernel))[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3, 512])
def test_the_first_direction_is_a_unit_vector_without_zeros(size):
    direction = np.array(first_direction((size,)))
    assert np.linalg.norm(direction) == pytest.approx(1, abs=1e-6)
    assert np.abs(direction).min() > 0


def test_a_kernel_of_zeros_stays_finite():
    layer = SpectralDense(3, kernel_initializer="zeros")
    inputs = tf.ones((2, 4))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs, training=True))
    assert np.isfinite(tape.gradient(loss, layer._kernel.value)).all()
    assert np.linalg.norm(layer.direction) == pytest.approx(1, abs=1e-6)


def test_saving_keeps_the_trained_kernel(rng, tmp_path, layer_and_inputs):
    layer, inputs = layer_and_inputs
    model = keras.Sequential([keras.Input(inputs.shape[1:]), layer])
    for _ in range(3):
        model(inputs, training=True)
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(copy.layers[0]._kernel, layer._kernel)
    np.testing.assert_allclose(copy(inputs), model(inputs), atol=1e-6)


def test_half_precision_normalises_in_full(layer_and_inputs):
    layer, inputs = layer_and_inputs
    half = type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"})
    for _ in range(50):
        outputs = half(inputs, training=True)
    assert outputs.dtype == "bfloat16" and half.direction.dtype == "float32"
    # bfloat16 rounds every element of the kernel to 0.4 %.
    assert singular_values(np.array(half.kernel, "float32"))[0] == pytest.approx(1, abs=5e-3)


REPLICAS = """
import numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
import keras
from keras_ruo2.models.spectral import SpectralDense
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
def make():
    layer = SpectralDense(5, kernel_initializer=keras.initializers.RandomNormal(seed=1))
    layer.build((None, 7))
    return layer
inputs = tf.ones((4, 7))
alone = make()
alone(inputs, training=True)
with strategy.scope():
    layer = make()
tf.function(lambda: strategy.run(lambda: layer(inputs, training=True)))()
for value in strategy.experimental_local_results(layer.direction.value):
    np.testing.assert_allclose(value, alone.direction, atol=1e-6)
"""


def test_replicas_share_the_direction():
    root = Path(__file__).resolve().parents[2]
    environment = {"KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, "-c", REPLICAS], env={**os.environ, **environment}, check=True)
