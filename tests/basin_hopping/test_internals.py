import numpy as np
import pytest
from ase import Atoms
from ase.data import covalent_radii
from ase.geometry import get_angles, get_dihedrals
from ase.neighborlist import neighbor_list

from keras_ruo2.basin_hopping.internals import (
    bond_vectors,
    delocalised_modes,
    find_internals,
    wilson_b,
)
from keras_ruo2.structure.slabs import build_slab

STEP = 1e-5  # Å; the error of a central difference is its square times a third derivative


@pytest.fixture(params=[(1, 1, 1), (1, 2, 1)], ids=["images of itself", "supercell"])
def rough(request):
    """A rattled (100) slab; in its (1x1) cell an atom is bonded to its own images."""
    slab = build_slab("100-stoichiometric", a=4.5, c=3.1, vacuum=10).repeat(request.param)
    slab.rattle(0.08, seed=3)
    return slab


def coordinate_values(internals, atoms):
    """Return every internal coordinate, bonds, bends, torsions: shape `(len(internals),)`."""
    bonds, bends, torsions = (bond_vectors(table, atoms) for table in internals)
    parts = [np.linalg.norm(bonds[0], axis=1)]
    if len(bends[0]):
        parts.append(np.radians(get_angles(-bends[0], bends[1])))
    if len(torsions[0]):
        parts.append(np.radians(get_dihedrals(*torsions)))
    return np.concatenate(parts)


def upper_half(slab):
    return slab.positions[:, 2] > np.median(slab.positions[:, 2])


def change(internals, after, before):
    """Difference of internals; of torsions the short way round."""
    difference = coordinate_values(internals, after) - coordinate_values(internals, before)
    return (difference + np.pi) % (2 * np.pi) - np.pi


def test_wilson_b_is_the_numerical_derivative_of_the_internals(rough):
    internals = find_internals(rough, upper_half(rough))
    assert all(len(table.atoms) for table in internals)
    matrix = wilson_b(internals, rough).toarray()
    for column in range(0, 3 * len(rough), 1 if len(rough) < 20 else 11):
        there, back = rough.copy(), rough.copy()
        there.positions.ravel()[column] += STEP
        back.positions.ravel()[column] -= STEP
        numerical = change(internals, there, back) / (2 * STEP)
        np.testing.assert_allclose(matrix[:, column], numerical, atol=1e-6)


def test_a_step_along_a_mode_changes_the_internals_as_predicted_to_first_order(rough):
    chosen = upper_half(rough)
    internals = find_internals(rough, chosen)
    matrix = wilson_b(internals, rough)
    modes, singular = delocalised_modes(rough, chosen)
    for mode, value in zip(modes[::9], singular[::9], strict=True):
        predicted = matrix @ mode.ravel()
        assert np.linalg.norm(predicted) == pytest.approx(value, rel=1e-6)
        errors = []
        for step in (1e-3, 1e-4):
            moved = rough.copy()
            moved.positions += step * mode
            errors.append(np.abs(change(internals, moved, rough) - step * predicted).max())
        assert errors[1] < 0.02 * errors[0] + 1e-12  # a tenth of the step, a hundredth the error


def test_modes_are_orthonormal_and_move_chosen_atoms_only(rough):
    chosen = upper_half(rough)
    modes, singular = delocalised_modes(rough, chosen)
    flat = modes.reshape(len(modes), -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(modes)), atol=1e-10)
    assert not modes[:, ~chosen].any()
    assert len(modes) == 3 * chosen.sum()  # bonds to atoms that stay fix every motion
    assert np.all(np.diff(singular) <= 0)


def test_internals_do_not_depend_on_the_image_an_atom_is_given_in(rough):
    everywhere = np.ones(len(rough), dtype=bool)
    moved = rough.copy()
    moved.positions[::3] += 2 * rough.cell.array[0] - rough.cell.array[1]
    before, after = (
        np.sort(np.cos(coordinate_values(find_internals(atoms, everywhere), atoms)))
        for atoms in (rough, moved)
    )
    np.testing.assert_allclose(before, after, atol=1e-9)


def test_every_bond_bend_and_torsion_is_found_once(rough):
    """By its definition: walks of one, two and three bonds, either way round the same."""
    everywhere = np.ones(len(rough), dtype=bool)
    radii = 1.2 * covalent_radii[rough.numbers]
    steps = {}
    for i, j, image in zip(*neighbor_list("ijS", rough, radii), strict=True):
        steps.setdefault(int(i), []).append((int(j), image))
    walks = [[(i, np.zeros(3, dtype=int))] for i in range(len(rough))]
    for table in find_internals(rough, everywhere):
        walks = [
            [*walk, (j, walk[-1][1] + image)]
            for walk in walks
            for j, image in steps[walk[-1][0]]
            if not any(j == k and (walk[-1][1] + image == cell).all() for k, cell in walk)
        ]
        found = {walk_key(zip(*row, strict=True)) for row in zip(*table, strict=True)}
        assert len(found) == len(table.atoms)
        assert found <= {walk_key(walk) for walk in walks}
        if table.atoms.shape[1] == 2:
            assert found == {walk_key(walk) for walk in walks}
    # Straight walks are left out; those that are counted here are bent at each atom between.
    assert found == {walk_key(walk) for walk in walks if is_bent(walk, rough)}


def walk_key(walk):
    """What two ways to write a walk have in common: from either end, in whatever cell."""
    walk = [(int(atom), np.asarray(cell)) for atom, cell in walk]
    ways = [
        tuple((atom, *(cell - way[0][1]).tolist()) for atom, cell in way)
        for way in (walk, walk[::-1])
    ]
    return min(ways)


def is_bent(walk, atoms):
    places = np.array([atoms.positions[atom] + cell @ atoms.cell.array for atom, cell in walk])
    steps = np.diff(places, axis=0)
    angles = get_angles(-steps[:-1], steps[1:])
    return bool(((angles < 170) & (angles > 10)).all())


def test_rigid_motions_change_no_internal_and_are_no_modes():
    water_like = Atoms("ORuO", [[0, 1.2, 0.9], [0, 0, 0], [0.3, -1.2, 0.8]], cell=[9] * 3, pbc=True)
    modes, _ = delocalised_modes(water_like, [True] * 3)
    assert len(modes) == 3  # 3 n - 6
    np.testing.assert_allclose(modes.sum(axis=1), 0, atol=1e-10)


def test_atoms_without_bonds_have_no_modes():
    apart = Atoms("RuO", [[0, 0, 0], [0, 0, 5]], cell=[12] * 3, pbc=True)
    modes, singular = delocalised_modes(apart, [True, True])
    assert modes.shape == (0, 2, 3) and singular.shape == (0,)


def test_straight_bends_are_left_out():
    chain = Atoms("ORuO", [[0, 0, -1.9], [0, 0, 0], [0, 0, 1.9]], cell=[12] * 3, pbc=True)
    bonds, bends, torsions = find_internals(chain, [True] * 3)
    assert len(bonds.atoms) == 2 and len(bends.atoms) == len(torsions.atoms) == 0
    assert np.isfinite(wilson_b(find_internals(chain, [True] * 3), chain).toarray()).all()
