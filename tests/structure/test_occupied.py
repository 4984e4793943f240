import numpy as np
import pytest

from keras_ruo2.structure.motifs import Motif
from keras_ruo2.structure.occupied import anchor_frames, at_rest, occupied_sites, sites_of_all
from tests.slabs import NAMES, anchors, motifs


@pytest.fixture(scope="module")
def found():
    return anchors()


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_a_slab_is_told_by_sites_and_offsets(found, rng, number):
    motif = motifs()[number]
    noise = 0.05 * rng.normal(size=motif.positions.shape)
    positions = motif.positions + noise + [0.7, 1.3, 0.4]
    slab = occupied_sites(
        Motif(motif.lengths, motif.repeats, positions, motif.channels), found, anchor_frames(found)
    )
    frame = found.cells[slab.cell, 0]
    there = slab.occupancy == 1
    share = 2 if found.centred[frame] else 1
    assert there.sum() == len(motif) / share
    metal = found.channels[frame][there] == 0
    assert metal.sum() == (motif.channels == 0).sum() / share
    assert 0.01 < np.abs(slab.offsets[there]).max() < 0.4
    assert not slab.offsets[~there].any()


def test_repeats_of_the_cell_are_found(found):
    for motif in motifs():
        slab = occupied_sites(motif, found, anchor_frames(found))
        assert sorted(found.cells[slab.cell, 1:]) == sorted(motif.repeats)


def test_a_slab_that_fits_no_frame_is_none(found):
    motif = motifs()[0]
    stretched = Motif(1.3 * motif.lengths, motif.repeats, 1.3 * motif.positions, motif.channels)
    assert occupied_sites(stretched, found, anchor_frames(found)) is None
    far = np.concatenate([motif.positions, [[0, 0, motif.positions[:, 2].max() + 4]]])
    lone = Motif(motif.lengths, motif.repeats, far, np.append(motif.channels, 1))
    assert occupied_sites(lone, found, anchor_frames(found)) is None


def test_the_slab_of_lowest_energy_on_the_same_sites_is_at_rest(found):
    one, other = (occupied_sites(m, found, anchor_frames(found)) for m in motifs()[:2])
    slabs = [one, other, one, None, one]
    assert at_rest(slabs, np.array([-6.0, -7.0, -6.5, -9.0, np.nan])) == [2, 1, 2, -1, 2]


def test_many_slabs_occupy_what_each_does_alone():
    found, known = motifs(), anchors()
    alone = [occupied_sites(motif, known, anchor_frames(known)) for motif in found]
    for one, other in zip(
        sites_of_all([*found, *found[::-1]], known), alone + alone[::-1], strict=True
    ):
        assert one.cell == other.cell
        np.testing.assert_array_equal(one.occupancy, other.occupancy)
