"""Every metric must catch what it claims to: a table of generators that fail in known ways."""

import numpy as np
import pytest

from experiments.benchmarks.controls import bad_generators
from keras_ruo2.data.description import HELD_OUT, TRAINING, load_description
from keras_ruo2.data.pipeline import read_sample
from keras_ruo2.metrics.measure import measure

COUNT = 256

# For each generator alarms that must be raised (none where none is listed), and claims.
TABLE = {
    "copies": ({"Collapse"}, ["imprecise or repetitive", "far"]),
    "few": ({"Repeats"}, ["imprecise or repetitive"]),
    "lateral stripes": ({"Stripes"}, ["imprecise or repetitive", "far"]),
    "vertical stripes": ({"Stripes", "Collapse"}, ["imprecise or repetitive", "far"]),
    "training images": (set(), ["learned by heart"]),
    "noise": ({"Noise", "Bright background"}, ["imprecise or repetitive", "far"]),
    "noisy": ({"Noise"}, ["imprecise or repetitive", "far"]),
    "bright": ({"Bright background"}, ["imprecise or repetitive", "far"]),
    "species apart": (set(), ["imprecise or repetitive"]),
    "dead": ({"Dead output"}, ["imprecise or repetitive", "far"]),
}
CLAIMS = {
    "imprecise or repetitive": lambda metrics: (
        min(metrics["neighbours"][name]["ratio"] for name in ("density", "coverage")) < 0.7
    ),
    "far": lambda metrics: (
        max(metrics["distances"][name]["low"] for name in ("images", "spectra")) > 3
    ),
    "learned by heart": lambda metrics: metrics["overfitting"]["similar_share"] > 0.99,
}


@pytest.fixture(scope="module")
def grids(records):
    """Training records in random order, and held-out ones."""
    description = load_description(records)
    found = []
    for split in (TRAINING, HELD_OUT):
        sample = read_sample(records, description, split, 10**6, seed=0)
        order = np.random.default_rng(0).permutation(len(sample["grid"]))
        found.append({name: values[order] for name, values in sample.items()})
    return found


def measured(generated, grids):
    training, held_out = grids
    rest = {name: values[COUNT:] for name, values in training.items()}
    few = {name: values[:64] for name, values in held_out.items()}
    return measure({"grid": generated}, rest, few, compared=24, replicates=20).metrics


@pytest.mark.parametrize("name", TABLE)
def test_bad_generators_are_caught(grids, name):
    training = grids[0]["grid"]
    bad = bad_generators(training[:COUNT], training[COUNT:])
    assert set(bad) == set(TABLE)
    metrics = measured(bad[name], grids)
    expected, claims = TABLE[name]
    raised = {alarm.partition(":")[0] for alarm in metrics["alarms"]}
    assert raised >= expected and bool(raised) == bool(expected)
    for claim in claims:
        assert CLAIMS[claim](metrics), f"{name} is not seen to be {claim}"


def test_another_draw_of_real_grids_is_found_good(grids):
    metrics = measured(grids[0]["grid"][:COUNT], grids)
    assert metrics["alarms"] == [] and metrics["notes"] == []
    for score in metrics["neighbours"].values():
        assert score["ratio"] > 0.8
    for score in metrics["distances"].values():
        assert score["low"] < 1.3
