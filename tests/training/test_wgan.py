import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from keras_ruo2.architectures import ARCHITECTURES
from keras_ruo2.models.networks import build_critic, build_generator
from keras_ruo2.training import losses
from keras_ruo2.training.settings import Settings
from keras_ruo2.training.steps.tensorflow import WassersteinGAN

SIZE, LATENT = 4, 8


def tiny(variant="lattice2d", arch="waves", seed=1, **settings):
    """A compiled model of width 2 for grids of 32 voxels."""
    keras.utils.set_random_seed(seed)
    generator = build_generator(variant, arch=arch, latent_size=LATENT, width=2)
    critic = build_critic(variant, arch=arch, width=2)
    lattice = variant.startswith("lattice")
    model = WassersteinGAN(
        generator, critic, Settings(lattice=lattice, critic_steps=2, **settings), seed=seed
    )
    model.compile()
    return model


def data(rng, count=2 * SIZE):
    return {
        "grid": rng.uniform(size=(count, 32, 32, 2)).astype("float32"),
        "lattice": rng.uniform(size=(count, 2)).astype("float32"),
    }


def train(model, batch, steps=1):
    dataset = tf.data.Dataset.from_tensors(batch).repeat()
    return model.fit(dataset, steps_per_epoch=steps, verbose=0, shuffle=False).history


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("variant", ["vanilla2d", "lattice2d"])
def test_one_step_moves_both_networks_and_logs_finite_means(rng, variant, arch):
    model = tiny(variant, arch)
    before = [network.get_weights() for network in (model.generator, model.critic)]
    history = train(model, data(rng))
    assert set(history) == set(model.means)
    assert all(np.isfinite(values).all() for values in history.values())
    assert ("critic_lattice_loss" in history) == (variant == "lattice2d")
    for weights, network in zip(before, (model.generator, model.critic), strict=True):
        moved = [
            not np.array_equal(old, new)
            for old, new in zip(weights, network.get_weights(), strict=True)
        ]
        assert np.mean(moved) > 0.5
    assert int(model.step) == 1


def test_five_critic_updates_see_five_different_batches_and_noises(rng):
    model = tiny()
    model.settings = Settings(lattice=True, critic_steps=5)
    seen, noises = [], []

    def spy(batch):
        seen.append(batch["grid"])
        return type(model).critic_objective(model, batch)

    def noise(size):
        noises.append(type(model).draw_noise(model, size))
        return noises[-1]

    model.critic_objective, model.draw_noise = spy, noise
    batch = data(rng, 5 * SIZE)
    model.run_schedule({name: tf.constant(value) for name, value in batch.items()})
    np.testing.assert_array_equal(np.concatenate(seen), batch["grid"])
    assert len(seen) == 5 and len(noises) == 6  # one more for the generator
    flat = {np.asarray(draw).tobytes() for draw in noises}
    assert len(flat) == 6


def test_the_penalty_of_a_linear_critic_is_analytic(rng):
    """D(x) = w x has the slope w everywhere: the penalty is (|w| - 1)^2."""
    model = tiny("vanilla2d")
    grid = keras.Input((32, 32, 2))
    score = layers.Dense(1)(layers.Flatten()(grid))
    model.critic = keras.Model(grid, {"score": score})
    weight = rng.normal(scale=0.1, size=(2048, 1)).astype("float32")
    model.critic.set_weights([weight, np.zeros(1, "float32")])
    real, fake = data(rng)["grid"][:SIZE], data(rng)["grid"][:SIZE]
    penalty = losses.gradient_penalty(model.slopes(tf.constant(real), tf.constant(fake)))
    assert float(penalty) == pytest.approx((np.linalg.norm(weight) - 1) ** 2, rel=1e-5)


def test_the_losses_are_put_together_as_the_source_says(rng):
    model = tiny(gamma=0.3, penalty_weight=7.0)
    batch = {name: tf.constant(value[:SIZE]) for name, value in data(rng).items()}
    loss, parts = model.critic_objective(batch)
    expected = parts["critic_gap"] + 7 * parts["gradient_penalty"] + parts["critic_lattice_loss"]
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)
    loss, parts = model.generator_objective(SIZE)
    expected = parts["generator_score_loss"] + 0.3 * parts["generator_lattice_loss"]
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize(("choice", "flows"), [("both", True), ("generator", False)])
def test_the_lattice_gradient_flows_through_the_critic_s_reading_if_wished(choice, flows):
    model = tiny(lattice_gradient=choice)
    targets = []
    original = losses.lattice_loss
    losses.lattice_loss = lambda logits, target: targets.append(target) or original(logits, target)
    try:
        kernel = model.generator.trainable_variables[0].value
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            model.generator_objective(SIZE)
            total = ops.sum(targets[0])
    finally:
        losses.lattice_loss = original
    gradient = tape.gradient(total, kernel)
    assert (gradient is not None and bool(np.any(gradient))) == flows


def test_averaged_weights_follow_the_generator(rng):
    model = tiny(average=0.9)
    before = [np.array(weight) for weight in model.averaged.get_weights()]
    train(model, data(rng))
    decay = 1 / 10  # the first step
    pairs = zip(before, model.generator.get_weights(), model.averaged.get_weights(), strict=True)
    for old, new, mean in pairs:
        np.testing.assert_allclose(mean, decay * old + (1 - decay) * new, atol=1e-6)


def test_saved_and_loaded_it_goes_on_as_if_never_stopped(rng, tmp_path):
    """Weights, moments, averages, noise and dropout: kim has dropout in its critic."""
    batch = data(rng)
    whole = tiny(arch="kim")
    train(whole, batch, steps=4)
    first = tiny(arch="kim")
    train(first, batch, steps=2)
    first.save_weights(tmp_path / "a.weights.h5")
    second = tiny(arch="kim", seed=1)
    second.load_weights(tmp_path / "a.weights.h5")
    assert int(second.step) == 2
    train(second, batch, steps=2)
    for one, other in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)  # sums in another order on threads
