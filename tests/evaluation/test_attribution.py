from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_ruo2.evaluation.attribution import (
    box_mask,
    critic_outputs,
    grad_cam,
    halves,
    occlusion,
    stretch,
)
from keras_ruo2.models.networks import build_critic
from keras_ruo2.training.evaluator import predict
from keras_ruo2.training.steps.tensorflow import WassersteinGAN


def model_of(variant, num_voxels=8):
    """What the functions need of a model, with a small critic."""
    keras.utils.set_random_seed(0)
    critic = build_critic(variant, width=2, num_voxels=num_voxels, num_classes=3, label_size=4)
    return SimpleNamespace(
        critic=critic, input_gradients=partial(WassersteinGAN.input_gradients, None)
    )


def summing(weights):
    """A critic whose score is a weighted sum of the grid."""

    def critic(grids, training):
        return {"score": (grids * weights).sum(axis=(1, 2, 3))[:, None]}

    return SimpleNamespace(critic=critic)


@pytest.mark.parametrize("variant", ["joint2d", "lattice3d"])
def test_maps_have_the_shape_of_the_grid_and_are_zero_for_an_empty_one(variant, rng):
    model = model_of(variant)
    shape = (8, 8, 2) if variant.endswith("2d") else (8, 8, 8, 2)
    grids = np.stack([np.zeros(shape), rng.random(shape)]).astype("float32")
    labels = np.array([0, 2], "int32") if variant == "joint2d" else None
    for maps in (grad_cam(model, grids, labels), occlusion(model, grids, labels, stride=4)):
        assert maps.shape == grids.shape[:-1]
        np.testing.assert_allclose(maps[0], 0, atol=1e-6)
        assert np.abs(maps[1]).max() > 1e-4


def test_both_halves_of_a_critic_are_the_critic(rng):
    model = model_of("joint2d")
    grids, labels = rng.random((3, 8, 8, 2)).astype("float32"), np.array([0, 1, 2], "int32")
    seen, score = halves(model.critic)
    whole = predict(model.critic, grids, labels)["score"]
    np.testing.assert_allclose(score(seen([grids, labels])), whole, atol=1e-5)
    np.testing.assert_allclose(critic_outputs(model, grids, labels)["score"], whole[:, 0])


def test_gradients_of_a_linear_head_weight_the_features():
    """Without a non-linear layer behind the map, its mean gradient is its mean kernel."""
    model = model_of("vanilla2d", 16)
    grids = np.random.default_rng(0).random((2, 16, 16, 2)).astype("float32")
    seen, _ = halves(model.critic)
    added = np.asarray(seen(grids)) - np.asarray(seen(np.zeros_like(grids)))
    kernel = model.critic.get_layer("score").get_weights()[0].reshape(added.shape[1:])
    expected = (added * kernel.mean(axis=(0, 1))).sum(axis=-1)
    found = grad_cam(model, grids)
    np.testing.assert_allclose(found, stretch(expected, (16, 16)), atol=1e-5)


@pytest.mark.parametrize("stride", [2, 4])
def test_occlusion_is_what_a_box_adds_to_the_score(rng, stride):
    weights = np.zeros((16, 16, 1))
    weights[4:8, 8:12] = 1
    grids = np.ones((1, 16, 16, 2), "float32")
    found = occlusion(summing(weights), grids, box=4, stride=stride)[0]
    peak = np.argwhere(found > 0.99 * found.max()).mean(axis=0)
    np.testing.assert_allclose(peak, [5.5, 9.5], atol=0.51)
    assert found[12:, :4].max() == 0


def test_a_box_is_periodic():
    mask = box_mask((8, 8, 8), (0, 4, 7), 4)
    assert mask.sum() == 64
    np.testing.assert_array_equal(np.flatnonzero(mask.any(axis=(1, 2))), [0, 1, 6, 7])
    np.testing.assert_array_equal(np.flatnonzero(mask.any(axis=(0, 2))), [2, 3, 4, 5])
