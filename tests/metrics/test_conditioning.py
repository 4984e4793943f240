import numpy as np
import pytest

from keras_ruo2.metrics.conditioning import (
    conditioning_scores,
    count_pairs,
    mutual_information,
    train_classifier,
)
from keras_ruo2.metrics.floors import TooFewSamples

NUM_CLASSES = 4


def blobs(rng, count, spread=0.3):
    """Vectors around a centre for each class, and the classes."""
    labels = rng.integers(NUM_CLASSES, size=count)
    return 2 * np.eye(NUM_CLASSES, 6)[labels] + rng.normal(scale=spread, size=(count, 6)), labels


def test_information_is_that_of_the_table():
    labels = np.arange(80) % NUM_CLASSES
    assert mutual_information(count_pairs(labels, labels, NUM_CLASSES)) == pytest.approx(2)
    both = np.array([[1, 1], [1, 1]])
    assert mutual_information(both) == pytest.approx(0)
    # H(1/4) of a coin that is read wrongly once in four times: 1 - 0.8113 bits
    assert mutual_information(np.array([[3, 1], [1, 3]])) == pytest.approx(1 - 0.811278, abs=1e-5)


def test_a_classifier_finds_what_is_apart_and_offsets_do_not_matter(rng):
    vectors, labels = blobs(rng, 400)
    new, known = blobs(rng, 200)
    found = train_classifier(vectors, labels, NUM_CLASSES)
    assert np.mean(found.predict(new) == known) > 0.97
    moved = train_classifier(10 * vectors + 3, labels, NUM_CLASSES)
    np.testing.assert_array_equal(moved.predict(10 * new + 3), found.predict(new))


def test_a_class_that_is_heard_or_not_is_told_apart(rng):
    real, held_out = blobs(rng, 600), blobs(rng, 300)
    made, asked = blobs(rng, 300)
    heard = conditioning_scores(made, asked, *real, *held_out, num_classes=NUM_CLASSES)
    assert heard["share"] == pytest.approx(1, abs=0.1)
    assert heard["generated"]["information"] > heard["generated"]["null_95"]
    assert heard["generated"]["accuracy"] > 0.97 > 0.3 > heard["generated"]["chance"]
    deaf = conditioning_scores(
        made, rng.permutation(asked), *real, *held_out, num_classes=NUM_CLASSES
    )
    assert abs(deaf["share"]) < 0.05 and abs(deaf["generated"]["correlation"]) < 0.2
    assert np.sum(deaf["generated"]["confusion"]) == 300


def test_too_few_samples_are_said(rng):
    real = blobs(rng, 100)
    with pytest.raises(TooFewSamples, match="5 generated and 100 held-out samples"):
        conditioning_scores(*blobs(rng, 5), *real, *real, num_classes=NUM_CLASSES)
    one = (real[0], np.zeros(100, dtype=int))
    with pytest.raises(TooFewSamples, match="of 1 classes"):
        conditioning_scores(*real, *real, *one, num_classes=NUM_CLASSES)
