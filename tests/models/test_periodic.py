"""Strided periodic convolutions against the plain operation on a padded grid, on every backend.

Run as a script, this file saves values, first and second derivatives of both on the backend of
`KERAS_BACKEND`.
"""

import sys

import keras
import numpy as np
import pytest

from keras_ruo2.backend import BACKENDS
from keras_ruo2.models.layers import LeakyReLU
from keras_ruo2.models.periodic import CONVOLUTION, convolve, wrap

# Dimensions, kernel and stride; the kernel is or is not a multiple of the stride.
CASES = [(1, 4, 2), (2, 2, 2), (2, 4, 2), (2, 5, 2), (2, 6, 2), (2, 5, 4), (3, 4, 2), (3, 3, 2)]
SIZE, CHANNELS, FILTERS = 8, 3, 5
PLAIN = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D, 3: keras.layers.Conv3D}
NAMES = ("value", "by grid", "by kernel", "penalty", "penalty by kernel")


def padded(inputs, kernel, stride):
    """The plain operation on a grid that is continued beyond its edges."""
    total = kernel.shape[0] - stride
    return keras.ops.conv(wrap(inputs, total // 2, total - total // 2), kernel, strides=stride)


def loop(grid, kernel, stride):
    """The definition, an output voxel at a time."""
    ndim, size = grid.ndim - 1, kernel.shape[0]
    out = np.empty((*(n // stride for n in grid.shape[:-1]), kernel.shape[-1]))
    for place in np.ndindex(out.shape[:-1]):
        start = [stride * number - (size - stride) // 2 for number in place]
        seen = np.ix_(
            *(np.arange(s, s + size) % n for s, n in zip(start, grid.shape, strict=False))
        )
        out[place] = np.tensordot(grid[seen], kernel, axes=ndim + 1)
    return out


def random_case(ndim, kernel):
    rng = np.random.default_rng(0)
    grid = rng.normal(size=(2, *(SIZE,) * ndim, CHANNELS)).astype("float32")
    weights = rng.normal(size=(*(kernel,) * ndim, CHANNELS, FILTERS)) / kernel**ndim
    return grid, weights.astype("float32")


def derivatives(function, grid, kernel, backend):
    """Value of a small network, its gradients, the squared slope and its gradient by the kernel."""
    from keras import ops

    def score(grid, kernel):
        made = function(grid, kernel)
        return ops.sum(ops.square(LeakyReLU(negative_slope=0.2)(made)))

    found = DERIVATIVES[backend](score, grid, kernel)
    return dict(zip(NAMES, (ops.convert_to_numpy(value) for value in found), strict=True))


def by_tensorflow(score, grid, kernel):
    import tensorflow as tf

    grid, kernel = tf.constant(grid), tf.constant(kernel)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(kernel)
        with tf.GradientTape(persistent=True) as inner:
            inner.watch([grid, kernel])
            value = score(grid, kernel)
        slope = inner.gradient(value, grid)
        penalty = tf.reduce_sum(slope**2)
    return value, slope, inner.gradient(value, kernel), penalty, outer.gradient(penalty, kernel)


def by_jax(score, grid, kernel):
    import jax

    def penalty(kernel):
        return (jax.grad(score)(grid, kernel) ** 2).sum()

    slopes = jax.grad(score, argnums=(0, 1))(grid, kernel)
    return score(grid, kernel), *slopes, penalty(kernel), jax.grad(penalty)(kernel)


def by_torch(score, grid, kernel):
    import torch

    grid, kernel = (torch.tensor(value, requires_grad=True) for value in (grid, kernel))
    value = score(grid, kernel)
    slopes = torch.autograd.grad(value, (grid, kernel), create_graph=True)
    penalty = (slopes[0] ** 2).sum()
    return value, *slopes, penalty, torch.autograd.grad(penalty, kernel)[0]


DERIVATIVES = {"tensorflow": by_tensorflow, "jax": by_jax, "torch": by_torch}


def compute(backend):
    """Return what is compared, for both ways of every case."""
    found = {}
    for ndim, size, stride in CASES:
        for way, function in (("fast", convolve), ("plain", padded)):
            known = derivatives(
                lambda grid, kernel, f=function, s=stride: f(grid, kernel, s),
                *random_case(ndim, size),
                backend,
            )
            found |= {f"{ndim},{size},{stride}/{way}/{name}": v for name, v in known.items()}
    return found


@pytest.mark.parametrize("backend", BACKENDS)
def test_values_and_derivatives_up_to_the_second_are_those_of_the_plain_operation(
    on_backend, backend
):
    found = on_backend(backend, __file__)
    for name, value in found.items():
        if "/fast/" in name:
            expected = found[name.replace("/fast/", "/plain/")]
            # a float32 sum of some hundred products
            largest = np.abs(expected).max()
            np.testing.assert_allclose(value, expected, atol=1e-5 * largest, err_msg=name)


@pytest.mark.parametrize(("ndim", "size", "stride"), CASES)
def test_a_strided_convolution_is_its_definition(ndim, size, stride):
    grid, kernel = random_case(ndim, size)
    made = np.array(convolve(grid, kernel, stride))
    for number in range(len(grid)):
        np.testing.assert_allclose(made[number], loop(grid[number], kernel, stride), atol=1e-5)


@pytest.mark.parametrize(("ndim", "size", "stride"), CASES)
def test_layers_load_weights_that_keras_layers_saved(tmp_path, rng, ndim, size, stride):
    inputs = keras.Input((*(SIZE,) * ndim, CHANNELS))
    total = size - stride
    grid = keras.layers.Lambda(lambda grid: wrap(grid, total // 2, total - total // 2))(inputs)
    old = keras.Model(inputs, PLAIN[ndim](FILTERS, size, strides=stride)(grid))
    new = keras.Model(inputs, CONVOLUTION[ndim](FILTERS, size, strides=stride)(inputs))
    old.layers[-1].bias.assign(rng.normal(size=FILTERS))
    old.save_weights(tmp_path / "old.weights.h5")
    new.load_weights(tmp_path / "old.weights.h5")
    grid, _ = random_case(ndim, size)
    np.testing.assert_allclose(new(grid), old(grid), atol=1e-5)
    assert new.output.shape == old.output.shape


def test_the_activation_is_keras_s(rng):
    values = np.append(rng.normal(size=100), [0.0, -0.0, np.inf, -np.inf]).astype("float32")
    expected = keras.layers.LeakyReLU(negative_slope=0.2)(values)
    np.testing.assert_allclose(LeakyReLU(negative_slope=0.2)(values), expected, rtol=1e-6)


def test_the_activation_carries_no_zeros_through_a_second_derivative():
    import tensorflow as tf

    values = tf.constant([1.0, -2.0, 0.0])
    with tf.GradientTape() as outer:
        outer.watch(values)
        with tf.GradientTape() as inner:
            inner.watch(values)
            total = tf.reduce_sum(LeakyReLU(negative_slope=0.2)(values))
        slope = inner.gradient(total, values)
    np.testing.assert_allclose(slope, [1, 0.2, 0.2])
    assert outer.gradient(slope, values) is None


if __name__ == "__main__":
    np.savez(sys.argv[1], **compute(keras.config.backend()))
