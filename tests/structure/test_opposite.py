import numpy as np
import pytest

from keras_ruo2.structure.opposite import missing_opposites, opposite_sites, upper_sites
from keras_ruo2.structure.site_tables import opposite_faces
from keras_ruo2.structure.sites import find_frames, vectors
from tests.slabs import anchors, motifs


@pytest.mark.parametrize("facet", ["110", "100", "101", "001", "111"])
def test_a_slab_cut_from_the_crystal_turned_over_lies_on_itself(facet):
    (frame,) = find_frames(motifs([f"{facet}-stoichiometric"]))
    known = frame.positions, frame.channels, frame.lengths, frame.centring
    places, partners = opposite_sites(*known)
    assert (partners >= 0).all()
    assert sorted(partners.tolist()) == list(range(len(partners)))
    assert (frame.channels == frame.channels[partners]).all()
    np.testing.assert_allclose(places[:, 2], -frame.positions[:, 2], atol=1e-6)
    np.testing.assert_allclose(places[:, 2], frame.positions[partners, 2], atol=0.2)
    upper = upper_sites(*known)
    lower = frame.positions[:, 2] < -0.3
    assert (frame.positions[upper[lower & (frame.channels == 1)], 2] > 0.3).all()
    assert (upper[~lower] == np.flatnonzero(~lower)).all()


def test_a_site_of_one_face_only_gets_its_opposite():
    (frame,) = find_frames(motifs(["110-stoichiometric"]))
    anions = np.flatnonzero(frame.channels == 1)
    kept = np.arange(len(frame.channels)) != anions[frame.positions[anions, 2].argmax()]
    positions, channels = frame.positions[kept], frame.channels[kept]
    (place,) = missing_opposites(positions, channels, frame.lengths, frame.centring)
    off = vectors(place[None], frame.positions[~kept], frame.lengths)
    np.testing.assert_allclose(off, 0, atol=0.2)


def test_what_is_no_slab_of_two_faces_has_no_opposites():
    (frame,) = find_frames(motifs(["110-stoichiometric"]))
    positions = frame.positions.copy()
    metal = np.flatnonzero(frame.channels == 0)
    positions[metal[positions[metal, 2].argmax()], 0] += 1.1
    plane = frame.lengths, frame.centring
    assert opposite_sites(positions, frame.channels, *plane) == (None, None)
    assert upper_sites(positions, frame.channels, *plane) is None
    assert missing_opposites(positions, frame.channels, *plane).shape == (0, 3)


def test_the_share_of_slabs_with_equal_faces_is_that_of_the_data():
    upper = np.array([0, 1, 2, 1, 0])  # sites 3 and 4 of the lower face are opposite to 1 and 0
    occupied = [{0, 1, 2, 3, 4}, {0, 2, 4}, {0, 2, 3, 4}, {2}]
    assert opposite_faces(upper, occupied, 5)["equal"] == 0.75
    assert opposite_faces(None, occupied, 5)["equal"] == 0


def test_anchors_of_slabs_with_equal_faces_know_their_opposites():
    found = anchors()
    every = list(range(len(found.cells)))
    assert found.with_equal_faces(every) == every
    assert (found.upper != np.arange(found.num_sites)).any(axis=1).all()
