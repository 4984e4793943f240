import time

import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.basin_hopping.moves import (
    SITE_BOND,
    clash_counter,
    count_clashes,
    displace,
    exchange,
    image_distances,
    insertion_sites,
    sphere,
    with_oxygen,
    without_atom,
)
from keras_ruo2.structure.bonds import RU, RU_O_BOND, O, coordination
from keras_ruo2.structure.layers import DISPLACED, assign_layers, layer_of, with_layers
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab


def layered(name, repeats=(1, 2, 1)):
    slab = build_slab(name, a=4.5, c=3.1).repeat(repeats)
    return with_layers(slab, assign_layers(slab))


def test_a_displacement_moves_the_upper_layer_only_by_the_wanted_length(rng):
    slab = layered("100-stoichiometric", (1, 2, 1))
    moved = displace(slab, rng, length=0.3, share=0.25).atoms
    way = moved.positions - slab.positions
    assert np.abs(way).max() == pytest.approx(0.3)
    assert np.array_equal(
        moved.positions[layer_of(slab) != DISPLACED], slab.positions[layer_of(slab) != DISPLACED]
    )
    assert np.all(np.abs(way[layer_of(slab) == DISPLACED]).max(axis=1) > 0)
    assert not count_clashes(moved)


def test_a_move_depends_on_the_structure_and_the_generator_only():
    slab = layered("110-O-poor")
    for move in (lambda r: displace(slab, r, length=1.2, share=0.25), lambda r: exchange(slab, r)):
        one, same, other = (move(np.random.default_rng(seed)).atoms for seed in (5, 5, 6))
        np.testing.assert_array_equal(one.positions, same.positions)
        assert len(other) != len(one) or not np.array_equal(one.positions, other.positions)


def test_clashes_are_counted_as_from_scratch(rng):
    slab = layered("100-stoichiometric")
    clashes = clash_counter(slab, 1.2)
    counts = []
    for _ in range(20):
        displacement = np.zeros((len(slab), 3))
        moving = layer_of(slab) == DISPLACED
        displacement[moving] = rng.uniform(-1.2, 1.2, (moving.sum(), 3))
        moved = slab.copy()
        moved.positions += displacement
        counts.append(count_clashes(moved))
        assert clashes(displacement) == counts[-1]
    assert len(set(counts)) > 3


def test_moves_in_a_cell_of_2000_atoms_take_seconds(rng):
    slab = build_slab("110-stoichiometric", a=4.5, c=3.1, num_planes=10)
    slab = slab.repeat((6, 6, 1))
    slab.rattle(0.05, seed=1)
    slab = with_layers(slab, assign_layers(slab))
    assert 2000 < len(slab) < 2300
    began = time.process_time()
    assert displace(slab, rng, length=1.2, share=0.25).atoms is not None
    assert len(insertion_sites(slab)) == 36
    assert time.process_time() - began < 20  # measured: 2


def test_atoms_without_bonds_cannot_be_displaced(rng):
    lone = with_layers(Atoms("Ru", [[0, 0, 0]], cell=[9] * 3, pbc=True), [DISPLACED])
    assert displace(lone, rng, length=1, share=0.5).reason == "no_mode"


@pytest.mark.parametrize("name", [name for name in TERMINATIONS if "111-O" not in name])
def test_sites_complete_octahedra_and_keep_their_distance(name):
    slab = layered(name)
    sites = insertion_sites(slab)
    open_ru = (coordination(slab, "Ru", "O", RU_O_BOND) < 6) & (slab.numbers == RU)
    assert len(sites) or not (open_ru & (layer_of(slab) == DISPLACED)).any()
    if len(sites):
        to_oxygen = image_distances(sites, slab.positions[slab.numbers == O], slab.cell)
        to_ruthenium = image_distances(sites, slab.positions[open_ru], slab.cell)
        assert to_oxygen.min() > 2.2
        assert to_ruthenium.min(axis=1) == pytest.approx(SITE_BOND, abs=0.31)


def test_sites_of_the_stoichiometric_110_face_are_on_top_of_its_cus_ruthenium():
    slab = layered("110-stoichiometric", (1, 2, 1))
    sites = insertion_sites(slab)
    cus = np.flatnonzero(
        (slab.numbers == RU)
        & (coordination(slab, "Ru", "O", RU_O_BOND) == 5)
        & (slab.positions[:, 2] > slab.positions[:, 2].mean())
    )
    assert len(sites) == len(cus) == 2
    for place in sites:
        above = place - slab.positions[cus]
        lateral = np.linalg.norm(above[:, :2], axis=1).min()
        assert lateral < 0.5  # directions that are tried are 12 degrees apart, 0.4 Å
        assert place[2] > slab.positions[cus, 2].max() + 1.6


def test_a_removed_bridging_oxygen_leaves_a_site_where_it_was():
    slab = layered("110-stoichiometric", (1, 2, 1))
    bridging = int(np.argmax(np.where(slab.numbers == O, slab.positions[:, 2], -np.inf)))
    sites = insertion_sites(without_atom(slab, bridging))
    assert image_distances(slab.positions[[bridging]], sites, slab.cell).min() < 0.5


def test_insertion_and_removal_undo_each_other():
    slab = layered("100-O-poor")
    there = with_oxygen(slab, [1.0, 1.0, 15.0])
    assert there.symbols[-1] == "O" and layer_of(there)[-1] == DISPLACED
    back = without_atom(there, len(there) - 1)
    np.testing.assert_array_equal(back.positions, slab.positions)
    np.testing.assert_array_equal(layer_of(back), layer_of(slab))
    np.testing.assert_array_equal(back.constraints[0].index, slab.constraints[0].index)


def test_removal_renumbers_the_fixed_atoms():
    slab = layered("100-stoichiometric")
    index = int(np.flatnonzero(layer_of(slab) == DISPLACED)[0])
    rest = without_atom(slab, index)
    fixed = rest.constraints[0].index
    assert np.all(layer_of(rest)[fixed] == 0) and len(fixed) == (layer_of(rest) == 0).sum()


def test_proposal_ratios_of_a_move_and_its_reverse_cancel(rng):
    slab = layered("110-O-poor")
    sites = insertion_sites(slab)

    def free(atoms):
        apart = image_distances(sites, atoms.positions[atoms.numbers == O], atoms.cell)
        return sites[apart.min(axis=1) > 1e-6]

    seen = 0
    while seen < 4:
        there = exchange(slab, rng, find_sites=free)
        if there.kind != "insert":
            continue
        num_o = int(((there.atoms.numbers == O) & (layer_of(there.atoms) == DISPLACED)).sum())
        assert there.log_ratio == pytest.approx(np.log(len(sites) / num_o))
        back = exchange(there.atoms, rng, find_sites=free)
        if back.kind == "remove" and len(free(back.atoms)) == len(sites):
            assert there.log_ratio + back.log_ratio == pytest.approx(0)
            seen += 1


def test_directions_cover_the_sphere():
    directions = sphere(300)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    np.testing.assert_allclose(directions.T @ directions / 300, np.eye(3) / 3, atol=0.01)
