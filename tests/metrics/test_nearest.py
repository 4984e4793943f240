import numpy as np
import pytest

from keras_ruo2.metrics import neighbours
from keras_ruo2.metrics.neighbours import nearest_records


@pytest.mark.parametrize("shape", [(8, 8), (6, 6, 6)])
def test_moved_records_are_found_again_whatever_the_blocks(rng, monkeypatch, shape):
    records = rng.random((20, *shape, 2))
    chosen = rng.permutation(20)[:7]
    axes = tuple(range(1, 1 + len(shape)))
    moved = np.roll(records[chosen], (3, 1, 2)[: len(shape)], axis=axes)
    index, distance = nearest_records(moved, records)
    np.testing.assert_array_equal(index, chosen)
    np.testing.assert_allclose(distance, 0, atol=0.02)  # the root of what float32 cancels
    monkeypatch.setattr(neighbours, "BLOCK_VALUES", 500)
    again, _ = nearest_records(moved, records)
    np.testing.assert_array_equal(again, chosen)
