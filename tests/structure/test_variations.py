import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure import variations
from keras_ruo2.structure.bonds import RU_O_BOND, coordination
from keras_ruo2.structure.slabs import build_slab


@pytest.mark.parametrize("name", variations.VARIATIONS)
def test_the_slab_itself_is_left_alone(slab, rng, name):
    before = slab.positions.copy()
    variations.VARIATIONS[name].change(slab, rng)
    np.testing.assert_array_equal(slab.positions, before)


def test_an_oxygen_on_top_completes_the_octahedron_of_cus_ruthenium(slab, rng):
    before = coordination(slab, "Ru", "O", RU_O_BOND)
    after = coordination(variations.add_on_top(slab, rng), "Ru", "O", RU_O_BOND)[: len(slab)]
    changed = np.flatnonzero(after != before)
    assert len(changed) == 1
    assert (before[changed[0]], after[changed[0]]) == (5, 6)


def test_whole_octahedra_take_no_oxygen_on_top(rng):
    with pytest.raises(ConfigError, match="no undercoordinated Ru"):
        variations.add_on_top(build_slab("110-O-rich", a=4.5, c=3.1), rng)


def test_a_peroxo_group_has_its_bond_length(slab, rng):
    made = variations.add_peroxo(slab, rng)
    lengths = made.get_distances(len(slab), range(len(slab)), mic=True)
    assert lengths.min() == pytest.approx(variations.PEROXO_BOND)


def test_a_shift_moves_the_upper_plane_only(slab, rng):
    moved = np.linalg.norm(variations.shift_row(slab, rng).positions - slab.positions, axis=1)
    assert 0 < (moved > 0).sum() < len(slab) / 2
    lateral = slab.cell.lengths()[:2]
    assert any(0.15 * length <= moved.max() <= 0.30 * length for length in lateral)


def test_a_vacancy_takes_the_outermost_oxygen(slab, rng):
    made = variations.remove_oxygen(slab, rng)
    assert len(made) == len(slab) - 1
    assert made.positions[:, 2].max() == pytest.approx(np.sort(slab.positions[:, 2])[-2])
