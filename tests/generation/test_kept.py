"""`generate --keep`: the lower part of a user's slab stays, the bundled model draws the face."""

import ase.io
import numpy as np
import pytest

from keras_ruo2.config import GenerateConfig, RelaxConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.batch import main as generate
from keras_ruo2.relaxation.batch import main as relax
from keras_ruo2.structure.slabs import build_slab


@pytest.fixture
def slab():
    """A slab of another potential's lattice, its atoms off their ideal places."""
    slab = build_slab("110-stoichiometric", a=4.55, c=3.12, num_planes=5)
    slab.positions += np.random.default_rng(0).normal(scale=0.02, size=slab.positions.shape)
    slab.info = {"name": "mine"}
    return slab


def made(tmp_path, slab, **flags):
    """Return what is drawn for a slab, and the slab as its file holds it."""
    ase.io.write(tmp_path / "slab.extxyz", slab)
    given = {"keep": tmp_path / "slab.extxyz", "structures": tmp_path / "out.extxyz", "count": 4}
    generate(GenerateConfig(**(given | {"frozen_layers": 3} | flags)))
    return ase.io.read(tmp_path / "out.extxyz", ":"), ase.io.read(tmp_path / "slab.extxyz")


@pytest.mark.parametrize("joining", ["splice", "constrained", "latent"])
def test_the_kept_part_is_the_users_own(tmp_path, slab, joining, capsys):
    drawn, given = made(tmp_path, slab, joining=joining)
    assert len(drawn) == 4 and "atoms of each are those of" in capsys.readouterr().out
    for atoms in drawn:
        count = atoms.info["kept_atoms"]
        own = {place.tobytes() for place in given.positions}
        assert {place.tobytes() for place in atoms.positions[:count]} < own
        assert count == 18 and len(atoms) > count
        assert atoms.cell.array.tobytes() == given.cell.array.tobytes()
        np.testing.assert_array_equal(atoms.constraints[0].index, np.arange(count))
        if joining != "splice":
            assert atoms.info["disagreeing"] == 0
    assert len({atoms.get_chemical_formula() for atoms in drawn}) > 1 or len(drawn[0]) > 18


def test_relaxing_them_moves_the_face_only(tmp_path, slab):
    drawn, _ = made(tmp_path, slab, count=2)
    flags = {"calculator": "tests.fakes:Morse", "steps": 3}
    relax(RelaxConfig(structures=tmp_path / "out.extxyz", out=tmp_path / "r.extxyz", **flags))
    for before, after in zip(drawn, ase.io.read(tmp_path / "r.extxyz", ":"), strict=True):
        count = before.info["kept_atoms"]
        assert after.info["frozen_atoms"] == count
        assert after.positions[:count].tobytes() == before.positions[:count].tobytes()
        assert not np.array_equal(after.positions, before.positions)


def test_in_a_larger_cell_faces_repeat_or_differ(tmp_path, slab):
    wide = slab.repeat((1, 2, 1))
    wide.info = slab.info
    same, _ = made(tmp_path, wide)
    for atoms in same:
        counts = [len(atoms) - atoms.info["kept_atoms"]]
        assert all(count % 2 == 0 for count in counts)
    each, _ = made(tmp_path, wide, repeats="each", count=8)
    odd = [(len(atoms) - atoms.info["kept_atoms"]) % 2 for atoms in each]
    assert any(odd), "no face differs from one unit cell to the next"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"frozen_layers": 5}, "slab.extxyz: .* has 5 layers of Ru, 5 of which cannot be frozen"),
        ({"frozen_layers": 1}, "with 4 planes of Ru to be drawn; the model's cells of \\(110\\)"),
        ({"frozen_layers": 0, "keep_below": 99.0}, "slab.extxyz: --keep_below=99 lies above all"),
        ({"frozen_layers": 0}, "--keep needs --frozen_layers .1 or more. or --keep_below"),
        ({"keep_below": 9.0}, "--keep needs --frozen_layers .1 or more. or --keep_below"),
        ({"out": "s.npz"}, "--keep writes structures, no grids"),
        ({"facet": 110}, "--keep and --facet exclude each other"),
        ({"joining": "glue"}, "Unknown joining 'glue'"),
    ],
)
def test_bad_flags_are_refused_in_one_line(tmp_path, slab, flags, message):
    with pytest.raises(ConfigError, match=message) as error:
        made(tmp_path, slab, **flags)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out.extxyz").exists()


def test_slabs_that_the_model_does_not_know_are_refused(tmp_path, slab):
    strained = slab.copy()
    strained.set_cell(slab.cell.array * [[1.1], [1.1], [1]], scale_atoms=True)
    stepped = build_slab("110-stoichiometric", a=4.5, c=3.1)
    stepped.info = {"facet": "(410)"}
    stepped.set_cell(stepped.cell.array * [[1.3], [1.2], [1]])
    iridium = slab.copy()
    iridium.symbols[slab.symbols == "Ru"] = "Ir"
    for atoms, message in (
        (strained, "no cell of the model lies on its lower part: its cell is"),
        (stepped, "its facet is .*, the model knows"),
        (iridium, "is of Ir, O, the model makes Ru and O"),
    ):
        with pytest.raises(ConfigError, match=message):
            made(tmp_path, atoms, frozen_layers=1)


def test_flags_about_a_kept_slab_need_one(tmp_path):
    with pytest.raises(ConfigError, match="--frozen_layers goes with --keep"):
        GenerateConfig(out=tmp_path / "s.npz", frozen_layers=1)
    with pytest.raises(ConfigError, match="--out is missing"):
        GenerateConfig()
