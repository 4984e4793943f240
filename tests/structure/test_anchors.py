import dataclasses
import json

import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure import anchors as module
from keras_ruo2.structure import site_tables
from keras_ruo2.structure.anchors import Anchors, find_anchors
from keras_ruo2.structure.site_tables import excluding, table_of
from keras_ruo2.structure.sites import Frame, canonical, find_frames, lay_over
from tests.slabs import NAMES, anchors, motifs

SPECIES = ("Ru", "O")


def test_anchors_come_back_from_json():
    found = anchors()
    again = Anchors.from_dict(json.loads(json.dumps(found.as_dict())))
    for name, value in dataclasses.asdict(found).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(getattr(again, name), value, atol=1e-4)
        else:
            assert getattr(again, name) == value


def test_facets_cells_and_vacuum_are_those_of_the_slabs():
    found = anchors()
    assert sorted(found.facets) == ["(100)", "(101)", "(110)"]
    assert found.vacuum == pytest.approx(12, abs=1e-6)
    assert found.cells_of("(110)") == [
        k for k, t in enumerate(found.describe_cells()) if "110" in t
    ]
    assert found.cells_of("(111)") == []


def test_cells_come_as_often_as_in_the_data_and_none_is_impossible():
    found = anchors()
    assert found.overall.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.chances.sum(axis=0), 1)
    assert found.chances.min() > 0
    (number,) = found.cells_of("(101)")
    assert found.chances[number, NAMES.index("101-O-poor")] > 0.99


def test_cells_without_a_common_vacuum_keep_their_heights():
    found = motifs(["110-O-poor", "110-stoichiometric"])
    lengths = found[0].lengths.copy()
    lengths[2] = found[1].lengths[2]
    found[0] = dataclasses.replace(found[0], lengths=lengths)
    options = {"num_classes": 1, "alpha": 5.0, "rotated": False, "translated": "xy"}
    made = find_anchors(found, [0, 0], [1, 1], **options)
    assert made.vacuum is None
    assert made.heights[0] == pytest.approx(lengths[2])


@pytest.mark.parametrize("name", ["110-O-poor", "110-O-rich", "100-O-rich", "101-stoichiometric"])
def test_a_termination_that_no_slab_has_can_be_made_of_the_sites_of_the_others(name):
    facet = name.split("-")[0]
    kinds = [f"{facet}-{kind}" for kind in ("O-poor", "stoichiometric", "O-rich")]
    (frame,) = find_frames(motifs([kind for kind in kinds if kind != name]))
    table = table_of(frame, SPECIES)
    moved, cost = lay_over(canonical(motifs([name])[0]), frame)
    assert np.isfinite(cost)
    whole = Frame(frame.lengths, frame.centring, table["positions"], table["channels"])
    assert (whole.assign(moved) >= 0).mean() > 0.95  # one atom of (101) may lack its site


def test_every_site_may_be_empty_at_the_faces_only():
    (frame,) = find_frames(motifs(["110-stoichiometric"]))
    table = table_of(frame, SPECIES)
    anion = table["channels"] == 1
    low, high = site_tables.FACE_SHARES
    faces = site_tables.at_faces(frame, table["positions"]) & anion
    assert faces.any() and (table["shares"][faces] <= high).all()
    assert (table["shares"][faces] >= low).all()
    assert (table["shares"][anion & ~faces] > 0.9).all()


def test_sites_too_close_to_hold_atoms_together_exclude_each_other():
    (frame,) = find_frames(motifs(["110-O-poor"]))
    table = table_of(frame, SPECIES)
    first = np.flatnonzero(table["channels"] == 1)[0]
    table["positions"] = np.concatenate([table["positions"], table["positions"][[first]] + 1.2])
    table["channels"] = np.append(table["channels"], 1)
    near = (first, len(table["channels"]) - 1)
    assert near in list(excluding(frame, table, 2.2))


def test_data_distances_are_the_limits():
    found = anchors()
    assert found.shortest[1] == pytest.approx(1.94, abs=0.05)  # Ru-O in rutile
    assert found.farthest == pytest.approx(1.98, abs=0.05)


def test_too_many_sites_are_refused_with_the_number(monkeypatch):
    monkeypatch.setattr(module, "MOST_SITES", 10)
    with pytest.raises(ConfigError, match="have [0-9]+ sites for atoms in a cell, 10 at most"):
        anchors()
