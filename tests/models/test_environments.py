import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from ase.neighborlist import neighbor_list

from keras_ruo2.models.environments import (
    RADII,
    REACH,
    WIDE_RADII,
    WIDE_WIDTH,
    WIDTH,
    build_environment_critic,
    describe_environments,
    distance_misfits,
    find_neighbours,
    num_features,
)
from keras_ruo2.structure.anchors import farthest_of, shortest_of
from tests.slabs import batch_of, motifs

SPECIES = ("Ru", "O")


def look(found, size=24):
    slabs = batch_of(found, size)
    return find_neighbours(slabs["places"], slabs["weights"], slabs["cell"])


def features(found, size=24):
    return np.array(describe_environments(*look(found, size)))


def test_neighbours_are_those_of_a_neighbour_list():
    (motif,) = motifs(["110-stoichiometric"])
    apart, weights = (np.array(value) for value in look([motif]))
    distance = np.linalg.norm(apart[0], axis=-1)
    first, second, expected = neighbor_list("ijd", motif.to_atoms(SPECIES), 3.5)
    for atom in range(len(motif)):
        for channel in range(2):
            near = (weights[0, atom, :, channel] > 0.5) & (distance[atom] < 3.5)
            mine = expected[(first == atom) & (motif.channels[second] == channel)]
            np.testing.assert_allclose(np.sort(distance[atom][near]), np.sort(mine), atol=1e-4)


def test_environments_do_not_know_where_a_slab_is_or_how_it_is_turned(rng):
    (motif,) = motifs(["101-O-poor"])
    turned = np.stack([motif.lengths[1] - motif.positions[:, 1], motif.positions[:, 0]], axis=1)
    other = dataclasses.replace(
        motif,
        lengths=motif.lengths[[1, 0, 2]],
        positions=np.column_stack([turned, motif.positions[:, 2]]) + rng.uniform(0, 9, size=3),
    )
    count = len(motif)
    np.testing.assert_allclose(
        features([motif])[0, :count], features([other])[0, :count], atol=2e-3
    )


def test_environments_are_the_sums_of_their_definition():
    """Sum up, neighbour by neighbour, what the first atom sees."""
    (motif,) = motifs(["101-O-rich"])
    apart, weights = (np.array(value)[0, 0] for value in look([motif]))
    thin = np.zeros((2, len(RADII)))
    vectors, tensors = np.zeros((2, 4, 3)), np.zeros((2, 4, 3, 3))
    for vector, kind in zip(apart, weights, strict=True):
        distance = np.linalg.norm(vector)
        if not kind.any() or distance >= REACH:
            continue
        near = 0.5 * (1 + np.cos(np.pi * distance / REACH))
        unit, channel = vector / distance, kind.argmax()
        thin[channel] += near * np.exp(-0.5 * ((distance - np.array(RADII)) / WIDTH) ** 2)
        for number, radius in enumerate(WIDE_RADII):
            share = near * np.exp(-0.5 * ((distance - radius) / WIDE_WIDTH) ** 2)
            vectors[channel, number] += share * unit
            tensors[channel, number] += share * np.outer(unit, unit)
    lopsided = np.sqrt((vectors**2).sum(axis=-1))
    aligned = np.sqrt((tensors**2).sum(axis=(-2, -1)))
    expected = np.concatenate([thin, lopsided, aligned], axis=1).ravel()
    np.testing.assert_allclose(features([motif])[0, 0], expected, atol=2e-3)
    assert expected.max() > 0.5


def test_a_tenth_of_an_angstrom_is_seen():
    (motif,) = motifs(["110-stoichiometric"])
    positions = motif.positions.copy()
    positions[-1, 2] += 0.1
    moved = dataclasses.replace(motif, positions=positions)
    change = np.linalg.norm(features([motif]) - features([moved]), axis=-1)[0]
    assert change[len(motif) - 1] > 0.1


def test_fewer_centres_are_the_first_ones():
    slabs = batch_of(motifs(["100-O-rich"]), 20)
    values = [slabs[name] for name in ("places", "weights", "cell")]
    some = np.array(describe_environments(*find_neighbours(*values, 5)))
    every = np.array(describe_environments(*find_neighbours(*values)))
    np.testing.assert_allclose(some, every[:, :5], atol=1e-5)


def penalties(found, size=24, **limits):
    slabs = batch_of(found, size)
    known = {
        "shortest": np.min([shortest_of(motif) for motif in found], axis=0) - 1e-3,
        "farthest": max(farthest_of(motif) for motif in found) + 1e-3,
    }
    around = find_neighbours(slabs["places"], slabs["weights"], slabs["cell"])
    return np.array(distance_misfits(*around, slabs["weights"], **known | limits))


def test_slabs_of_the_data_have_no_misfit_and_others_have():
    found = motifs(["110-stoichiometric", "100-O-rich"])
    np.testing.assert_allclose(penalties(found), 0, atol=1e-8)
    assert (penalties(found, shortest=np.array([2.0, 2.2, 2.0])) > 0.01).all()
    assert (penalties(found, farthest=1.5) > 0.01).all()


def test_close_atoms_are_moved_but_not_taken_away():
    slabs = batch_of(motifs(["110-stoichiometric"]), 20)
    places, weights = tf.constant(slabs["places"]), tf.constant(slabs["weights"])
    with tf.GradientTape() as tape:
        tape.watch([places, weights])
        around = find_neighbours(places, weights, slabs["cell"])
        loss = tf.reduce_sum(distance_misfits(*around, weights, np.array([2.0, 2.2, 2.0]), 9.0))
    of_places, of_weights = tape.gradient(loss, [places, weights], unconnected_gradients="zero")
    assert np.abs(of_places).max() > 0
    assert np.abs(of_weights).max() == 0


@pytest.mark.parametrize("num_classes", [0, 10])
def test_the_critic_scores_every_atom(num_classes):
    critic = build_environment_critic(num_classes)
    slabs = batch_of(motifs(["100-O-rich", "110-O-poor"]), 20)
    seen = np.zeros((2, 20, num_features()), "float32")
    inputs = [seen, slabs["weights"]]
    made = critic([*inputs, np.array([1, 2], "int32")] if num_classes else inputs)
    assert made["score"].shape == made["energy"].shape == (2, 20)
