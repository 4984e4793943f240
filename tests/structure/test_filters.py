from ase import Atom

from keras_ruo2.structure import filters
from keras_ruo2.structure.validity import broken
from keras_ruo2.structure.variations import detach_layer, float_oxygen


def highest(slab):
    return slab.positions[slab.positions[:, 2].argmax()]


def test_a_whole_slab_passes(slab):
    assert broken(slab) == ()


def test_a_peroxo_group_alone_fails_its_criterion(slab):
    slab.append(Atom("O", highest(slab) + [0, 0, 1.45]))
    assert broken(slab) == ("peroxo_groups",)
    assert len(filters.peroxo_groups(slab)) == 2


def test_a_floating_oxygen_alone_fails_its_criterion(slab, rng):
    floating = float_oxygen(slab, rng)
    assert broken(floating) == ("floating_oxygen",)
    assert filters.floating_oxygen(floating).tolist() == [len(slab)]


def test_a_detached_layer_alone_fails_its_criterion(slab, rng):
    # (110) breaks between its trilayers: lift the upper part far enough
    detached = detach_layer(slab, rng)
    detached.positions[detached.positions[:, 2] > slab.positions[:, 2].mean() + 1, 2] += 1
    assert broken(detached) == ("disconnected_layers",)


def test_bonds_across_the_boundary_hold_a_slab_together(slab):
    slab.positions += 0.5 * slab.cell.lengths()
    slab.wrap()
    assert broken(slab) == ()


def test_a_lone_layer_of_oxygen_is_floating_not_disconnected(slab):
    only_oxygen = slab[slab.numbers == 8]
    only_oxygen.set_cell(slab.cell * 3)
    only_oxygen.positions *= 3
    assert broken(only_oxygen) == ("floating_oxygen",)
