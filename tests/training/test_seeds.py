"""Every draw of every step has a seed of its own, and the same one whenever it is made again."""

import itertools

import keras
import numpy as np
import pytest

from keras_ruo2.models.networks import build_critic
from keras_ruo2.training.seeds import DRAWS_PER_STEP, STEPS, StepSeeds


@pytest.fixture
def step():
    return keras.Variable(0, dtype="int32", trainable=False)


def seeds_of(step, number, count, seed=100, replica=0):
    step.assign(number)
    source = StepSeeds(seed, step, lambda: replica)
    source.begin()
    return [tuple(np.array(source.next()).tolist()) for _ in range(count)]


def test_a_step_made_again_draws_the_same(step):
    assert seeds_of(step, 7, 5) == seeds_of(step, 7, 5)


def test_no_two_draws_share_a_seed(step):
    drawn = [seeds_of(step, number, 10, replica=k) for number in (0, 1, 2) for k in (0, 1)]
    flat = list(itertools.chain.from_iterable(drawn))
    assert len(set(flat)) == len(flat) == 60


def test_numbers_stay_within_31_bits(step):
    for number in (0, STEPS - 1, STEPS, 3 * STEPS + 5):
        draws = [draw for _, draw in seeds_of(step, number, DRAWS_PER_STEP - 1)]
        assert 0 < min(draws) <= max(draws) < 2**31


def test_beginning_a_step_again_repeats_its_draws(step):
    source = StepSeeds(1, step, lambda: 0)
    first = [np.array(keras.random.normal((3,), seed=source)) for _ in range(2)]
    source.begin()
    again = [np.array(keras.random.normal((3,), seed=source)) for _ in range(2)]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])


def test_dropout_draws_from_the_step(step, rng):
    critic = build_critic("vanilla2d", arch="kim", width=2, num_voxels=16)
    source = StepSeeds(1, step, lambda: 0)
    source.serve(critic)
    grid = rng.uniform(size=(2, 16, 16, 2)).astype("float32")
    scores = []
    for number in (0, 1, 0):
        step.assign(number)
        source.begin()
        scores.append(np.array(critic(grid, training=True)["score"]))
    np.testing.assert_array_equal(scores[0], scores[2])
    assert not np.array_equal(scores[0], scores[1])
