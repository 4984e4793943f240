import numpy as np
import pytest

from keras_ruo2.data.order import Order, deal_to_replicas
from keras_ruo2.errors import ConfigError


def test_an_epoch_repeats_no_record_and_leaves_out_the_remainder():
    order = Order(100, 7, ((0, 30),))
    for epoch in range(3):
        seen = np.concatenate([order.indices(3 * epoch + k) for k in range(3)])
        assert len(set(seen.tolist())) == 90 and seen.min() >= 0 and seen.max() < 100


def test_every_record_is_seen_in_the_long_run():
    order = Order(100, 7, ((0, 30),))
    assert len(set(np.concatenate([order.indices(step) for step in range(30)]).tolist())) == 100


def test_the_order_is_that_of_numpy_s_generator():
    order = Order(50, 3, ((0, 20), (5, 25)))
    for step, phase, epoch, part in (
        (0, 0, 0, slice(20)),
        (4, 0, 2, slice(20)),
        (5, 1, 0, slice(25)),
        (8, 1, 1, slice(25, 50)),
    ):
        expected = np.random.default_rng([3, phase, epoch]).permutation(50)[part]
        np.testing.assert_array_equal(order.indices(step), expected)


def test_a_step_depends_on_seed_and_number_alone():
    phases = ((0, 30), (10, 45), (20, 100))
    order, jumping = Order(100, 7, phases), Order(100, 7, phases)
    whole = [order.indices(step) for step in range(30)]
    for step in (29, 3, 12, 3, 0, 25):
        np.testing.assert_array_equal(jumping.indices(step), whole[step])
    assert not np.array_equal(Order(100, 8, phases).indices(0), whole[0])
    assert not np.array_equal(whole[0], whole[3])  # the next epoch


def test_steps_grow_with_the_phases():
    order = Order(100, 7, ((0, 30), (10, 45), (20, 100)))
    for step, size in ((0, 30), (9, 30), (10, 45), (19, 45), (20, 100), (1000, 100)):
        assert order.samples(step) == len(order.indices(step)) == size


@pytest.mark.parametrize("phases", [(), ((1, 5),), ((0, 5), (0, 6)), ((0, 5), (9, 6), (3, 7))])
def test_phases_out_of_order_are_refused(phases):
    with pytest.raises(ConfigError, match="Expected 0, then ascending"):
        Order(10, 0, phases)


@pytest.mark.parametrize("size", [0, 11])
def test_a_step_that_no_epoch_can_fill_is_refused(size):
    with pytest.raises(ConfigError, match=f"takes {size} records of 10"):
        Order(10, 0, ((0, size),))


@pytest.mark.parametrize(("critic_steps", "replicas"), [(1, 2), (2, 2), (5, 4), (3, 1)])
def test_replicas_see_together_what_one_device_sees(critic_steps, replicas):
    size = 3  # samples of one replica in one critic update
    indices = np.random.default_rng(0).permutation(critic_steps * replicas * size)
    shares = np.split(deal_to_replicas(indices, critic_steps, replicas), replicas)
    parts = [np.split(share, critic_steps) for share in shares]
    for k, expected in enumerate(np.split(indices, critic_steps)):
        together = np.concatenate([parts[replica][k] for replica in range(replicas)])
        np.testing.assert_array_equal(np.sort(together), np.sort(expected))


def test_one_replica_changes_nothing():
    np.testing.assert_array_equal(deal_to_replicas(np.arange(7), 2, 1), np.arange(7))


def test_a_step_that_cannot_be_shared_is_refused():
    with pytest.raises(ConfigError, match="12 samples cannot be shared by 3 devices and 5 critic"):
        deal_to_replicas(np.arange(12), 5, 3)
