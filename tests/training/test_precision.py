import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ruo2.models.networks import build_critic, build_generator
from keras_ruo2.training.settings import Settings
from keras_ruo2.training.steps.tensorflow import WassersteinGAN


@pytest.fixture
def half_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(("arch", "options"), [("waves", {}), ("kim", {"minibatch_kernels": 4})])
def test_mixed_bfloat16_trains_with_weights_and_losses_in_float32(
    half_precision, rng, arch, options
):
    common = {"arch": arch, "width": 2, "num_voxels": 8, "label_size": 4}
    generator = build_generator("joint2d", latent_size=8, **common)
    critic = build_critic("joint2d", **common, **options)
    settings = Settings(
        lattice=True, labelled=True, critic_steps=1, average=0.9, feature_matching=1.0
    )
    model = WassersteinGAN(generator, critic, settings, seed=1)
    model.compile()
    batch = {
        "grid": rng.uniform(size=(4, 8, 8, 2)).astype("float32"),
        "lattice": rng.uniform(size=(4, 2)).astype("float32"),
        "label": np.arange(4, dtype="int32"),
    }
    assert any(layer.compute_dtype == "bfloat16" for layer in critic.layers)
    tensors = {name: tf.constant(value) for name, value in batch.items()}
    for objective in (model.critic_objective, model.generator_objective):
        loss, parts = objective(tensors)
        assert {value.dtype for value in (loss, *parts.values())} == {tf.float32}
    history = model.fit(
        tf.data.Dataset.from_tensors(batch).repeat(),
        steps_per_epoch=2,
        verbose=0,
        shuffle=False,
    ).history
    assert all(np.isfinite(values).all() for values in history.values())
    floats = [weight for weight in model.weights if "float" in weight.dtype]
    assert {weight.dtype for weight in floats} == {"float32"}
    assert all(np.isfinite(weight.numpy()).all() for weight in floats)
