import numpy as np
import pytest

from keras_ruo2.structure.equivalent import SlabKeys
from keras_ruo2.structure.opposite import laid_on_itself
from tests.slabs import anchors


@pytest.fixture(scope="module")
def found():
    return anchors()


def test_turned_mirrored_and_moved_slabs_have_one_key(found, rng):
    key_of = SlabKeys(found)
    frame = int(found.cells[0, 0])
    moves = key_of.moves_of(frame)
    assert len(moves) >= 4  # itself, a mirror image, and both turned over
    there = found.channels[frame] >= 0
    anions = np.flatnonzero(found.channels[frame] == 1)
    there[rng.choice(anions, 2, replace=False)] = False
    key = key_of(0, there)
    for move in moves:
        if (move[there[: len(move)]] < 0).any():
            continue
        turned = np.zeros_like(there)
        turned[move[there[: len(move)]]] = True
        assert key_of(0, turned) == key


def test_different_slabs_have_different_keys(found):
    key_of = SlabKeys(found)
    frame = int(found.cells[0, 0])
    whole = found.channels[frame] >= 0
    anions = np.flatnonzero(found.channels[frame] == 1)
    z = found.positions[frame, anions, 2]
    without_highest, without_inner = whole.copy(), whole.copy()
    without_highest[anions[z.argmax()]] = False
    without_inner[anions[np.abs(z).argmin()]] = False
    assert len({key_of(0, whole), key_of(0, without_highest), key_of(0, without_inner)}) == 3


def test_moves_within_the_plane_keep_the_upper_face_up(found):
    frame = int(found.cells[0, 0])
    real = found.channels[frame] >= 0
    positions, channels = found.positions[frame][real], found.channels[frame][real]
    ways = laid_on_itself(positions, channels, found.lengths[frame], np.zeros((1, 2)), (1,))
    for _, sites, _far in ways:
        moved = sites >= 0
        np.testing.assert_allclose(positions[sites[moved], 2], positions[moved, 2], atol=0.6)
        assert (channels[sites[moved]] == channels[moved]).all()
