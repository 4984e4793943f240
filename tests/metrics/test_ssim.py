import numpy as np
import pytest
from skimage.metrics import structural_similarity

from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.metrics.ssim import BLOCK_REFERENCES, ssim_matrix, ssim_pairs


def by_skimage(images, references):
    """In float64: in float32, the type of its input, scikit-image loses digits of variances."""
    return np.array(
        [
            [
                [
                    structural_similarity(
                        image[..., channel].astype(float),
                        other[..., channel].astype(float),
                        win_size=5,
                        data_range=1,
                    )
                    for channel in range(image.shape[-1])
                ]
                for other in references
            ]
            for image in images
        ]
    )


@pytest.mark.parametrize("grid", [(32, 32), (9, 14), (5, 5), (12, 9, 10)])
def test_it_is_that_of_scikit_image(rng, grid):
    images, references = rng.random((2, *grid, 2)) ** 4, rng.random((3, *grid, 2))
    found = ssim_matrix(images, references)
    assert found.shape == (2, 3, 2) and found.dtype == np.float32
    np.testing.assert_allclose(found, by_skimage(images, references), atol=1e-5)


@pytest.mark.parametrize("grid", [(32, 32), (9, 14), (5, 5), (6, 9, 7)])
def test_many_images_too_which_are_compared_otherwise(rng, grid):
    images, references = rng.random((100, *grid, 1)) ** 4, rng.random((100, *grid, 1))
    found = ssim_matrix(images, references)[40:42, 97:]
    np.testing.assert_allclose(found, by_skimage(images[40:42], references[97:]), atol=1e-5)


def special_images(rng):
    """Empty, full, constant, nearly constant, faint and bright with a little noise."""
    noise = rng.random((32, 32, 2))
    constants = [np.full_like(noise, value) for value in (0, 1, 0.5, 0.3)]
    return np.stack([*constants, 0.5 + 1e-6 * noise, 1e-3 * noise, 1 - 1e-2 * noise, noise])


@pytest.mark.parametrize("repeats", [1, 10])
def test_constant_empty_and_bright_images_have_the_values_of_scikit_image(rng, repeats):
    images = special_images(rng)
    found = ssim_matrix(np.tile(images, (repeats, 1, 1, 1)), np.tile(images, (repeats, 1, 1, 1)))
    np.testing.assert_allclose(found[-8:, :8], by_skimage(images, images), atol=1e-5)


def test_slices_of_a_crystal_too(rutile):
    rutile = rutile.repeat((3, 3, 5))
    rutile.center(vacuum=6, axis=2)
    grid = voxelise(rutile, alpha=5.0)
    images = grid[:, ::6].transpose(1, 0, 2, 3)
    np.testing.assert_allclose(ssim_matrix(images, images), by_skimage(images, images), atol=1e-5)


def test_many_windows_add_up_without_drifting():
    """21,316 windows of 0.9 would be off by 1e-4 if they were added in float32."""
    images = np.full((20, 150, 150, 1), 0.5)
    expected = (2 * 0.5 * 0.8 + 1e-4) / (0.5**2 + 0.8**2 + 1e-4)
    found = ssim_matrix(images, np.full_like(images, 0.8))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_equal_images_score_one_and_the_matrix_of_a_set_is_symmetric(rng):
    images = rng.random((6, 16, 16, 2))
    found = ssim_matrix(images, images)
    np.testing.assert_allclose(found[np.arange(6), np.arange(6)], 1, atol=1e-5)
    np.testing.assert_allclose(found, found.transpose(1, 0, 2), atol=1e-6)


def test_blocks_and_threads_change_nothing(rng):
    images, references = rng.random((2, 8, 8, 1)), rng.random((BLOCK_REFERENCES + 3, 8, 8, 1))
    whole = ssim_matrix(images, references, threads=3)
    np.testing.assert_allclose(whole, ssim_matrix(images, references, threads=1), atol=1e-6)
    np.testing.assert_allclose(whole[:, -1:], ssim_matrix(images, references[-1:]), atol=1e-6)


@pytest.mark.parametrize("grid", [(16, 12), (8, 9, 7)])
def test_pairs_are_the_diagonal_of_the_matrix(rng, grid):
    images, references = rng.random((2, 4, *grid, 2))
    matrix = ssim_matrix(images, references)
    np.testing.assert_allclose(
        ssim_pairs(images, references), matrix[np.arange(4), np.arange(4)], atol=1e-6
    )


def test_no_images_give_an_empty_matrix():
    assert ssim_matrix(np.zeros((0, 8, 8, 2)), np.zeros((3, 8, 8, 2))).shape == (0, 3, 2)


def test_bad_images_are_refused(rng):
    images = rng.random((2, 8, 8, 2))
    with pytest.raises(ValueError, match=r"images of one shape are compared, got \(8, 8, 2\)"):
        ssim_matrix(images, np.zeros((2, 9, 8, 2)))
    with pytest.raises(ValueError, match="at least 5 voxels"):
        ssim_matrix(images[:, :4], images[:, :4])
    with pytest.raises(ValueError, match="not finite"):
        ssim_matrix(images, np.full_like(images, np.nan))
    with pytest.raises(ValueError, match="pairs have one shape"):
        ssim_pairs(images, images[:1])
