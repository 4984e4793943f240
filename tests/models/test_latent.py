import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.models.latent import spherical_path


def angles(path):
    directions = path / np.linalg.norm(path, axis=1, keepdims=True)
    cosines = (directions[1:] * directions[:-1]).sum(axis=1)
    return np.arccos(np.clip(cosines, -1, 1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_ends_of_a_path_are_exact(rng, dtype):
    first, last = rng.normal(size=(2, 512)).astype(dtype)
    path = spherical_path(first, last, 7)
    assert path.shape == (7, 512) and path.dtype == dtype
    np.testing.assert_array_equal(path[[0, -1]], [first, last])


def test_neighbours_are_equal_angles_and_equal_lengths_apart(rng):
    first, last = rng.normal(size=(2, 64))
    path = spherical_path(first, 1.7 * last, 9)
    whole = angles(path[[0, -1]])[0]
    np.testing.assert_allclose(angles(path), whole / 8, atol=1e-6)
    np.testing.assert_allclose(np.diff(np.linalg.norm(path, axis=1), n=2), 0, atol=1e-10)


def test_a_right_angle_is_a_quarter_circle():
    path = spherical_path([1.0, 0.0], [0.0, 1.0], 4)
    turned = np.radians([0, 30, 60, 90])
    np.testing.assert_allclose(path, np.stack([np.cos(turned), np.sin(turned)], -1), atol=1e-12)


@pytest.mark.parametrize("factor", [2.5, -1.0, 0.0, 1 + 1e-9])
def test_vectors_that_span_no_plane_are_joined_by_a_straight_line(rng, factor):
    first = rng.normal(size=16)
    path = spherical_path(first, factor * first, 5)
    expected = np.linspace(1, factor, 5)[:, None] * first
    np.testing.assert_allclose(path, expected, atol=1e-12)


def test_a_small_angle_is_still_divided_evenly():
    path = spherical_path([1.0, 0.0], [np.cos(1e-4), np.sin(1e-4)], 3)
    np.testing.assert_allclose(path[1], [np.cos(5e-5), np.sin(5e-5)], atol=1e-14)


def test_unequal_vectors_and_single_points_are_refused():
    with pytest.raises(ConfigError, match="--count is 1"):
        spherical_path([1.0, 0.0], [0.0, 1.0], 1)
    with pytest.raises(ConfigError, match=r"shapes \(2,\) and \(3,\)"):
        spherical_path([1.0, 0.0], [0.0, 1.0, 0.0], 3)
