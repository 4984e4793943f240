import pytest

from keras_ruo2.data.order import phases
from keras_ruo2.errors import ConfigError


def test_a_batch_that_does_not_grow_is_one_phase():
    assert phases(64, 5, 0, 0) == ((0, 320),)


def test_the_batch_doubles_at_equal_intervals():
    assert phases(32, 2, 100, 256) == ((0, 64), (100, 128), (200, 256), (300, 512))


def test_the_batch_never_exceeds_its_limit():
    assert phases(48, 1, 10, 100) == ((0, 48), (10, 96))
    assert phases(48, 1, 10, 48) == ((0, 48),)


@pytest.mark.parametrize(
    "numbers, message",
    [
        ((0, 5, 0, 0), "--batch_size is 0. Expected at least 1"),
        ((64, 0, 0, 0), "--critic_steps is 0"),
        ((64, 5, -1, 0), "--grow_every is -1"),
        ((64, 5, 10, 32), "--grow_until is 32. Expected at least 64"),
    ],
)
def test_impossible_plans_are_refused(numbers, message):
    with pytest.raises(ConfigError, match=message):
        phases(*numbers)
