"""The layer that moves atoms to where their neighbours let them rest."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ruo2.models.settle import FARTHEST, Settle
from tests.slabs import anchors

TURN = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], "float32")


@pytest.fixture(scope="module")
def found():
    return anchors()


def parts(found, cell=0):
    """Return a choice, places, lengths and occupancy: every site of a cell holds an atom."""
    frame = found.cells[cell, 0]
    choice = np.eye(len(found.cells), dtype="float32")[[cell]]
    lengths = np.array([[*found.lengths[frame], 40.0]], "float32")
    occupancy = (found.channels[frame] >= 0).astype("float32")[None]
    return choice, found.positions[frame].astype("float32")[None], lengths, occupancy


def wild(found, rng, **options):
    """Return a layer whose weights are as large as trained ones."""
    layer = Settle(found, **options)
    layer(*parts(found))
    for weight in layer.trainable_variables:
        weight.assign(rng.normal(size=weight.shape) * np.prod(weight.shape[:-1]) ** -0.5)
    return layer


@pytest.mark.parametrize("cell", [0, 1])
def test_displacements_turn_with_the_slab(found, rng, cell):
    layer = wild(found, rng)
    choice, places, lengths, occupancy = parts(found, cell)
    moved = np.array(layer(choice, places, lengths, occupancy)) - places
    turned = np.array(layer(choice, places @ TURN, lengths[:, [1, 0, 2]], occupancy))
    there = occupancy[0] == 1
    assert np.abs(moved[0, there]).max() > 0.01
    np.testing.assert_allclose(
        (turned - places @ TURN)[0, there], (moved @ TURN)[0, there], atol=2e-4
    )


def test_displacements_follow_from_what_stands_within_reach(found, rng):
    layer = wild(found, rng, rounds=2)
    choice, places, lengths, occupancy = parts(found)
    anions = np.flatnonzero(found.channels[found.cells[0, 0]] == 1)
    top = anions[np.argmax(places[0, anions, 2])]
    without = occupancy.copy()
    without[0, top] = 0
    change = np.array(layer(choice, places, lengths, without)) - np.array(
        layer(choice, places, lengths, occupancy)
    )
    apart = places[0] - places[0, top]
    apart[:, :2] -= lengths[0, :2] * np.round(apart[:, :2] / lengths[0, :2])
    far = (np.linalg.norm(apart, axis=1) > 8.5) & (occupancy[0] == 1)
    near = (np.linalg.norm(apart, axis=1) < 2.5) & (without[0] == 1)
    assert np.abs(change[0, near]).max() > 1e-3
    assert np.abs(change[0, far]).max(initial=0) < 1e-5


def test_no_atom_is_moved_far(found, rng):
    layer = wild(found, rng)
    layer.coefficients[0][-1].kernel.assign(1e3 * layer.coefficients[0][-1].kernel)
    choice, places, lengths, occupancy = parts(found)
    moved = np.array(layer(choice, places, lengths, occupancy)) - places
    assert np.abs(moved[0, occupancy[0] == 1]).max() <= layer.rounds * FARTHEST + 1e-5


def test_it_learns_where_atoms_rest(found, rng):
    layer = Settle(found)
    choice, places, lengths, occupancy = parts(found)
    layer(choice, places, lengths, occupancy)
    z = places[..., 2:] - places[..., 2:].mean()
    wanted = places + np.concatenate([0 * places[..., :2], 0.02 * z], axis=-1)  # expanded
    optimizer, errors = keras.optimizers.Adam(3e-3), []
    for _ in range(60):
        with tf.GradientTape() as tape:
            apart = (layer(choice, places, lengths, occupancy) - wanted) * occupancy[..., None]
            error = tf.reduce_mean(tf.square(apart))
        errors.append(float(error))
        optimizer.apply(tape.gradient(error, layer.trainable_variables), layer.trainable_variables)
    assert errors[-1] < 0.3 * errors[0]


def test_it_is_saved_and_loaded(found, rng):
    layer = wild(found, rng)
    again = Settle.from_config(layer.get_config())
    again(*parts(found))
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(*parts(found)), layer(*parts(found)))
