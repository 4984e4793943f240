from unittest.mock import Mock

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from keras_ruo2.density import fit
from keras_ruo2.density.backmap import BackmapFailure, backmap
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.recipes import RECIPES
from keras_ruo2.structure.cells import orthogonalise, set_vacuum
from tests.round_trips import distance, formula

ALPHA = RECIPES["gap2d"].alpha
CELL = [10.0, 11.0, 12.0]
EXACT = 1e-3  # Å, a tenth of what one step of the fit may leave


# Voxels of 1.25 Å along z, 16 of them, are those of --num_voxels=16 in a slab of 20 Å.
@pytest.mark.parametrize("offset", [0.0, 0.2, 0.36, 0.5])
def test_an_atom_amid_long_voxels_is_found(offset):
    cell, spacing = np.array([6.4, 6.4, 20.0]), 1.25
    rows = [[1, 1, (4 + offset) * spacing], [4, 4.2, (9 - offset) * spacing], [1, 4, 7.5]]
    atoms = Atoms("O3", rows, cell=cell, pbc=True)
    found = backmap(voxelise(atoms, (16, 16, 16), alpha=ALPHA), cell, alpha=ALPHA)
    assert formula(found) == "O3"
    assert distance(atoms, found) < EXACT
    assert found.info["failures"] == "coarse_voxels"


def test_slabs_on_few_voxels_lose_no_atom_in_silence():
    slabs = {slab.info["name"]: slab for slab in read(BUNDLED_STRUCTURES, ":")}
    for name in ("110-stoichiometric-relaxed", "111-O-rich-ideal"):  # voxels of 1.29 and 1.42 Å
        box = set_vacuum(orthogonalise(slabs[name]), 12.0)
        found = backmap(voxelise(box, (16, 16, 16), alpha=ALPHA), box.cell.lengths(), alpha=ALPHA)
        failures = found.info["failures"].split()
        assert "coarse_voxels" in failures
        assert formula(found) == formula(box) or "missing_density" in failures


def test_density_that_is_too_low_everywhere_is_surplus_in_the_atoms(slab):
    found = backmap(0.8 * voxelise(slab, alpha=ALPHA), slab.cell.lengths(), alpha=ALPHA)
    assert formula(found) == formula(slab)
    assert found.info["failures"] == "surplus_density"


def test_a_haze_in_a_channel_without_atoms_is_missing_density(slab):
    grid = voxelise(slab, alpha=ALPHA)
    grid[..., 0] = 0.02
    found = backmap(grid, slab.cell.lengths(), alpha=ALPHA)
    assert set(found.get_chemical_symbols()) == {"O"}
    assert found.info["failures"] == "missing_density"


@pytest.mark.parametrize("length", [8.0, 40.0, 150.0])
@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_no_noisy_grid_of_few_voxels_breaks_the_fit(rng, length, noise):
    """Atoms that a single voxel shows leave no trace of their place: singular equations."""
    shape, cell = (8, 8, 8), np.array([length, length / 2, length])
    for _ in range(4):
        atoms = Atoms("Ru4O8", rng.uniform(size=(12, 3)) * cell, cell=cell, pbc=True)
        grid = voxelise(atoms, shape, alpha=ALPHA)
        grid[2, 3, 4] = 1
        grid = np.clip(grid + noise * rng.normal(size=grid.shape), 0, 1)
        try:
            found = backmap(grid, cell, alpha=ALPHA)
        except BackmapFailure:
            continue
        assert np.isfinite(found.positions).all()
        assert found.info["failures"] != "no" or length == 8.0


def test_equations_without_a_solution_are_a_failure_with_a_name(slab, monkeypatch):
    broken = Mock(side_effect=np.linalg.LinAlgError("Singular matrix"))
    monkeypatch.setattr(fit, "solve", broken)
    with pytest.raises(BackmapFailure, match="broke down") as caught:
        backmap(voxelise(slab, alpha=ALPHA), slab.cell.lengths(), alpha=ALPHA)
    assert caught.value.reason == "numerical"


def test_an_empty_grid_of_long_voxels_says_so():
    with pytest.raises(BackmapFailure, match="too long for `alpha` = 5") as caught:
        backmap(np.zeros((8, 8, 8, 2)), CELL, alpha=ALPHA)
    assert caught.value.reason == "coarse_voxels"
