import numpy as np
import pytest

from keras_ruo2.metrics import matches as module
from keras_ruo2.metrics.matches import best_matches, share_above
from keras_ruo2.metrics.ssim import ssim_matrix


def test_copies_are_found_and_named(rng):
    references = rng.random((20, 8, 8, 2))
    found = best_matches(references[[7, 3]], references)
    np.testing.assert_array_equal(found.index, [7, 3])
    np.testing.assert_array_equal(found.channel_index, [[7, 7], [3, 3]])
    np.testing.assert_allclose(found.ssim, 1, atol=1e-5)
    assert not found.shift.any()
    assert share_above(found, 0.99) == 1


def test_both_channels_must_be_similar(rng):
    references = rng.random((5, 8, 8, 2))
    image = references[[1]].copy()
    image[..., 1] = references[4, ..., 1]
    found = best_matches(image, references)
    np.testing.assert_array_equal(found.channel_index, [[1, 4]])
    np.testing.assert_allclose(found.channel_ssim, 1, atol=1e-5)
    assert found.similarity[0] < 0.9 and share_above(found, 0.9) == 0


def test_streaming_in_blocks_changes_nothing(rng, monkeypatch):
    images, references = rng.random((4, 8, 8, 2)), rng.random((23, 8, 8, 2))
    matrix = ssim_matrix(images, references)
    monkeypatch.setattr(module, "BLOCK", 5)
    for given in (references, iter([references[:9], references[9:]])):
        found = best_matches(images, given)
        np.testing.assert_array_equal(found.index, matrix.min(axis=-1).argmax(axis=1))
        np.testing.assert_array_equal(found.channel_index, matrix.argmax(axis=1))
        np.testing.assert_allclose(found.channel_ssim, matrix.max(axis=1), atol=1e-6)


@pytest.mark.parametrize("grid", [(12, 10), (6, 7, 8)])
def test_rolled_copies_are_found_when_aligned(rng, grid):
    references = rng.random((9, *grid, 2))
    shift = (3, 5, 2)[: len(grid)]
    image = np.roll(references[[6]], shift, axis=range(1, 1 + len(grid)))
    assert best_matches(image, references).similarity[0] < 0.9
    found = best_matches(image, references, align=True)
    assert found.index[0] == 6
    np.testing.assert_array_equal(found.shift[0], shift)
    np.testing.assert_allclose(found.ssim, 1, atol=1e-5)


def test_empty_images_are_aligned_without_complaint():
    found = best_matches(np.zeros((1, 8, 8, 2)), np.zeros((3, 8, 8, 2)), align=True)
    np.testing.assert_allclose(found.ssim, 1, atol=1e-6)


def test_nothing_to_compare_with_is_said(rng):
    with pytest.raises(ValueError, match="no references"):
        best_matches(rng.random((1, 8, 8, 2)), [])
