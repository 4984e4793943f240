import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ruo2.errors import ConfigError
from keras_ruo2.training.rates import SCHEDULES, Rate, ramp


def rates(rate, steps):
    return np.array([float(rate(step)) for step in steps])


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_starts_whole_and_never_rises(name):
    values = rates(Rate(0.5, name, num_steps=20), range(25))
    assert values[0] == pytest.approx(0.5)
    assert (np.diff(values) <= 1e-7).all()


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_schedules_that_fall_are_at_half_half_way_and_end_at_zero(name):
    values = rates(Rate(2.0, name, num_steps=10), [5, 10, 1000])
    np.testing.assert_allclose(values, [1, 0, 0], atol=1e-6)


def test_a_constant_rate_is_constant():
    np.testing.assert_allclose(rates(Rate(1e-3), [0, 1, 10**7]), 1e-3, rtol=1e-6)


def test_the_warm_up_rises_evenly_and_the_schedule_takes_the_rest():
    values = rates(Rate(1.0, "linear", num_steps=12, warmup=4), [0, 1, 2, 3, 4, 8, 12])
    np.testing.assert_allclose(values, [0.25, 0.5, 0.75, 1, 1, 0.5, 0], atol=1e-6)


def test_a_warm_up_may_last_the_whole_run():
    values = rates(Rate(1.0, "linear", num_steps=4, warmup=4), range(4))
    np.testing.assert_allclose(values, [0.25, 0.5, 0.75, 1], atol=1e-6)


def test_a_rate_survives_saving_within_its_optimiser():
    rate = Rate(1e-3, "cosine", num_steps=50, warmup=5)
    optimiser = keras.optimizers.Adam(rate)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimiser))
    np.testing.assert_allclose(rates(copy._learning_rate, range(60)), rates(rate, range(60)))


def test_an_optimiser_follows_its_rate_in_a_graph():
    weight = keras.Variable([0.0])
    optimiser = keras.optimizers.SGD(Rate(1.0, "linear", num_steps=4))
    optimiser.build([weight])
    update = tf.function(lambda: optimiser.apply([tf.constant([-1.0])], [weight]))
    for _ in range(6):
        update()
    assert float(weight[0]) == pytest.approx(1 + 0.75 + 0.5 + 0.25, abs=1e-6)


@pytest.mark.parametrize("kind", [int, tf.constant])
def test_a_ramp_moves_evenly_and_stays(kind):
    values = [float(ramp(kind(step), 0.1, 2.1, 10)) for step in (-5, 0, 5, 10, 99)]
    np.testing.assert_allclose(values, [0.1, 0.1, 1.1, 2.1, 2.1], atol=1e-6)


def test_a_ramp_without_steps_is_at_its_end():
    assert float(ramp(0, 0.1, 2.1, 0)) == pytest.approx(2.1)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"schedule": "cosin"}, "Unknown schedule 'cosin'.*Did you mean 'cosine'"),
        ({"num_steps": 0}, "--num_steps is 0"),
        ({"num_steps": 5, "warmup": 6}, "--warmup is 6. Expected 0 to 5"),
    ],
)
def test_impossible_rates_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        Rate(1e-3, **options)
