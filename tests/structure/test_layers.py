import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.bonds import RU
from keras_ruo2.structure.layers import bottom_layers
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab


@pytest.mark.parametrize("name", TERMINATIONS)
def test_layers_are_counted_in_planes_of_ru_from_below(name):
    slab = build_slab(name, a=4.5, c=3.1)
    planes = TERMINATIONS[name].num_planes
    frozen = [bottom_layers(slab, count) for count in range(planes)]
    each = np.sum(slab.numbers == RU) / planes
    for count, indices in enumerate(frozen):
        assert np.sum(slab.numbers[indices] == RU) == count * each
        rest = np.setdiff1d(np.arange(len(slab)), indices)
        if count:
            assert slab.positions[indices, 2].max() < slab.positions[rest, 2].min()
    with pytest.raises(ConfigError, match=f"has {planes} layers of Ru, {planes} of which"):
        bottom_layers(slab, planes)


def test_the_vacuum_may_lie_anywhere_and_the_cell_be_tilted(slab):
    expected = set(bottom_layers(slab, 1).tolist())
    moved = slab.copy()
    moved.positions[:, 2] += 0.5 * slab.cell[2, 2]
    moved.wrap()
    assert set(bottom_layers(moved, 1).tolist()) == expected
    moved.set_cell([*slab.cell[:2], slab.cell[2] + 0.4 * slab.cell[0]])
    assert set(bottom_layers(moved, 1).tolist()) == expected
