from unittest.mock import Mock

import numpy as np
import pytest
from ase.io import read

from keras_ruo2.config import BackmapConfig
from keras_ruo2.density import batch as command
from keras_ruo2.density import fit
from keras_ruo2.density.batch import main as backmap
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.samples import load_arrays
from keras_ruo2.plotting.atoms import on_pixels
from keras_ruo2.structure.cells import repeat

ALPHA = 5.0


@pytest.fixture
def box(slab):
    return repeat(slab, (1, 2, 1))


def write(path, **arrays):
    np.savez(path, **arrays)
    return path


def test_every_sample_comes_back_in_order(box, tmp_path, capsys):
    full = voxelise(box, alpha=ALPHA)
    grids = np.stack([full, np.zeros_like(full), full[:, ::-1], np.ones_like(full)])
    lattice = np.tile(box.cell.lengths(), (4, 1)).astype("float32")
    samples = write(tmp_path / "s.npz", grid=grids, lattice=lattice, label=np.arange(4))
    backmap(BackmapConfig(samples=samples, out=tmp_path / "new" / "s.extxyz"))
    found = read(tmp_path / "new" / "s.extxyz", ":")
    assert [len(atoms) for atoms in found] == [len(box), 0, len(box), 0]
    assert [atoms.info["sample"] for atoms in found] == [0, 1, 2, 3]
    assert [atoms.info["label"] for atoms in found] == [0, 1, 2, 3]
    assert [atoms.info["failures"] for atoms in found] == ["no", "empty", "no", "crowded"]
    assert found[0].info["residual"] < 0.01
    assert found[0].arrays["confidence"].shape == (len(box),)
    np.testing.assert_allclose(found[1].cell.lengths(), box.cell.lengths(), rtol=1e-6)
    printed = capsys.readouterr().out
    assert "4 frames" in printed and "2 without failures" in printed
    assert "empty 1" in printed and "crowded 1" in printed
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["s.extxyz"]


def test_slices_become_atoms_in_a_plane_that_nothing_takes_for_a_structure(box, tmp_path):
    grid = voxelise(box, alpha=ALPHA)[None, :, 0]
    samples = write(tmp_path / "s.npz", grid=grid, lattice=box.cell.lengths()[None, [0, 2]])
    backmap(BackmapConfig(samples=samples, out=tmp_path / "s.extxyz"))
    atoms = read(tmp_path / "s.extxyz")
    assert len(atoms) and (atoms.positions[:, 1] == 0).all()
    with pytest.raises(ConfigError, match="no three-dimensional cell"):
        voxelise(atoms, alpha=ALPHA)


def test_grids_of_8_bits_are_multiples_of_1_255(box, tmp_path):
    grid = np.round(255 * voxelise(box, alpha=ALPHA)[None]).astype(np.uint8)
    samples = write(tmp_path / "s.npz", grid=grid, lattice=box.cell.lengths()[None])
    backmap(BackmapConfig(samples=samples, out=tmp_path / "s.extxyz"))
    assert read(tmp_path / "s.extxyz").get_chemical_formula() == box.get_chemical_formula()


def test_samples_without_any_structure_are_written_and_fail(tmp_path):
    samples = write(tmp_path / "s.npz", grid=GRID, lattice=LATTICE)
    with pytest.raises(ConfigError, match="No sample of .* holds a structure"):
        backmap(BackmapConfig(samples=samples, out=tmp_path / "s.extxyz"))
    found = read(tmp_path / "s.extxyz", ":")
    assert [atoms.info["failures"] for atoms in found] == ["coarse_voxels"] * 3


def test_a_fit_that_breaks_down_costs_one_sample(box, tmp_path, monkeypatch):
    grid, lattice = voxelise(box, alpha=ALPHA), box.cell.lengths()
    samples = write(tmp_path / "s.npz", grid=np.stack([grid] * 2), lattice=[lattice] * 2)
    solve, calls = fit.solve, []

    def once_broken(*arguments):
        calls.append(1)
        if len(calls) == 1:
            raise np.linalg.LinAlgError("Singular matrix")
        return solve(*arguments)

    monkeypatch.setattr(fit, "solve", once_broken)
    backmap(BackmapConfig(samples=samples, out=tmp_path / "s.extxyz"))
    found = read(tmp_path / "s.extxyz", ":")
    assert [atoms.info["failures"] for atoms in found] == ["numerical", "no"]
    assert [len(atoms) for atoms in found] == [0, len(box)]


def test_what_was_finished_before_an_interrupt_is_readable(box, tmp_path, monkeypatch):
    grid = voxelise(box, alpha=ALPHA)
    lattice = np.tile(box.cell.lengths(), (3, 1))
    samples = write(tmp_path / "s.npz", grid=np.stack([grid] * 3), lattice=lattice)
    whole = command.map_sample(grid, box.cell.lengths(), ALPHA)
    outcomes = Mock(side_effect=[whole.copy(), whole.copy(), KeyboardInterrupt])
    monkeypatch.setattr(command, "map_sample", outcomes)
    with pytest.raises(KeyboardInterrupt):
        backmap(BackmapConfig(samples=samples, out=tmp_path / "s.extxyz"))
    assert not (tmp_path / "s.extxyz").exists()
    found = read(tmp_path / "s.partial.extxyz", ":")
    assert [atoms.get_chemical_formula() for atoms in found] == [box.get_chemical_formula()] * 2


def test_found_atoms_are_drawn_where_the_density_is(box, tmp_path, capsys):
    lengths = box.cell.lengths()
    for grid, size in (
        (voxelise(box, alpha=ALPHA), lengths),
        (voxelise(box, alpha=ALPHA)[:, 0], lengths[[0, 2]]),
    ):
        samples = write(tmp_path / "s.npz", grid=grid[None], lattice=size[None])
        out, picture = tmp_path / "s.extxyz", tmp_path / "pictures" / "s.png"
        backmap(BackmapConfig(samples=samples, out=out, picture=picture, overwrite=True))
        assert picture.stat().st_size > 1000
        assert "s.png shows 1." in capsys.readouterr().out
        atoms = read(out)
        seen = grid.max(axis=(1, -1)) if grid.ndim == 4 else grid.max(axis=-1)
        pixels = np.floor(on_pixels(atoms, size[[0, -1]], seen.shape) / size[[0, -1], None] * 32)
        assert len(atoms) and (seen[tuple(pixels.astype(int))] > 0.1).all()


def test_lengths_can_be_given_where_the_file_has_none(box, tmp_path):
    samples = write(tmp_path / "s.npz", grid=voxelise(box, alpha=ALPHA)[None])
    lengths = tuple(box.cell.lengths().tolist())
    backmap(BackmapConfig(samples=samples, out=tmp_path / "s.extxyz", lengths=lengths))
    assert read(tmp_path / "s.extxyz").get_chemical_formula() == box.get_chemical_formula()


GRID = np.zeros((3, 8, 8, 8, 2))
LATTICE = np.full((3, 3), 10.0)


@pytest.mark.parametrize(
    ("arrays", "flags", "message"),
    [
        ({"grid": np.array([{}, {}], dtype=object)}, {}, "it holds pickles"),
        ({"lattice": LATTICE}, {}, "has no array `grid`"),
        ({"grid": GRID[0], "lattice": LATTICE}, {}, "lattice lengths have shape"),
        ({"grid": GRID[..., :1], "lattice": LATTICE}, {}, "has shape"),
        ({"grid": GRID[:0], "lattice": LATTICE[:0]}, {}, "has shape"),
        ({"grid": GRID}, {}, "has no lattice lengths. Give them: --lengths=18,18,18."),
        ({"grid": GRID, "lattice": LATTICE}, {"lengths": (9, 9, 9)}, "of its own"),
        ({"grid": GRID, "lattice": LATTICE[:, :2]}, {}, "lattice lengths have shape"),
        ({"grid": GRID, "lattice": LATTICE - 10}, {}, "3 samples have absurd lattice lengths"),
        ({"grid": GRID, "lattice": LATTICE * np.nan}, {}, "absurd"),
        ({"grid": GRID * np.nan, "lattice": LATTICE}, {}, "3 of 3 grids hold NaN"),
        ({"grid": GRID.astype(str), "lattice": LATTICE}, {}, "`grid` is text. Expected floats"),
        ({"grid": GRID + 0j, "lattice": LATTICE}, {}, "`grid` is complex128"),
        ({"grid": GRID > 0, "lattice": LATTICE}, {}, "`grid` is bool"),
        ({"grid": GRID[:, :0], "lattice": LATTICE}, {}, "has shape"),
        ({"grid": GRID, "lattice": LATTICE.astype(str)}, {}, "`lattice` is text. Expected floats"),
        ({"grid": GRID, "lattice": LATTICE + 0j}, {}, "`lattice` is complex128"),
        ({"grid": GRID, "lattice": LATTICE, "label": np.arange(2)}, {}, r"shape \(2,\). Expected"),
        ({"grid": GRID, "lattice": LATTICE, "label": np.full(3, np.nan)}, {}, "`label` is float64"),
        ({"grid": GRID, "lattice": LATTICE, "label": np.array(["a"] * 3)}, {}, "`label` is text"),
        ({"grid": GRID, "lattice": LATTICE, "species": np.array("Ru,O")}, {}, "text of shape"),
        ({"grid": GRID, "lattice": LATTICE, "species": np.arange(2)}, {}, "`species` is int64"),
        ({"grid": GRID, "lattice": LATTICE, "species": ["Ru", "Xx"]}, {}, "names Ru,Xx. Expected"),
        ({"grid": GRID + 7, "lattice": LATTICE}, {}, "float64 from 7 to 7. Expected"),
        ({"grid": GRID.astype(int), "lattice": LATTICE}, {}, "`grid` is int64. Expected floats"),
    ],
)
def test_unusable_samples_are_refused_before_anything_is_written(arrays, flags, message, tmp_path):
    samples = write(tmp_path / "s.npz", **arrays)
    with pytest.raises(ConfigError, match=message):
        backmap(BackmapConfig(samples=samples, out=tmp_path / "out.extxyz", **flags))
    assert not (tmp_path / "out.extxyz").exists()


def test_other_files_are_refused(tmp_path):
    (tmp_path / "s.npz").write_text("not a zip")
    with pytest.raises(ConfigError, match="was refused"):
        backmap(BackmapConfig(samples=tmp_path / "s.npz", out=tmp_path / "out.extxyz"))
    np.save(tmp_path / "s.npy", GRID)
    with pytest.raises(ConfigError, match="was refused"):
        backmap(BackmapConfig(samples=tmp_path / "s.npy", out=tmp_path / "out.extxyz"))


def test_flags_are_checked(tmp_path):
    samples = write(tmp_path / "s.npz", grid=GRID)
    out = tmp_path / "out.extxyz"
    out.write_text("")
    for message, flags in (
        ("no such file", {"samples": tmp_path / "none.npz", "out": tmp_path / "o.extxyz"}),
        ("must end in .extxyz", {"samples": samples, "out": tmp_path / "o.xyz"}),
        ("exists. Choose another file", {"samples": samples, "out": out}),
        ("must end in .png", {"samples": samples, "out": tmp_path / "o.extxyz", "picture": out}),
        ("--lengths", {"samples": samples, "out": tmp_path / "o.extxyz", "lengths": ("a", 1)}),
        ("--alpha is 0", {"samples": samples, "out": tmp_path / "o.extxyz", "alpha": 0.0}),
    ):
        with pytest.raises(ConfigError, match=message):
            BackmapConfig(**flags)


def test_structures_in_place_of_samples_are_not_called_pickles(slab, tmp_path):
    slab.write(tmp_path / "x.extxyz")
    with pytest.raises(ConfigError, match="x.extxyz was refused: it is no .npz of arrays"):
        load_arrays(tmp_path / "x.extxyz")
