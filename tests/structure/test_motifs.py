import numpy as np
import pytest

from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.motifs import Motif, motif_of
from keras_ruo2.structure.slabs import build_slab
from tests.slabs import A, C, prepared


def test_a_motif_comes_back_from_its_bytes():
    motif = motif_of(prepared(build_slab("110-stoichiometric", a=A, c=C)), SPECIES)
    again = Motif.from_bytes(motif.to_bytes())
    for name in ("lengths", "repeats", "positions", "channels"):
        np.testing.assert_allclose(getattr(again, name), getattr(motif, name), atol=1e-6)


def test_a_repeated_motif_is_the_structure_that_a_grid_was_made_of():
    box = prepared(build_slab("101-O-poor", a=A, c=C))
    motif = motif_of(box, SPECIES)
    assert motif.repeats.tolist() == list(box.info["lateral_repeats"])
    again = motif.to_atoms(SPECIES).repeat((*motif.repeats, 1))
    np.testing.assert_allclose(
        voxelise(again, (16,) * 3, alpha=5.0), voxelise(box, (16,) * 3, alpha=5.0), atol=1e-6
    )


def test_a_structure_that_was_not_repeated_is_its_own_motif(slab):
    motif = motif_of(slab, SPECIES)
    assert len(motif) == len(slab) and motif.repeats.tolist() == [1, 1]


@pytest.mark.parametrize("size", [3, 7])
def test_bytes_that_are_no_motif_are_refused(size):
    with pytest.raises(ValueError, match="expected 5 and 4 for each atom"):
        Motif.from_bytes(np.zeros(size, "<f4").tobytes())
