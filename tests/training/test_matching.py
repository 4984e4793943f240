import numpy as np
import pytest
import tensorflow as tf

from keras_ruo2.training.losses import feature_matching_loss


def gradient(real, fake):
    fake = tf.convert_to_tensor(fake)
    with tf.GradientTape() as tape:
        tape.watch(fake)
        loss = feature_matching_loss(real, fake)
    return tape.gradient(loss, fake).numpy()


def test_the_loss_is_that_of_means_and_standard_deviations(rng):
    real = rng.normal(1.0, 2.0, (16, 3, 5)).astype("float32")
    fake = rng.normal(size=(24, 3, 5)).astype("float32")
    means = real.mean(axis=0) - fake.mean(axis=0)
    deviations = real.std(axis=0) - fake.std(axis=0)
    expected = (means**2 + deviations**2).mean()
    assert float(feature_matching_loss(real, fake)) == pytest.approx(expected, rel=1e-5)


def test_the_order_of_a_batch_does_not_matter(rng):
    features = rng.normal(size=(8, 6)).astype("float32")
    assert float(feature_matching_loss(features, features[::-1])) == pytest.approx(0, abs=1e-10)


def test_a_batch_that_does_not_vary_has_a_finite_gradient(rng):
    real = rng.normal(size=(8, 6)).astype("float32")
    slope = gradient(real, np.ones((8, 6), "float32"))
    # Only the means can pull: 2 (m_fake - m_real) / (features * batch).
    expected = np.broadcast_to(2 * (1 - real.mean(axis=0)) / 48, (8, 6))
    np.testing.assert_allclose(slope, expected, atol=1e-6)


def test_the_gradient_leads_to_equal_statistics(rng):
    real = rng.normal(2.0, 0.5, (32, 4)).astype("float32")
    fake = rng.normal(size=(32, 4)).astype("float32")
    for _ in range(200):
        fake = fake - 16 * gradient(real, fake)
    np.testing.assert_allclose(fake.mean(axis=0), real.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(fake.std(axis=0), real.std(axis=0), atol=1e-3)
