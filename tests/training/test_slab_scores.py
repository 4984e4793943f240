import numpy as np
import pytest

from keras_ruo2.structure.occupied import anchor_frames, occupied_sites
from keras_ruo2.training.slab_scores import SlabScores
from tests.slabs import anchors, motifs


@pytest.fixture(scope="module")
def found():
    return anchors()


def made_of(slabs, found):
    """Return slabs as a generator gives them: their sites, moved by the offsets."""
    frames = [found.cells[slab.cell, 0] for slab in slabs]
    places = np.array([found.positions[f] + s.offsets for f, s in zip(frames, slabs, strict=True)])
    kinds = np.stack([found.channels == 0, found.channels == 1], axis=-1)
    weights = np.array(
        [s.occupancy[:, None] * kinds[f] for f, s in zip(frames, slabs, strict=True)]
    )
    cells = np.array([[*found.lengths[frame], 40.0] for frame in frames])
    places[..., 2] += 20
    if found.centred.any():
        half = np.array([0.5, 0.5, 0])
        twice = found.centred[frames][:, None, None]
        places = np.concatenate([places, places + half * cells[:, None]], axis=1)
        weights = np.concatenate([weights, weights * twice], axis=1)
    choice = np.eye(len(found.cells))[[slab.cell for slab in slabs]]
    return {"places": places, "weights": weights, "cell": cells, "choice": choice}


def test_valid_different_and_new_slabs_are_counted(found):
    slabs = [occupied_sites(motif, found, anchor_frames(found)) for motif in motifs()]
    scores = SlabScores(found, slabs[:2] + [None], ("Ru", "O"))
    shares = scores(made_of([*slabs[:4], slabs[3]], found))
    assert scores.text == ""
    assert list(shares) == list(scores.names)
    assert list(shares.values()) == [1.0, 4 / 5, 2 / 5]
    assert set(scores.by_facet) <= set(found.facets) and set(scores.by_facet.values()) == {1.0}


def test_what_speaks_against_slabs_is_named(found):
    slab = occupied_sites(motifs()[0], found, anchor_frames(found))
    made = made_of([slab, slab], found)
    made["weights"][1, :, 1] = 0  # no oxygen
    scores = SlabScores(found, [], ("Ru", "O"))
    assert scores(made)["slabs_valid"] == 0.5
    assert "1" in scores.text and scores.reasons


def test_slabs_of_another_oxide_are_judged_as_such(found):
    slabs = [occupied_sites(motif, found, anchor_frames(found)) for motif in motifs()[:2]]
    scores = SlabScores(found, [], ("Ir", "O"))
    assert scores(made_of(slabs, found))["slabs_valid"] == 1.0 and scores.text == ""
