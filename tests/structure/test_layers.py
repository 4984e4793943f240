import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.bonds import RU, RU_O_BOND, O
from keras_ruo2.structure.layers import (
    BUFFER,
    DISPLACED,
    FROZEN,
    assign_layers,
    bottom_layers,
    default_thickness,
    ruthenium_planes,
    with_layers,
)
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab


@pytest.mark.parametrize("name", TERMINATIONS)
def test_every_termination_has_three_layers_with_the_displaced_one_on_top(name):
    slab = build_slab(name, a=4.5, c=3.1)
    layers = assign_layers(slab)
    heights = [slab.positions[(slab.numbers == RU) & (layers == k), 2] for k in range(3)]
    assert heights[FROZEN].max() < heights[BUFFER].min()
    assert heights[BUFFER].max() < heights[DISPLACED].min()
    planes = ruthenium_planes(slab)
    assert planes.max() + 1 == TERMINATIONS[name].num_planes
    assert np.all((planes >= 0) == (slab.numbers == RU))


def test_five_planes_are_two_displaced_two_buffer_and_one_frozen():
    slab = build_slab("110-stoichiometric", a=4.5, c=3.1, num_planes=5)
    assert default_thickness(5) == (2, 2)
    planes, layers = ruthenium_planes(slab), assign_layers(slab)
    assert [set(layers[planes == plane]) for plane in range(5)] == [{0}, {1}, {1}, {2}, {2}]


def test_oxygen_belongs_to_the_uppermost_layer_that_it_is_bonded_to(slab):
    layers = assign_layers(slab)
    for index in np.flatnonzero(slab.numbers == O):
        apart = slab.get_distances(index, range(len(slab)), mic=True)
        bonded = (apart < RU_O_BOND) & (slab.numbers == RU)
        assert layers[index] == layers[bonded].max()


def test_the_outer_oxygen_of_a_peroxo_group_goes_with_the_inner_one(slab):
    outermost = max(slab.positions, key=lambda place: place[2])
    group = slab + Atoms("O2", [outermost + [0, 0, 1.4], outermost + [0, 0, 6.0]])
    np.testing.assert_array_equal(assign_layers(group)[-2:], (DISPLACED, FROZEN))
    np.testing.assert_array_equal(assign_layers(group)[:-2], assign_layers(slab))


def test_the_frozen_layer_is_fixed_and_only_that(slab):
    layers = assign_layers(slab)
    fixed = with_layers(slab, layers).constraints[0].index
    np.testing.assert_array_equal(fixed, np.flatnonzero(layers == FROZEN))


def test_too_few_planes_are_refused(slab):
    with pytest.raises(ConfigError, match="has 3 Ru planes, but 2 displaced, 1 relaxing"):
        assign_layers(slab, displaced=2)


def test_a_slab_of_two_kinds_of_plane_needs_an_odd_number_of_them():
    with pytest.raises(ConfigError, match="Ask for an odd number"):
        build_slab("111-O-rich", a=4.5, c=3.1, num_planes=6)


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
