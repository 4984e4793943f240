import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.io.structures import read_structures
from keras_ruo2.relaxation.outcome import classify, implausible
from keras_ruo2.structure.bonds import RU
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab


@pytest.fixture
def wide(slab):
    slab.center(vacuum=10, axis=2)
    return slab


def top(slab):
    return slab.positions[:, 2].max()


@pytest.mark.parametrize("name", TERMINATIONS)
def test_whole_slabs_have_no_failures(name):
    slab = build_slab(name, a=4.5, c=3.1)
    assert classify(slab, slab, True) == ()
    assert classify(slab, slab, False) == ("not_converged",)


def test_what_left_the_slab_is_named_by_what_it_is(wide):
    for symbols, shape, name in (
        ("O", [[0, 0, 0]], "atom_lost"),
        ("Ru", [[0, 0, 0]], "atom_lost"),
        ("O2", [[0, 0, 0], [0, 0, 1.25]], "molecule_left"),
        ("RuO", [[0, 0, 0], [0, 0, 1.7]], "molecule_left"),
    ):
        gas = Atoms(symbols, np.array(shape) + [1, 1, top(wide) + 4])
        assert classify(wide + gas, wide + gas, True) == (name,)


def test_a_layer_is_told_from_a_molecule_even_with_one_ru_in_the_cell():
    slab = build_slab("100-stoichiometric", a=4.5, c=3.1)
    slab.center(vacuum=10, axis=2)
    lifted = slab.copy()
    heights = np.sort(slab.positions[slab.numbers == RU, 2])
    above = slab.positions[:, 2] > (heights[-1] + heights[-2]) / 2 - 0.2
    lifted.positions[above, 2] += 4
    assert "layer_detached" in classify(slab, lifted, True)
    assert "molecule_left" not in classify(slab, lifted, True)


def test_bundled_slabs_are_classed_as_they_were_made():
    for slab in read_structures(BUNDLED_STRUCTURES)[::3]:
        kind = slab.info["variation"]
        if kind == "detached-layer":
            assert classify(slab, slab, True) == ("layer_detached",), slab.info["name"]
        elif kind == "floating-oxygen":
            assert set(classify(slab, slab, True)) <= {"atom_lost", "molecule_left"}
        elif kind in ("ideal", "relaxed"):
            assert classify(slab, slab, True) == (), slab.info["name"]


def test_merged_and_exploded(wide):
    merged = wide.copy()
    merged.positions[0] = merged.positions[1] + [0.3, 0, 0]
    assert "merged_atoms" in classify(wide, merged, True)
    away = wide.copy()
    away.positions[0, 2] += 11
    assert classify(wide, away, True) == ("exploded",)
    dust = wide.copy()
    dust.positions[:, 2] = (dust.positions[:, 2] - dust.positions[:, 2].mean()) * 1.8
    assert classify(wide, dust, False) == ("exploded",)
    dust.positions[3] = np.nan
    assert classify(wide, dust, False) == ("exploded",)


def test_frames_without_a_structure_are_unusable(slab):
    assert implausible(Atoms(cell=np.eye(3))) == "no_structure"
    assert implausible(Atoms("O", [[0, 0, np.nan]], cell=np.eye(3))) == "no_structure"
    assert implausible(Atoms("O", cell=[3, 0, 3], pbc=(True, False, True))) == "no_structure"
    assert not implausible(slab)
