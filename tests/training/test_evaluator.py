import numpy as np
import pytest

from keras_ruo2.training.evaluator import Evaluator, spectrum


class Perfect:
    """A model that returns the held-out records themselves and reads their lengths exactly."""

    def __init__(self, held_out):
        self.held_out = held_out

    def averaged(self, noise, training):
        return self.outputs(len(noise))

    def critic(self, grids, training):
        return self.outputs(len(grids))

    def outputs(self, count):
        scaled = self.held_out["lattice"][:count] / 30
        logits = np.log(scaled / (1 - scaled))
        return {"grid": self.held_out["grid"][:count], "lattice": logits}


@pytest.fixture
def samples(rng):
    return [
        {
            "grid": rng.uniform(size=(40, 8, 8, 2)).astype("float32"),
            "lattice": rng.uniform(15, 25, size=(40, 2)).astype("float32"),
        }
        for _ in range(2)
    ]


def test_a_perfect_model_scores_perfectly(samples, rng):
    held_out, training = samples
    noise = rng.normal(size=(40, 4))
    evaluator = Evaluator(held_out, training, noise, lambda scaled: 30 * scaled, lattice=True)
    scores = evaluator(Perfect(held_out))
    assert list(scores) == evaluator.names
    assert scores["held_out_ratio"] == pytest.approx(0, abs=1e-6)
    assert scores["lattice_error"] == pytest.approx(0, abs=1e-4)
    assert scores["lattice_disagreement"] == pytest.approx(0, abs=1e-4)
    typical = training["lattice"].mean(axis=0)
    trivial = np.abs(held_out["lattice"] - typical).mean()
    assert scores["lattice_error_trivial"] == pytest.approx(trivial, rel=1e-5)


def test_a_model_that_returns_training_records_has_ratio_one(samples, rng):
    held_out, training = samples
    noise = rng.normal(size=(40, 4))
    evaluator = Evaluator(held_out, training, noise, lambda scaled: 30 * scaled, lattice=False)
    scores = evaluator(Perfect(training))
    assert scores["held_out_ratio"] == pytest.approx(1)
    assert scores["held_out_spectrum_ratio"] == pytest.approx(1)


def test_few_held_out_structures_give_no_ratio(samples, rng):
    held_out, training = samples
    noise = rng.normal(size=(40, 4))
    evaluator = Evaluator(held_out, training, noise, None, lattice=False, yardstick=False)
    scores = evaluator(Perfect(training))
    assert list(scores) == evaluator.names
    assert scores["held_out_distance"] > 0
    assert not [name for name in scores if name.startswith("held_out") and "ratio" in name]


def test_translations_leave_the_spectrum(rng):
    grids = rng.uniform(size=(3, 8, 8, 2))
    moved = np.roll(grids, (3, 5), axis=(1, 2))
    np.testing.assert_allclose(spectrum(moved), spectrum(grids), atol=1e-9)
