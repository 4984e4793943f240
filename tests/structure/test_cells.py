import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from ase.geometry.analysis import Analysis
from ase.io import read
from ase.neighborlist import neighbor_list

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure import cells
from keras_ruo2.structure.slabs import build_slab
from tests import plain_boxes

A, C = 4.5, 3.1
SHEARED = [[1, 0, 0], [1, 1, 0], [0, 0, 1]]


def distances(atoms, cutoff=5.0):
    """Count the neighbours of each pair of species by distance, per atom."""
    first, second, lengths = neighbor_list("ijd", atoms, cutoff)
    kinds = atoms.numbers[first] * 100 + atoms.numbers[second]
    return {
        kind: np.histogram(lengths[kinds == kind], bins=np.arange(0.05, cutoff, 0.1))[0]
        / len(atoms)
        for kind in np.unique(kinds)
    }


@pytest.mark.parametrize("name", ["111-stoichiometric", "111-super-O-rich", "110-O-rich"])
def test_an_orthogonal_supercell_has_the_same_radial_distribution_and_energy(name):
    slab = cells.with_energy(build_slab(name, a=A, c=C), -123.0)
    box = cells.orthogonalise(slab)
    np.testing.assert_allclose(box.cell.angles(), 90)
    assert len(box) == box.info["repeats"] * len(slab)
    before, after = distances(slab), distances(box)
    assert before.keys() == after.keys()
    for kind in before:
        np.testing.assert_allclose(after[kind], before[kind], atol=1e-9)
    per_atom = cells.potential_energy(box) / len(box)
    assert per_atom == pytest.approx(-123.0 / len(slab))


def test_the_111_facet_needs_two_cells():
    box = cells.orthogonalise(build_slab("111-stoichiometric", a=A, c=C))
    assert box.info["repeats"] == 2
    lateral = sorted(box.cell.lengths()[:2])
    np.testing.assert_allclose(lateral, [A * np.sqrt(2), np.sqrt(2 * A**2 + 4 * C**2)], atol=1e-6)


def test_an_orthogonal_cell_stays_as_it_is(slab):
    box = cells.orthogonalise(slab)
    np.testing.assert_allclose(box.cell.array, slab.cell.array, atol=1e-9)
    np.testing.assert_allclose(box.positions, slab.positions, atol=1e-9)


def test_a_sheared_description_of_a_crystal_needs_no_more_atoms(rutile):
    box = cells.orthogonalise(make_supercell(rutile, SHEARED))
    assert len(box) == len(rutile)
    np.testing.assert_allclose(sorted(box.cell.lengths()), sorted(rutile.cell.lengths()))


@pytest.mark.parametrize(("atoms", "count"), [(bulk("Cu"), 2), (bulk("Ru"), 4)])
def test_primitive_cells_find_their_smallest_box(atoms, count):
    box = cells.orthogonalise(atoms)
    assert len(box) == count
    assert box.get_volume() / count == pytest.approx(atoms.get_volume() / len(atoms))


@pytest.mark.parametrize("cell", plain_boxes.some_cells(60), ids=range(60))
def test_the_box_is_the_one_that_a_search_of_one_vector_at_a_time_finds(cell):
    plain = plain_boxes.smallest_rows(cell)
    if plain is None:
        with pytest.raises(ConfigError, match="No orthogonal supercell"):
            cells.orthogonal_rows(cell)
        return
    nearest = cells.nearest_axes(plain, np.eye(3, dtype=int))
    found = cells.orthogonal_rows(cell)
    assert found[[0, 2]].tolist() == nearest[[0, 2]].tolist()
    assert found[1].tolist() in (nearest[1].tolist(), (-nearest[1]).tolist())
    assert np.linalg.det(found @ cell) > 0


def test_a_tilted_vacuum_is_straightened(slab):
    tilted = slab.copy()
    tilted.cell[2] += [1.3, 0.4, 0]
    box = cells.orthogonalise(tilted)
    assert len(box) == len(slab)
    np.testing.assert_allclose(box.cell.lengths(), slab.cell.lengths())
    np.testing.assert_allclose(distances(box)[4408], distances(slab)[4408])


def test_a_cell_without_perpendicular_vectors_is_refused():
    triclinic = Atoms("Ru", cell=[[3, 0, 0], [1.1, 2.9, 0], [0.93, 1.37, 2.41]], pbc=True)
    with pytest.raises(ConfigError, match="No orthogonal supercell"):
        cells.orthogonalise(triclinic)


def test_the_vacuum_is_cut_and_the_slab_centred(slab):
    slab.positions[:, 2] += 11  # across the boundary
    slab.wrap()
    thickness = slab.cell.lengths()[2] - 20
    cut = cells.set_vacuum(slab, 12.0)
    assert cut.cell.lengths()[2] == pytest.approx(thickness + 12)
    assert cut.positions[:, 2].min() == pytest.approx(6)
    np.testing.assert_allclose(distances(cut)[4408], distances(slab)[4408])
    assert cells.potential_energy(cut) == cells.potential_energy(slab)


def test_a_crystal_without_vacuum_keeps_its_cell(rutile):
    np.testing.assert_allclose(cells.set_vacuum(rutile, 12.0).cell.lengths(), rutile.cell.lengths())


@pytest.mark.parametrize(
    ("lengths", "repeats"),
    [((6.4, 3.1, 20.0), (3, 6)), ((4.5, 4.5, 18.0), (4, 4)), ((25.0, 3.0, 20.0), (1, 6))],
)
def test_cells_are_extended_to_nearly_cubes_with_voxels_below_the_limit(lengths, repeats):
    assert cells.lateral_repeats(lengths) == repeats


def test_repeating_multiplies_the_energy(slab):
    assert cells.potential_energy(cells.repeat(slab, (3, 2, 1))) == pytest.approx(-600)


def test_scaling_is_equation_3_1_and_unscaling_its_inverse(rng):
    low, high = np.array([15.0, 17.0]), np.array([19.0, 26.0])
    lengths = rng.uniform(low, high, size=(7, 2))
    scaled = cells.scale_lengths(lengths, low, high)
    np.testing.assert_allclose(scaled, (lengths - low) / (1.1 * high - low))
    assert scaled.min() >= 0 and scaled.max() < 1
    np.testing.assert_allclose(cells.unscale_lengths(scaled, low, high), lengths)


def test_real_slabs_become_boxes_without_repeats(realdata):
    for slab in read(realdata / "ruo2_vasp_pbe.extxyz", ":"):
        if slab.info["kind"] != "eos" and slab.cell.lengths()[2] > 20:
            box = cells.orthogonalise(slab)
            assert box.info["repeats"] == 1
            assert np.abs(box.cell.lengths()[:2] - slab.cell.lengths()[:2]).max() < 1e-6


def test_analysis_agrees_on_bonds(slab):
    """ASE's own bond analysis counts what the neighbour list counts."""
    box = cells.orthogonalise(build_slab("111-stoichiometric", a=A, c=C))
    found = Analysis(box, cutoffs=[1.25] * len(box), bothways=True, self_interaction=False)
    counted = sum(map(len, found.get_bonds("Ru", "O", unique=True)))
    assert counted == len(neighbor_list("i", box, {("Ru", "O"): 2.5})) / 2
