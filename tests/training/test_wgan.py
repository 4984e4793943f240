import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from keras_ruo2.models.architectures import ARCHITECTURES
from keras_ruo2.models.environments import build_environment_critic
from keras_ruo2.models.networks import build_critic, build_generator
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.training import losses
from keras_ruo2.training.settings import Settings
from keras_ruo2.training.steps.tensorflow import WassersteinGAN
from tests.slabs import LATENT, anchors, batch_of, bounds, motifs, resting_batch

SIZE, VOXELS = 4, 8


def tiny(variant="lattice2d", arch="waves", seed=1, voxels=VOXELS, eager=True, **settings):
    """A compiled model of width 2 for small grids; few steps are made sooner than traced."""
    keras.utils.set_random_seed(seed)
    common = {"arch": arch, "width": 2, "num_voxels": voxels}
    row, of_atoms, extra = VARIANTS[variant], {}, {}
    if arch == "atoms":
        of_atoms = {"anchors": anchors(), "bounds": bounds(row.ndim)}
        extra["environment_critic"] = build_environment_critic(10 if row.label else 0)
        settings = FOR_ATOMS | settings
    size = LATENT if of_atoms else 8
    generator = build_generator(variant, latent_size=size, **common, **of_atoms)
    critic = build_critic(variant, **common)
    needed = {"lattice": row.lattice, "labelled": row.label is not None, "critic_steps": 2}
    model = WassersteinGAN(generator, critic, Settings(**needed | settings), seed=seed, **extra)
    model.compile(run_eagerly=eager)
    return model


def data(rng, count=2 * SIZE, variant="lattice2d", voxels=VOXELS, arch="waves"):
    row = VARIANTS[variant]
    batch = {"grid": rng.uniform(size=(count, *(voxels,) * row.ndim, 2)).astype("float32")}
    if row.lattice:
        batch["lattice"] = rng.uniform(size=(count, row.ndim)).astype("float32")
    if row.label:
        batch["label"] = rng.integers(10, size=count).astype("int32")
    if arch == "atoms":
        found = motifs()
        found = [found[k % len(found)] for k in range(count)]
        batch |= batch_of(found, 24) | resting_batch(found, anchors())
        batch["energy"] = rng.normal(size=count).astype("float32")
    return batch


def tensors(batch):
    return {name: tf.constant(value) for name, value in batch.items()}


def train(model, batch, steps=1):
    dataset = tf.data.Dataset.from_tensors(batch).repeat()
    return model.fit(dataset, steps_per_epoch=steps, verbose=0, shuffle=False).history


# Every variant as it is by default, and the other architectures with everything in them.
KINDS = [(name, "waves") for name in VARIANTS]
KINDS += [("joint2d", arch) for arch in ARCHITECTURES if arch != "waves"]
KINDS += [("joint3d", "atoms"), ("vanilla3d", "atoms")]
FOR_ATOMS = {
    "environment_weight": 1.0,
    "energy_weight": 1.0,
    "misfit_weight": 1.0,
    "rest_weight": 1.0,
}


@pytest.mark.parametrize(("variant", "arch"), KINDS)
def test_one_step_moves_both_networks_and_logs_finite_means(rng, variant, arch):
    row = VARIANTS[variant]
    voxels = 32 if arch == "thesis" else VOXELS
    model = tiny(variant, arch, voxels=voxels, critic_steps=1)
    networks = [model.generator, model.critic]
    networks += [model.environment_critic] if model.environments else []
    before = [[np.array(weight) for weight in n.trainable_variables] for n in networks]
    history = train(model, data(rng, SIZE, variant, voxels, arch))
    assert set(history) == set(model.means)
    assert all(np.isfinite(values).all() for values in history.values())
    assert ("critic_lattice_loss" in history) == row.lattice
    for old, network in zip(before, networks, strict=True):
        still = [
            weight.path
            for start, weight in zip(old, network.trainable_variables, strict=True)
            if np.array_equal(start, weight)
        ]
        # the score's bias cancels in every difference of scores
        assert [path for path in still if not path.endswith(("score/bias", "strains"))] == []
    assert int(model.step) == 1


def test_a_step_in_a_graph_is_that_made_eagerly(rng):
    """`fit` traces the step; Adam may turn gradients of nearly nothing round, so losses compare."""
    batch = data(rng, SIZE, "joint2d")
    graph, eager = (tiny("joint2d", eager=eager, critic_steps=1) for eager in (False, True))
    one, other = train(graph, batch), train(eager, batch)
    for name in one:
        assert one[name] == pytest.approx(other[name], abs=1e-4), name


def test_five_critic_updates_see_five_different_batches_and_noises(rng):
    model = tiny(critic_steps=5)
    seen, noises = [], []

    def spy(batch, made):
        seen.append(batch["grid"])
        return type(model).critic_objective(model, batch, made)

    def noise(size):
        noises.append(type(model).draw_noise(model, size))
        return noises[-1]

    model.critic_objective, model.draw_noise = spy, noise
    batch = data(rng, 5 * SIZE)
    model.run_schedule(tensors(batch))
    np.testing.assert_array_equal(np.concatenate(seen), batch["grid"])
    assert len(seen) == 5 and len(noises) == 6  # one more for the generator
    flat = {np.asarray(draw).tobytes() for draw in noises}
    assert len(flat) == 6


def test_the_penalty_of_a_linear_critic_is_analytic(rng):
    """D(x) = w x has the slope w everywhere: the penalty is (|w| - 1)^2."""
    model = tiny("vanilla2d")
    grid = keras.Input((VOXELS, VOXELS, 2))
    score = layers.Dense(1)(layers.Flatten()(grid))
    model.critic = keras.Model(grid, {"score": score})
    weight = rng.normal(scale=0.1, size=(2 * VOXELS**2, 1)).astype("float32")
    model.critic.set_weights([weight, np.zeros(1, "float32")])
    real, fake = data(rng)["grid"][:SIZE], data(rng)["grid"][:SIZE]
    penalty = losses.gradient_penalty(model.gradients(tf.constant(real), tf.constant(fake)))
    assert float(penalty) == pytest.approx((np.linalg.norm(weight) - 1) ** 2, rel=1e-5)


def test_the_losses_are_put_together_as_the_source_says(rng):
    model = tiny(gamma=0.3, penalty_weight=7.0)
    batch = tensors(data(rng, SIZE))
    loss, parts = model.critic_objective(batch)
    expected = parts["critic_gap"] + 7 * parts["gradient_penalty"] + parts["critic_lattice_loss"]
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)
    loss, parts = model.generator_objective(batch)
    expected = parts["generator_score_loss"] + 0.3 * parts["generator_lattice_loss"]
    assert float(loss) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize(("choice", "flows"), [("both", True), ("generator", False)])
def test_the_lattice_gradient_flows_through_the_critic_s_reading_if_wished(rng, choice, flows):
    model, batch = tiny(lattice_gradient=choice), tensors(data(rng, SIZE))
    targets = []
    original = losses.lattice_loss
    losses.lattice_loss = lambda logits, target: targets.append(target) or original(logits, target)
    try:
        kernel = model.generator.trainable_variables[0].value
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            model.generator_objective(batch)
            total = ops.sum(targets[0])
    finally:
        losses.lattice_loss = original
    gradient = tape.gradient(total, kernel)
    assert (gradient is not None and bool(np.any(gradient))) == flows


def test_gamma_changes_along_its_schedule(rng):
    model = tiny(gamma=0.1, gamma_end=0.5, gamma_steps=4)
    for step, expected in ((0, 0.1), (2, 0.3), (4, 0.5), (9, 0.5)):
        model.step.assign(step)
        assert float(model.gamma()) == pytest.approx(expected)


def test_the_critic_is_told_the_class_of_real_and_generated_grids(rng):
    """The same grids told other classes have another loss."""
    model, batch = tiny("joint2d"), data(rng, SIZE, "joint2d")
    losses_of = []
    for label in (batch["label"], (batch["label"] + 5) % 10):
        model.seeds.begin()
        loss, _ = model.critic_objective(tensors(batch | {"label": label}))
        losses_of.append(float(loss))
    assert abs(losses_of[0] - losses_of[1]) > 1e-4


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
