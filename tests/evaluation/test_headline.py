"""The headline of an evaluation: five bad generators and two good ones, slices and whole grids."""

import keras
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from keras_ruo2.data.description import HELD_OUT, TRAINING, load_description
from keras_ruo2.data.pipeline import read_sample
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.evaluation.headline import BAD, GOOD, PARTLY, UNKNOWN, headline
from keras_ruo2.evaluation.report import alarm_list
from keras_ruo2.evaluation.validity import validity_scores
from keras_ruo2.metrics.measure import measure
from keras_ruo2.models.networks import build_generator
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.slabs import build_slab

COUNT = 200


def smooth(grids, width):
    return gaussian_filter(grids, (0, *[width] * (grids.ndim - 2), 0), mode="wrap")


def untrained(real):
    keras.utils.set_random_seed(1)
    generator = build_generator("vanilla2d", latent_size=32)
    noise = np.random.default_rng(0).normal(size=(len(real), 32)).astype("float32")
    return keras.ops.convert_to_numpy(generator(noise, training=False)["grid"])


def noise_like(real):
    """Noise as a generator draws it: no finer than atoms, with the mean and contrast of grids."""
    made = smooth(np.random.default_rng(1).normal(size=real.shape), 1.0)
    return np.clip(made / made.std() * real.std() + real.mean(), 0, 1).astype("float32")


def rolled(real):
    rng = np.random.default_rng(2)
    return np.stack([np.roll(grid, rng.integers(32), axis=0) for grid in real])


GENERATORS = {
    "noise": (lambda real: np.random.default_rng(0).random(real.shape).astype("float32"), BAD),
    "smooth noise": (noise_like, BAD),
    "untrained": (untrained, BAD),
    "blurred": (lambda real: smooth(real, 0.8), BAD),
    "one image": (lambda real: rolled(np.repeat(real[:1], len(real), axis=0)), BAD),
    "real": (lambda real: real, GOOD),
    "real, translated": (rolled, GOOD),
}


@pytest.fixture(scope="module")
def grids(records):
    description, found = load_description(records), []
    for split in (TRAINING, HELD_OUT):
        sample = read_sample(records, description, split, 10**6, seed=0)
        order = np.random.default_rng(0).permutation(len(sample["grid"]))
        found.append({name: values[order] for name, values in sample.items()})
    return found


def judged(made, training, held_out, **known):
    rest = {name: values[COUNT:] for name, values in training.items()}
    few = {name: values[:48] for name, values in held_out.items()}
    metrics = measure({"grid": made}, rest, few, compared=8, replicates=5).metrics
    return metrics | {"headline": headline(metrics | known, 15)}


@pytest.mark.parametrize("name", GENERATORS)
def test_good_and_bad_generators_are_told_apart(name, grids):
    make, expected = GENERATORS[name]
    metrics = judged(make(grids[0]["grid"][:COUNT]), *grids)
    found = metrics["headline"]
    assert found["verdict"] == expected, found["text"]
    shown = alarm_list(metrics)
    assert found["text"] in shown.replace("&#x27;", "'")
    assert ("No sign of collapse" in shown) == (expected == GOOD)


def scores(precision=0.9, recall=0.9, spectrum=1.0, **others):
    pairs = {"precision": precision, "recall": recall}
    return {
        "neighbours": {n: {"value": v, "floor": 0.9, "ratio": v / 0.9} for n, v in pairs.items()},
        "distances": {"spectra": {"value": spectrum, "floor": 1.0, "ratio": spectrum}},
    } | others


def test_every_question_can_spoil_the_verdict():
    assert headline(scores())["verdict"] == GOOD
    for wrong in ({"precision": 0.1}, {"recall": 0.004}, {"spectrum": 9.0}):
        assert headline(scores(**wrong))["verdict"] == BAD
    assert headline(scores(precision=0.6))["verdict"] == PARTLY
    assert headline(scores(alarms=["Stripes: ..."]))["verdict"] == BAD
    assert headline(scores(alarms=["Class 6: Collapse: ..."]))["verdict"] == PARTLY
    invalid = {"generated": 0.0, "real": 0.9, "compared": 24}
    found = headline(scores(validity=invalid))
    assert found["verdict"] == BAD and "valid slab" in found["text"]
    found = headline(scores(precision=0.1, recall=0.004))
    assert "Most samples lie where no real grid is; most of what real grids" in found["text"]
    assert "Precision 0.10 (real halves 0.90)" in found["text"]


def test_without_neighbours_nothing_is_called_good():
    found = headline({"distances": scores()["distances"]})
    assert found["verdict"] == UNKNOWN and "too few" in found["text"]


def test_few_held_out_structures_are_called_no_yardstick():
    (told,) = headline(scores(), 2)["remarks"]
    assert told.startswith("2 held-out structures are no yardstick")
    assert headline(scores(), 5)["remarks"] == []


def test_samples_learned_by_heart_are_not_called_like_real_data():
    found = headline(scores(overfitting={"similar_share": 1.0}), 9)
    assert found["verdict"] == PARTLY and "Learned by heart" in found["remarks"][0]


def test_validity_counts_samples_that_map_back_to_slabs():
    slab = build_slab("110-stoichiometric", a=4.5, c=3.1, vacuum=8).repeat((2, 1, 1))
    real = np.stack([voxelise(slab, (16, 16, 32), alpha=5.0)] * 2)
    lattice = np.tile(slab.cell.lengths(), (2, 1))
    known = {"alpha": 5.0, "species": SPECIES}
    blurred = {"grid": smooth(real, 1.5), "lattice": lattice}
    found = validity_scores(blurred, {"grid": real, "lattice": lattice}, **known)
    assert found["real"] == 1 and found["generated"] == 0 and found["compared"] == 2
    assert found["reasons"]
