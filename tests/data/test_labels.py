import dataclasses

import numpy as np
import pytest

from keras_ruo2.data.description import TRAINING, load_description
from keras_ruo2.data.labels import class_counts, class_names, class_numbers, draw_classes
from keras_ruo2.data.reader import Records


def test_energy_classes_are_those_of_the_records(small_records):
    description = load_description(small_records)
    batch = Records(small_records, description, TRAINING).read(range(description.counts[TRAINING]))
    counts = class_counts(description, "energy")
    labels = class_numbers(batch, description, "energy")
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(np.bincount(labels, minlength=4), counts)
    names = class_names(description, "energy")
    low, high = (float(part) for part in names[1].split(" eV")[0].split(" to "))
    inside = batch["energy"][labels == 1]
    assert ((inside >= low - 1e-3) & (inside <= high + 1e-3)).all()


def test_chemical_potentials_make_classes_too(small_records):
    description = load_description(small_records)
    batch = Records(small_records, description, TRAINING).read(range(description.counts[TRAINING]))
    labels = class_numbers(batch, description, "dmu_o")
    np.testing.assert_array_equal(np.bincount(labels), class_counts(description, "dmu_o"))
    np.testing.assert_allclose(batch["dmu_o"], np.array([-0.5, 0.0])[labels])


def test_without_either_there_are_no_classes(small_records):
    bare = dataclasses.replace(
        load_description(small_records), label_counts=(), dmu_o_counts=(), class_edges=()
    )
    for label_by in ("energy", "dmu_o"):
        assert class_counts(bare, label_by) == class_names(bare, label_by) == ()


@pytest.mark.parametrize("size", [7, 100])
def test_drawn_classes_have_the_proportions_of_the_data(rng, size):
    counts = (10, 0, 25, 5)
    drawn = np.bincount(draw_classes(counts, size, rng), minlength=4)
    expected = size * np.array(counts) / 40
    assert np.abs(drawn - expected).max() < 1
    assert drawn[1] == 0
