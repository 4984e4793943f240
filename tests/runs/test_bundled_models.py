"""The models that come with the package."""

import ase.io
import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.config import DiscoverConfig, EvaluateConfig, GenerateConfig
from keras_ruo2.density.backmap import backmap
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.batch import main as generate
from keras_ruo2.io.paths import MODELS, model_folder
from keras_ruo2.structure.facets import recognised_facet
from keras_ruo2.structure.validity import reasons_against

NAMES = sorted(path.name for path in MODELS.iterdir() if path.is_dir())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Forty samples of the default model and their slabs."""
    folder = tmp_path_factory.mktemp("drawn")
    out = {"out": folder / "s.npz", "structures": folder / "s.extxyz"}
    generate(GenerateConfig(count=40, shown=1, **out))
    with np.load(folder / "s.npz") as samples:
        return dict(samples), ase.io.read(folder / "s.extxyz", ":")


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_sound_small_and_tells_no_path(name):
    folder = model_folder(name)
    assert runs.sound_checkpoint(folder) is not None
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 5_000_000
    text = (folder / runs.CONFIG).read_text()
    assert '"/' not in text


def test_most_slabs_are_valid_as_the_card_says(drawn):
    """97 % of 200 on the card: fewer than 34 of 40 would happen once in 10,000 draws."""
    _, structures = drawn
    assert sum(not reasons_against(atoms) for atoms in structures) >= 34
    assert {recognised_facet(atoms) for atoms in structures} >= {"(100)", "(101)", "(110)", "(111)"}


def test_backmap_finds_the_same_atoms_in_the_grids(drawn):
    samples, structures = drawn
    for number in (0, 1):
        found = backmap(samples["grid"][number], samples["lattice"][number], alpha=5.0)
        atoms = structures[number]
        assert found.get_chemical_formula() == atoms.get_chemical_formula()
        apart = found.positions[:, None] - atoms.positions[None]
        lengths = atoms.cell.lengths()
        apart -= lengths * np.round(apart / lengths)
        near = np.linalg.norm(apart, axis=-1).argmin(axis=1)
        assert sorted(near) == list(range(len(atoms)))
        assert (found.numbers == atoms.numbers[near]).all()
        distance = np.linalg.norm(apart[np.arange(len(near)), near], axis=-1)
        assert distance.max() < 0.001


def test_slices_are_cut_through_the_slabs_beside_them(tmp_path):
    """98 % of 1,024 slabs on the card are valid: fewer than 36 of 40 are one draw in 1,000."""
    out = {"out": tmp_path / "s.npz", "structures": tmp_path / "s.extxyz"}
    generate(GenerateConfig(model="lattice2d", count=40, shown=1, **out))
    slabs = ase.io.read(out["structures"], ":")
    assert sum(not reasons_against(atoms) for atoms in slabs) >= 36
    with np.load(out["out"]) as samples:
        grids, lattice = samples["grid"], samples["lattice"]
    assert grids.shape == (40, 32, 32, 2)
    for grid, lengths, atoms in zip(grids[:4], lattice, slabs, strict=False):
        np.testing.assert_allclose(lengths, atoms.cell.lengths()[[0, 2]], atol=1e-3)
        atoms.positions[:, 2] -= atoms.info["shift"]
        np.testing.assert_allclose(grid, voxelise(atoms, (32, 32, 32), alpha=5.0)[:, 0], atol=0.01)
        assert grid.max() > 0.05


def test_without_run_and_model_the_default_model_is_meant(tmp_path):
    out = {"out": tmp_path / "s.npz"}
    assert GenerateConfig(**out).run == MODELS / "joint3d"
    assert EvaluateConfig(out=tmp_path).run == MODELS / "joint3d"
    assert DiscoverConfig(out=tmp_path / "found").run == MODELS / "joint3d"
    assert GenerateConfig(model="joint3d", **out).run == MODELS / "joint3d"
    with pytest.raises(ConfigError, match="--run=mine and --model=joint3d exclude each other"):
        GenerateConfig(run="mine", model="joint3d", **out)
    with pytest.raises(ConfigError, match="Unknown model 'joint4d'"):
        GenerateConfig(model="joint4d", **out)
