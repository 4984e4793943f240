import dataclasses

import numpy as np
import pytest

from keras_ruo2.structure import sites
from keras_ruo2.structure.sites import find_frames
from tests.slabs import motifs


def moved(motif, shift, turns=0):
    """Return a motif turned by multiples of 90 degrees and shifted."""
    positions = sites.turned(motif.positions, motif.lengths[:2], turns) + shift
    order = [0, 1, 2] if turns % 2 == 0 else [1, 0, 2]
    lengths, repeats = motif.lengths[order], motif.repeats[order[:2]]
    return dataclasses.replace(
        motif, lengths=lengths, repeats=repeats, positions=positions % lengths
    )


@pytest.mark.parametrize("turns", range(4))
def test_a_slab_lies_over_itself_however_it_was_moved_and_turned(rng, turns):
    (motif,) = motifs(["110-stoichiometric"])
    (frame,) = find_frames([motif, moved(motif, rng.uniform(0, 9, size=3), turns)])
    assert len(frame.slabs) == 2 and len(frame.channels) == len(motif)
    for slab, found in zip(frame.slabs, frame.sites, strict=True):
        apart = frame.offsets(slab.positions, frame.positions[found])
        np.testing.assert_allclose(apart, 0, atol=1e-6)


def test_terminations_of_a_facet_share_their_sites():
    found = motifs(["110-O-poor", "110-stoichiometric", "110-O-rich"])
    (frame,) = find_frames(found)
    assert [len(numbers) for numbers in frame.sites] == [16, 18, 20]
    assert len(frame.channels) == 20


def test_slabs_of_other_facets_or_cut_at_another_plane_have_frames_of_their_own():
    names = ["110-O-poor", "100-O-poor", "111-stoichiometric", "111-stoichiometric-2"]
    assert len(find_frames(motifs(names))) == len(names)


def test_a_centred_cell_has_the_sites_of_one_of_its_copies():
    (motif,) = motifs(["111-stoichiometric"])
    (frame,) = find_frames([motif])
    assert frame.centring.tolist() == [[0, 0], [0.5, 0.5]]
    assert len(frame.channels) == len(motif) / 2


def test_a_site_is_the_mean_of_its_atoms(rng):
    (motif,) = motifs(["100-stoichiometric"])
    noise = 0.1 * rng.normal(size=motif.positions.shape)
    pair = [
        dataclasses.replace(motif, positions=motif.positions + sign * noise) for sign in (-1, 1)
    ]
    (frame,) = find_frames(pair)
    apart = [
        frame.offsets(slab.positions, frame.positions[found])[np.argsort(found)]
        for slab, found in zip(frame.slabs, frame.sites, strict=True)
    ]
    np.testing.assert_allclose(apart[0] + apart[1], 0, atol=1e-6)


def test_one_structure_makes_one_frame():
    assert len(find_frames(motifs(["001-O-rich"]))) == 1
