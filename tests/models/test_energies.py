import numpy as np
import pytest

from keras_ruo2.models.energies import FEWEST, EnergyReader, slab_features
from tests.slabs import batch_of, motifs


def test_energies_that_are_linear_in_the_surroundings_are_read(rng):
    features = rng.normal(size=(200, 6))
    energies = features @ [0.3, -0.2, 0, 0, 0.1, 0] - 7
    energies[::9] = np.nan
    reader = EnergyReader.fit(features, energies)
    known = np.isfinite(energies)
    assert reader(features[known]) == pytest.approx(energies[known], abs=0.05)
    assert 0 < reader.error < 0.05
    again = EnergyReader.from_dict(reader.as_dict())
    np.testing.assert_array_equal(again(features), reader(features))


def test_errors_are_those_of_slabs_that_are_left_out(rng):
    features, energies = rng.normal(size=(30, 12)), rng.normal(size=30)
    reader = EnergyReader.fit(features, energies)
    errors = []
    for number in range(30):
        kept = np.arange(30) != number
        errors.append(EnergyReader.fit(features[kept], energies[kept])(features[number]))
    errors = np.array(errors) - energies
    assert reader.error == pytest.approx(np.sqrt(np.mean(errors**2)), rel=0.1)


def test_there_is_none_of_too_few_slabs():
    energies = np.full(FEWEST + 3, np.nan)
    energies[: FEWEST - 1] = 1.0
    assert EnergyReader.fit(np.ones((FEWEST + 3, 4)), energies) is None


def test_features_are_those_of_the_slab_wherever_it_lies_and_however_it_is_repeated():
    slab = motifs()[0]
    arrays = batch_of([slab], len(slab) + 3)
    alone = slab_features(arrays)
    moved = {**arrays, "places": arrays["places"] + np.array([0.7, 1.1, 0.4], "float32")}
    np.testing.assert_allclose(slab_features(moved), alone, atol=2e-4)
    count = arrays["weights"].sum()
    assert alone[0, -2:] == pytest.approx(arrays["weights"].sum(axis=(0, 1)) / count)
    far = np.array([slab.lengths[0], 0, 0], "float32")
    twice = {
        "places": np.concatenate([arrays["places"], arrays["places"] + far], axis=1),
        "weights": np.concatenate([arrays["weights"]] * 2, axis=1),
        "cell": arrays["cell"] * np.array([2, 1, 1], "float32"),
    }
    np.testing.assert_allclose(slab_features(twice), alone, atol=2e-3)
