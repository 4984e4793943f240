import ase
import numpy as np
import pytest

from keras_ruo2.density.voxelise import periodic_gaussians, voxelise
from keras_ruo2.metrics.marginals import (
    longest_run,
    marginal_scores,
    marginals,
    peaks_of,
    pooled_distance,
)

ALPHA = 5.0


def plane(places, lengths, num_voxels=32):
    """Gaussians in a periodic plane."""
    lines = [
        periodic_gaussians(np.array(places)[:, axis], lengths[axis], num_voxels, ALPHA)
        for axis in range(2)
    ]
    return np.einsum("ax,az->xz", *lines)


def test_peaks_of_lone_gaussians_are_exact_also_across_the_boundary():
    lengths = (16.0, 20.0)
    places = [(0.1, 19.9), (5.03, 8.7), (11.2, 3.33)]
    (found,) = peaks_of(plane(places, lengths)[None])
    found = found * lengths % lengths
    for place in places:
        assert np.abs((found - place + 8) % lengths - 8).max(axis=1).min() < 1e-3


def test_clipped_plateaus_are_one_peak():
    density = np.zeros((1, 8, 8))
    density[0, 3:5, 3:5] = 1
    (found,) = peaks_of(density)
    assert len(found) == 1


@pytest.mark.parametrize("known", [True, False])
def test_nearest_distances_are_those_of_the_atoms(known):
    lengths = np.array([16.0, 20.0])
    grid = np.stack(
        [
            plane([(2.0, 5.0), (5.1, 5.0)], lengths),
            plane([(2.0, 6.95), (15.8, 5.0)], lengths),
        ],
        axis=-1,
    )[None]
    found = marginals(grid, lengths[None] if known else None)
    ru_o, ru_ru, o_o = (found[f"nearest_{name}"] for name in ("ru_o", "ru_ru", "o_o"))
    scale = 1 if known else np.array(2.0)  # 32 voxels over 16 Å
    assert ru_ru.unit == ("Å" if known else "voxels")
    np.testing.assert_allclose(ru_ru.values[0, :2], 3.1 * scale, atol=0.01)
    if known:
        expected = [1.95, np.hypot(3.1, 1.95)]
        np.testing.assert_allclose(np.sort(ru_o.values[0, :2]), expected, atol=0.01)
        np.testing.assert_allclose(o_o.values[0, :2], np.hypot(2.2, 1.95), atol=0.01)
    assert np.isnan(ru_o.values[0, 2:]).all()


def test_whole_grids_have_marginals_too():
    atoms = ase.Atoms("RuO2", [(1, 1, 3.0), (1, 1, 5.0), (1, 1, 7.5)], cell=(6, 7, 12), pbc=True)
    grid = voxelise(atoms, (24, 24, 24), alpha=ALPHA)[None]
    found = marginals(grid, np.array([[6.0, 7, 12]]))
    np.testing.assert_allclose(found["nearest_ru_o"].values[0, 0], 2.0, atol=0.01)
    np.testing.assert_allclose(found["nearest_o_o"].values[0, :2], 2.5, atol=0.01)
    assert [found[f"length_{axis}"].values[0] for axis in "xyz"] == [6, 7, 12]
    assert found["ru_share"].values[0] == pytest.approx(1 / 3, abs=0.01)


def test_thickness_and_vacuum_do_not_depend_on_where_the_slab_lies():
    grid = np.zeros((1, 8, 20, 2))
    grid[:, :, 3:8] = 0.5
    for shift in range(20):
        found = marginals(np.roll(grid, shift, axis=2), np.array([[8.0, 30.0]]))
        assert found["vacuum_fraction"].values[0] == pytest.approx(15 / 20)
        assert found["slab_thickness"].values[0] == pytest.approx(30 * 5 / 20)


def test_empty_grids_have_no_share_and_no_neighbours():
    found = marginals(np.zeros((2, 8, 8, 2)), np.ones((2, 2)))
    assert np.isnan(found["ru_share"].values).all()
    assert np.isnan(found["nearest_ru_o"].values).all()
    assert (found["vacuum_fraction"].values == 1).all()


def test_runs_go_round():
    assert longest_run([True, True, False, True]) == 3
    assert longest_run([False, False]) == 0
    assert longest_run([True, True]) == 2


def test_pooled_distances_leave_gaps_out():
    first = np.array([[1.0, np.nan], [2.0, 3.0]])
    assert pooled_distance(first, first + 0.5) == pytest.approx(0.5)
    assert np.isnan(pooled_distance(first, np.full(3, np.nan)))


def test_longer_cells_are_told_from_real_ones(rng):
    grids = rng.random((120, 8, 8, 2))
    lengths = rng.normal(20, 1, size=(120, 2))
    real = marginals(grids[:80], lengths[:80])
    found = marginal_scores(marginals(grids[80:], lengths[80:] + [0, 4]), real)
    assert found["length_z"].value == pytest.approx(4, abs=0.8)  # three standard errors
    assert found["length_z"].low > 2 > found["length_lateral"].low
