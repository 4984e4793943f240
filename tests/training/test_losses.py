import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ruo2.training import losses


@pytest.fixture
def scores(rng):
    return rng.normal(size=(2, 16, 1)).astype("float32")


def test_the_critic_s_loss_is_fake_minus_real(scores):
    real, fake = scores
    assert float(losses.critic_loss(real, fake)) == pytest.approx(
        fake.mean() - real.mean(), abs=1e-6
    )


def test_the_generator_s_loss_is_minus_the_score(scores):
    assert float(losses.generator_loss(scores[0])) == pytest.approx(-scores[0].mean(), abs=1e-6)


def test_the_penalty_is_over_all_dimensions_of_a_sample(rng):
    slopes = rng.normal(size=(8, 4, 4, 2)).astype("float32")
    norms = np.sqrt((slopes.reshape(8, -1) ** 2).sum(axis=1))
    assert float(losses.gradient_penalty(slopes)) == pytest.approx(
        ((norms - 1) ** 2).mean(), rel=1e-5
    )


def test_the_penalty_has_a_finite_gradient_at_zero_slope():
    slopes = tf.zeros((3, 4, 4, 2))
    with tf.GradientTape() as tape:
        tape.watch(slopes)
        penalty = losses.gradient_penalty(slopes)
    assert np.isfinite(tape.gradient(penalty, slopes)).all()
    assert float(penalty) == pytest.approx(1, abs=1e-5)


def test_the_lattice_loss_is_the_sigmoid_cross_entropy(rng):
    logits = rng.normal(scale=3, size=(16, 2))
    targets = rng.uniform(size=(16, 2))
    chance = 1 / (1 + np.exp(-logits))
    expected = -(targets * np.log(chance) + (1 - targets) * np.log(1 - chance)).mean()
    loss = losses.lattice_loss(logits.astype("float32"), targets.astype("float32"))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_the_lattice_loss_equals_tensorflow_s_and_flows_to_both_arguments(rng):
    logits, targets = tf.random.stateless_normal((2, 8, 3), seed=(0, 1))
    with tf.GradientTape() as tape:
        tape.watch([logits, targets])
        loss = losses.lattice_loss(logits, targets)
    expected = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(targets, logits))
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    to_logits, to_targets = tape.gradient(loss, [logits, targets])
    np.testing.assert_allclose(to_targets, -logits / 24, atol=1e-6)
    np.testing.assert_allclose(to_logits, (ops.sigmoid(logits) - targets) / 24, atol=1e-6)


def test_large_logits_stay_finite():
    loss = losses.lattice_loss(np.float32([[500.0, -500.0]]), np.float32([[1.0, 0.0]]))
    assert float(loss) == pytest.approx(0, abs=1e-6)
