"""The parts of a training step that every backend must agree on.

Run as a script, this file computes them on the backend of `KERAS_BACKEND` and saves them.
"""

import os
import sys

import numpy as np
import pytest

WEIGHTS_SEED = 1
NUM_CALLS = 3


def make_critic():
    """Return a small critic of every layer that was written here, with known weights."""
    import keras

    from keras_ruo2.models.minibatch import MinibatchDiscrimination
    from keras_ruo2.models.periodic import CONVOLUTION

    critic = keras.Sequential(
        [
            keras.Input((4, 4, 4, 2)),
            CONVOLUTION[3](3, 2, strides=2),
            keras.layers.LeakyReLU(negative_slope=0.2),
            keras.layers.Flatten(),
            keras.layers.Dense(4),
            MinibatchDiscrimination(3, 2),
            keras.layers.Dense(1),
        ]
    )
    rng = np.random.default_rng(WEIGHTS_SEED)
    for weight in critic.trainable_variables:
        fan_in = max(1, np.prod(weight.shape[:-1]))
        weight.assign(rng.normal(scale=fan_in**-0.5, size=weight.shape).astype("float32"))
    return critic


def objective(critic, grid, input_gradients):
    """Return a loss with a gradient penalty, matched features and a wanted property."""
    from keras import ops

    from keras_ruo2.training.losses import feature_matching_loss, gradient_penalty
    from keras_ruo2.training.properties import PROPERTIES, range_penalty

    slopes = input_gradients(lambda values: critic(values, training=True), grid)
    loss = ops.mean(critic(grid, training=True)) + gradient_penalty(slopes)
    features = critic.layers[0](grid, training=True)
    loss += feature_matching_loss(features[:3], features[3:])
    return loss + sum(range_penalty(row.function(grid), 2, 3) for row in PROPERTIES.values())


def on_tensorflow(critic, grid):
    import tensorflow as tf

    def input_gradients(function, values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            scores = function(values)
        return tape.gradient(scores, values)

    @tf.function
    def step(grid):
        weights = [weight.value for weight in critic.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(grid)
            loss = objective(critic, grid, input_gradients)
        return loss, tape.gradient(loss, [grid, *weights])

    for _ in range(NUM_CALLS):
        loss, gradients = step(tf.constant(grid))
    return loss, gradients


def on_jax(critic, grid):
    import jax
    import keras

    def input_gradients(function, values):
        return jax.grad(lambda values: function(values).sum())(values)

    def loss_of(grid, weights, state):
        variables = [*critic.trainable_variables, *critic.non_trainable_variables]
        mapping = list(zip(variables, [*weights, *state], strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            loss = objective(critic, grid, input_gradients)
        return loss, [scope.get_current_value(v) for v in critic.non_trainable_variables]

    step = jax.jit(jax.value_and_grad(loss_of, argnums=(0, 1), has_aux=True))
    weights = [weight.value for weight in critic.trainable_variables]
    state = [weight.value for weight in critic.non_trainable_variables]
    for _ in range(NUM_CALLS):
        (loss, state), (to_grid, to_weights) = step(grid, weights, state)
    for variable, value in zip(critic.non_trainable_variables, state, strict=True):
        variable.assign(value)
    return loss, [to_grid, *to_weights]


def on_torch(critic, grid):
    import torch

    def input_gradients(function, values):
        return torch.autograd.grad(function(values).sum(), values, create_graph=True)[0]

    grid = torch.tensor(grid, requires_grad=True)
    weights = [weight.value for weight in critic.trainable_variables]
    for _ in range(NUM_CALLS):
        loss = objective(critic, grid, input_gradients)
        gradients = torch.autograd.grad(loss, [grid, *weights])
    return loss.detach(), gradients


def augmented(grid):
    """Return grids that were moved and mirrored."""
    import keras

    from keras_ruo2.training.augmentation import AUGMENTATIONS, augment

    return augment(grid, AUGMENTATIONS, keras.random.SeedGenerator(0))


def rates():
    """Return learning rates and ramps."""
    from keras_ruo2.training.rates import SCHEDULES, Rate, ramp

    values = [
        float(Rate(1e-3, name, 10, 2)(step)) for name in sorted(SCHEDULES) for step in range(12)
    ]
    return np.array([*values, *(float(ramp(step, 0.1, 1.0, 4)) for step in range(6))])


def compute(backend):
    """Return what is compared, a dict of arrays."""
    from keras import ops

    grid = np.random.default_rng(0).uniform(size=(6, 4, 4, 4, 2)).astype("float32")
    critic = make_critic()
    run = {"tensorflow": on_tensorflow, "jax": on_jax, "torch": on_torch}[backend]
    loss, gradients = run(critic, grid)
    arrays = [loss, *gradients, *critic.non_trainable_variables]
    found = {f"{number:02d}": ops.convert_to_numpy(value) for number, value in enumerate(arrays)}
    moved = ops.convert_to_numpy(augmented(ops.convert_to_tensor(grid)))
    assert (moved != grid).any()  # each backend has its own random numbers
    return {**found, "voxels": np.sort(moved.ravel()), "rates": rates()}


@pytest.fixture(scope="module")
def on_this_backend():
    return compute("tensorflow")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree_on_second_derivatives(backend, on_this_backend, on_backend):
    found = on_backend(backend, __file__)
    assert set(found) == set(on_this_backend)
    for name, expected in on_this_backend.items():
        scale = max(1, np.abs(expected).max())
        np.testing.assert_allclose(found[name], expected, atol=1e-5 * scale, err_msg=name)


def test_every_weight_takes_part(on_this_backend):
    for name in map("{:02d}".format, range(8)):
        assert np.abs(on_this_backend[name]).max() > 1e-3


if __name__ == "__main__":
    np.savez(sys.argv[1], **compute(os.environ["KERAS_BACKEND"]))
