"""What a generator draws when it is asked for something."""

import shutil

import numpy as np
import pytest
from scipy.stats import spearmanr

import keras_ruo2 as kr
from keras_ruo2.config import GenerateConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.draw import draw_request, load_generator
from keras_ruo2.generation.request import Request, near
from keras_ruo2.generation.sieve import choose_candidates, within_range
from keras_ruo2.models.energies import slab_features
from keras_ruo2.structure.bonds import is_metal
from keras_ruo2.structure.equivalent import KnownSlabs, SlabKeys
from keras_ruo2.training.slabs import load_anchors, load_energy_reader, load_known


@pytest.fixture(scope="module")
def bundled():
    return kr.load("joint3d")


def faces_of(atoms):
    """Return the numbers of O above and below the middle of the metal."""
    z = atoms.positions[:, 2]
    middle = z[is_metal(atoms)].mean()
    anions = z[~is_metal(atoms)] - middle
    return (anions > 0.3).sum(), (anions < -0.3).sum()


def test_equal_faces_hold_as_many_atoms_and_different_ones_often_do_not(bundled):
    equal = [faces_of(atoms) for atoms in bundled.sample(30, seed=3, faces="equal")]
    assert all(upper == lower for upper, lower in equal)
    free = [faces_of(atoms) for atoms in bundled.sample(30, seed=3, faces="different")]
    assert sum(upper != lower for upper, lower in free) > 5


def test_distinct_slabs_come_once(bundled):
    asked = {"facet": "100", "energy": "low", "seed": 1}
    found = bundled.sample(40, distinct=True, **asked)
    others = bundled.sample(40, **asked)

    def formulas_and_heights(slabs):
        return {(str(atoms.symbols), *np.sort(atoms.positions[:, 2]).round(1)) for atoms in slabs}

    assert len(formulas_and_heights(found)) == len(found)
    assert len(formulas_and_heights(others)) < len(others)


def test_new_slabs_occupy_the_sites_of_no_training_slab(bundled):
    anchors, known = load_anchors(bundled.folder), load_known(bundled.folder)
    key_of = SlabKeys(anchors)

    def keys(**asked):
        found = draw_request(Request(bundled.folder, 60, seed=4, **asked), bundled.settings).made
        there = found["weights"][:, : anchors.num_sites].any(axis=2)
        return [key_of(int(c.argmax()), t) for c, t in zip(found["choice"], there, strict=True)]

    new = keys(novel=True)
    assert len(new) == 60 and not known.keys.intersection(new)
    assert len(set(new)) < 60  # the same one may come twice
    assert len(known.keys.intersection(keys())) > 5
    both = keys(novel=True, distinct=True)
    assert len(set(both)) == 60 and not known.keys.intersection(both)


def test_where_every_slab_is_a_training_slab_the_error_says_so(bundled, monkeypatch):
    monkeypatch.setattr("keras_ruo2.structure.equivalent.SlabKeys.__call__", lambda *a: "one")
    monkeypatch.setattr(
        "keras_ruo2.generation.sieve.load_known", lambda run: KnownSlabs(frozenset(["one"]))
    )
    with pytest.raises(ConfigError, match="60 slabs drawn occupies .* --variety=4"):
        draw_request(Request(bundled.folder, 2, novel=True), bundled.settings)


def test_the_number_of_anions_is_that_asked_for(bundled):
    found = bundled.sample(8, oxygen=(1.6, 1.9), seed=2)
    ratios = [(~is_metal(atoms)).sum() / is_metal(atoms).sum() for atoms in found]
    assert len(found) == 8 and 1.6 <= min(ratios) and max(ratios) <= 1.9
    assert within_range(np.ones((2, 4, 2), bool), None).all()


def test_an_energy_asks_for_the_classes_near_it(bundled):
    edges = bundled.settings["data"]["class_edges"]
    energy = (edges[1] + edges[2]) / 2
    labels = [atoms.info["label"] for atoms in bundled.sample(60, energy=energy, seed=0)]
    assert np.bincount(labels, minlength=10).argmax() == 1
    assert set(labels) <= {0, 1, 2, 3} and len(set(labels)) > 1


def test_classes_without_slabs_are_never_near():
    weights = near(0.5, [0, 4, 1], [0, 1, 2, 3])
    assert weights[0] == 0 and weights[1] == 1 and 0 < weights[2] < 0.3


def test_the_first_candidate_in_its_class_is_taken_or_the_nearest_to_it():
    edges = np.array([0.0, 1.0, 2.0])
    energies = np.array([[1.5, 0.2, 0.6], [0.1, 0.7, 2.6]])
    assert choose_candidates(energies, np.array([0, 1]), edges).tolist() == [1, 1]
    assert choose_candidates(energies, np.array([0, 1]), edges, energy=0.5).tolist() == [2, 1]


def test_of_the_candidates_in_its_class_the_calmest_is_taken():
    edges = np.array([0.0, 1.0, 2.0])
    energies = np.array([[1.5, 0.2, 0.6], [0.1, 0.7, 2.6]])
    unrest = np.array([[0.0, 2.0, 1.0], [0.0, 2.0, 1.0]])
    assert choose_candidates(energies, np.array([0, 1]), edges, unrest=unrest).tolist() == [2, 1]


def test_candidates_make_energies_follow_the_class(bundled):
    read, sites = load_energy_reader(bundled.folder), load_anchors(bundled.folder).num_sites

    def obeyed(candidates):
        request = Request(bundled.folder, 40, seed=5, variety=2.0, candidates=candidates)
        drawn = draw_request(request, bundled.settings)
        assert drawn.tried == 40 * candidates
        return spearmanr(drawn.labels, read(slab_features(drawn.made, sites)))[0]

    assert obeyed(6) > max(0.8, obeyed(1))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"energy": -1.0}, "the training slabs have"),
        ({"energy": -7.0, "label": 2}, "exclude each other"),
        ({"oxygen": "5,6"}, "O for each Ru. Give a range that overlaps"),
        ({"oxygen": "2,1"}, "must not exceed"),
        ({"faces": "both"}, "Unknown faces .both."),
        ({"interpolate": 4, "distinct": True}, "exclude each other"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_line(flags, message, tmp_path, bundled):
    from keras_ruo2.generation.batch import check_request

    with pytest.raises(ConfigError, match=message) as error:
        config = GenerateConfig(run=bundled.folder, out=tmp_path / "s.npz", **flags)
        check_request(config)
    assert "\n" not in str(error.value)


def test_fewer_slabs_are_written_than_asked_for_where_no_more_differ(tmp_path, capsys, bundled):
    from keras_ruo2.generation.batch import main as generate

    flags = {"cell": 0, "oxygen": "2,2", "faces": "equal", "distinct": True, "count": 60}
    generate(GenerateConfig(run=bundled.folder, out=tmp_path / "s.npz", shown=1, **flags))
    count = len(np.load(tmp_path / "s.npz")["grid"])
    assert count < 60
    assert f"slabs were drawn, {count} of them are as asked for." in capsys.readouterr().out


def test_a_run_without_the_checkpoint_that_is_asked_for_is_refused(bundled, tmp_path):
    with pytest.raises(ConfigError, match="has no best checkpoint. Train it first"):
        load_generator(tmp_path, bundled.settings, "best")


def test_a_run_that_lost_its_sites_is_named(bundled, tmp_path):
    from keras_ruo2.generation.batch import check_request

    run = tmp_path / "run"
    shutil.copytree(bundled.folder, run, ignore=shutil.ignore_patterns("anchors.json"))
    config = GenerateConfig(run=run, out=tmp_path / "s.npz", facet=110)
    with pytest.raises(ConfigError, match="lacks anchors.json. Restore it"):
        check_request(config)
