import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.samples import keep_finite, load_samples
from keras_ruo2.metrics.measure import measure


def sample(rng, count, grid=(8, 8)):
    return {
        "grid": rng.random((count, *grid, 2)).astype("float32"),
        "lattice": rng.normal(20, 1, size=(count, len(grid))),
        "label": np.arange(count) % 2,
    }


@pytest.mark.parametrize("grid", [(8, 8), (6, 6, 6)])
def test_everything_is_measured_in_two_and_three_dimensions(rng, grid):
    generated, training, held_out = (sample(rng, count, grid) for count in (30, 80, 25))
    found = measure(generated, training, held_out, compared=5, replicates=5)
    assert found.metrics["notes"] == []
    assert set(found.metrics["collapse"]) == {"all", "class 0", "class 1"}
    assert f"length_{'xyz'[0] if len(grid) == 3 else 'lateral'}" in found.metrics["marginals"]
    assert found.metrics["marginals"]["slab_thickness"]["unit"] == "Å"
    assert set(found.metrics["held_out"]) == {"marginals", "distances", "neighbours"}
    assert found.metrics["overfitting"]["compared"] == len(found.matches.index) == 5
    assert set(found.metrics["seconds"]) >= {"collapse", "overfitting", "described", "neighbours"}


def test_too_few_samples_are_noted_not_crashed(rng):
    few, training = sample(rng, 3), sample(rng, 80)
    found = measure(few, training, sample(rng, 0), compared=5, replicates=5).metrics
    assert len(found["notes"]) == 4
    assert all("at least 20 and 40 are needed" in note for note in found["notes"])
    assert "threshold" not in found["overfitting"] and found["collapse"]["all"]["finite"] == 1


def test_samples_without_lengths_are_measured_in_voxels(rng):
    found = measure(
        {"grid": sample(rng, 30)["grid"]},
        sample(rng, 80),
        sample(rng, 25),
        compared=2,
        replicates=5,
    )
    assert found.metrics["marginals"]["slab_thickness"]["unit"] == "voxels"
    assert not [name for name in found.metrics["marginals"] if name.startswith("length")]


def test_samples_files_are_checked(rng, tmp_path):
    path = tmp_path / "samples.npz"

    def refused(**arrays):
        np.savez(path, **arrays)
        with pytest.raises(ConfigError) as caught:
            load_samples(path, (8, 8, 2))
        assert "\n" not in str(caught.value)
        return str(caught.value)

    grids = sample(rng, 4)["grid"]
    assert "has no array `grid`, only: pictures" in refused(pictures=grids)
    assert "holds grids of (8, 4, 2), the records have (8, 8, 2)" in refused(grid=grids[:, :, :4])
    assert "have shape (3, 2). Expected (4, 2)" in refused(grid=grids, lattice=np.ones((3, 2)))
    assert "was refused: it holds pickles" in refused(grid=np.array([{}]))
    assert "Expected floats in [0, 1]" in refused(grid=grids.astype(complex))
    assert "from 255 to 255. Expected" in refused(grid=np.full_like(grids, 255))
    assert "`lattice` is text" in refused(grid=grids, lattice=np.full((4, 2), "a"))
    assert "Expected integers" in refused(grid=grids, label=np.ones(4))
    path.write_text("nothing of the kind")
    with pytest.raises(ConfigError, match="was refused: it is no .npz of arrays"):
        load_samples(path, (8, 8, 2))


def test_samples_of_8_bits_are_measured_as_the_densities_they_stand_for(rng, tmp_path):
    bits = rng.integers(0, 256, size=(4, 8, 8, 2), dtype=np.uint8)
    np.savez(tmp_path / "bits.npz", grid=bits)
    found = load_samples(tmp_path / "bits.npz", (8, 8, 2))["grid"]
    np.testing.assert_allclose(found, bits / 255, atol=1e-6)


def test_samples_that_are_not_finite_are_read_and_then_left_out(rng, tmp_path):
    made = sample(rng, 4)
    made["grid"][1, 0, 0, 0] = np.nan
    np.savez(tmp_path / "samples.npz", **made)
    kept, count = keep_finite(load_samples(tmp_path / "samples.npz", (8, 8, 2)))
    assert count == 1 and len(kept["grid"]) == 3


def test_samples_that_are_not_finite_are_left_out(rng):
    made = sample(rng, 5)
    made["grid"][1, 0, 0, 0] = np.nan
    made["lattice"][3, 1] = np.inf
    kept, count = keep_finite(made)
    assert count == 2 and {len(values) for values in kept.values()} == {3}
    made["grid"][:] = np.nan
    with pytest.raises(ConfigError, match="None of the 5 samples has only finite values"):
        keep_finite(made)
