import numpy as np
import pytest

from keras_ruo2.structure.cells import orthogonalise
from keras_ruo2.structure.repeats import smallest_cell
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab


@pytest.fixture(params=["110-stoichiometric", "100-O-poor", "111-stoichiometric-2"])
def slab(request):
    assert request.param in TERMINATIONS
    return smallest_cell(orthogonalise(build_slab(request.param, a=4.5, c=3.1)))


def shuffled(atoms, rng, rattled=0.0):
    """Return `atoms` moved anywhere, in another order, each a little off."""
    atoms = atoms[rng.permutation(len(atoms))]
    atoms.positions += rng.uniform(size=3) * atoms.cell.lengths() * [1, 1, 0]
    atoms.positions += rng.uniform(-rattled, rattled, size=atoms.positions.shape)
    atoms.wrap()
    return atoms


@pytest.mark.parametrize("repeats", [(1, 1), (2, 3), (4, 1)])
def test_a_repeated_slab_becomes_its_cell_again(rng, slab, repeats):
    found = smallest_cell(shuffled(slab.repeat((*repeats, 1)), rng, rattled=0.05))
    assert found.info["repeats"] == list(repeats)
    assert found.get_chemical_formula() == slab.get_chemical_formula()
    np.testing.assert_allclose(found.cell.array, slab.cell.array, atol=1e-9)
    distances = np.sort(found.get_all_distances(mic=True).ravel())
    expected = np.sort(slab.get_all_distances(mic=True).ravel())
    np.testing.assert_allclose(distances, expected, atol=0.2)  # two atoms, 0.05 in three directions


def test_one_atom_that_differs_keeps_the_cell(rng, slab):
    whole = slab.repeat((2, 2, 1))
    del whole[0]
    assert smallest_cell(shuffled(whole, rng)).info["repeats"] == [1, 1]


def test_atoms_are_placed_at_the_mean_of_their_copies(slab):
    whole = slab.repeat((2, 1, 1))
    whole.positions[0, 2] += 0.2
    whole.arrays["confidence"] = np.ones(len(whole))
    whole.arrays["confidence"][0] = 0.5
    found = smallest_cell(whole)
    assert found.positions[0, 2] - slab.positions[0, 2] == pytest.approx(0.1)
    assert found.arrays["confidence"][0] == pytest.approx(0.75)
