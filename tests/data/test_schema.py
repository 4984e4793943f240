import numpy as np
import pytest

from keras_ruo2.data.schema import FIELDS, Schema


def sample(shape, rng):
    return {
        "grid": rng.uniform(size=shape),
        "lattice": [17.5, 21.25],
        "label": 3,
        "energy": -7.125,
        "dmu_o": np.nan,
        "structure": "slab-0",
        "plane": "xz",
    }


def test_decoding_is_the_inverse_of_encoding(rng):
    schema = Schema((4, 6, 2))
    samples = [sample((4, 6, 2), rng) for _ in range(3)]
    batch = schema.decode([schema.encode(one) for one in samples])
    assert set(batch) == set(FIELDS)
    grids = np.stack([one["grid"] for one in samples])
    np.testing.assert_array_equal(batch["grid"], grids.astype("float16").astype("float32"))
    np.testing.assert_allclose(batch["lattice"], [[17.5, 21.25]] * 3)
    np.testing.assert_array_equal(batch["label"], [3] * 3)
    np.testing.assert_allclose(batch["energy"], [-7.125] * 3)
    assert np.isnan(batch["dmu_o"]).all()
    assert batch["structure"].numpy().tolist() == [b"slab-0"] * 3
    assert batch["plane"].numpy().tolist() == [b"xz"] * 3


def test_a_grid_of_another_shape_is_not_encoded(rng):
    with pytest.raises(ValueError, match="expected"):
        Schema((4, 4, 2)).encode(sample((4, 6, 2), rng))
