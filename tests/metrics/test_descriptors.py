import numpy as np
import pytest

from keras_ruo2.metrics.descriptors import pair_distances, profile_spectra, spectra


@pytest.mark.parametrize("grid", [(8, 10), (7, 9), (6, 5, 8)])
def test_translations_change_nothing(rng, grid):
    grids = rng.random((3, *grid, 2))
    moved = np.roll(grids, (2, 3, 1)[: len(grid)], axis=range(1, 1 + len(grid)))
    np.testing.assert_allclose(spectra(moved), spectra(grids), atol=1e-5)
    np.testing.assert_allclose(profile_spectra(moved), profile_spectra(grids), atol=1e-6)


@pytest.mark.parametrize("grid", [(8, 10), (7, 9), (6, 5, 8)])
def test_the_norm_is_that_of_the_channels_and_their_sum(rng, grid):
    grids = rng.random((3, *grid, 2)).astype("float32")
    axes = tuple(range(1, 1 + len(grid)))
    expected = (grids**2).sum(axis=(*axes, -1)) + (grids.sum(axis=-1) ** 2).sum(axis=axes) / 2
    np.testing.assert_allclose((spectra(grids) ** 2).sum(axis=1), expected, rtol=1e-5)


def test_no_translation_brings_grids_closer_than_their_descriptions(rng):
    first, second = rng.random((2, 1, 6, 6, 2))
    described = pair_distances(spectra(first), spectra(second))[0, 0]
    for shift in np.ndindex(6, 6):
        apart = first - np.roll(second, shift, axis=(1, 2))
        mixed = np.sqrt((apart**2).sum() + (apart.sum(axis=-1) ** 2).sum() / 2)
        assert described <= mixed + 1e-4


def test_species_must_fit_each_other(rng):
    grids = rng.random((1, 12, 12, 2))
    apart = grids.copy()
    apart[..., 1] = np.roll(apart[..., 1], 3, axis=1)
    assert pair_distances(spectra(grids), spectra(apart))[0, 0] > 0.1


def test_distances_are_euclidean(rng):
    first, second = rng.random((4, 7)), rng.random((5, 7))
    expected = np.linalg.norm(first[:, None] - second, axis=-1)
    np.testing.assert_allclose(pair_distances(first, second), expected, atol=1e-6)
