import gzip
import lzma
import tracemalloc

import ase.io
import numpy as np
import pytest
from ase.db import connect

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import structure_files
from keras_ruo2.io.structures import iterate_structures, read_structures, texts_of
from keras_ruo2.structure.cells import potential_energy


@pytest.mark.parametrize("suffix", ["extxyz", "traj", "db", "json"])
def test_energies_come_with_their_structures(tmp_path, slab, suffix):
    path = tmp_path / f"slab.{suffix}"
    if suffix == "db":
        with connect(path) as database:
            database.write(slab)
    else:
        ase.io.write(path, slab)
    (found,) = read_structures(path)
    assert potential_energy(found) == pytest.approx(-100)
    np.testing.assert_allclose(found.positions, slab.positions, atol=1e-6)


@pytest.mark.parametrize("name", ["POSCAR", "slab.cif"])
def test_formats_without_energies_are_read(tmp_path, slab, name):
    ase.io.write(tmp_path / name, slab)
    (found,) = read_structures(tmp_path / name)
    assert potential_energy(found) is None
    assert found.get_chemical_formula() == slab.get_chemical_formula()


def test_what_is_no_structure_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ConfigError, match="cannot be read by ASE"):
        read_structures(tmp_path / "notes.txt")


@pytest.mark.parametrize("packing", ["", ".gz", ".bz2", ".xz"])
def test_parts_in_a_folder_are_read_in_the_order_of_their_names(tmp_path, slab, packing):
    for part in (2, 0, 1):
        slab.info["name"] = f"slab-{part}"
        ase.io.write(tmp_path / f"part-{part}.extxyz{packing}", [slab, slab])
    (tmp_path / "part-3.extxyz").touch()  # a chain that has not begun
    (tmp_path / "README.md").write_text("not a structure")
    for path in (tmp_path, tmp_path / "part-*.extxyz*"):
        names = [atoms.info["name"] for atoms in iterate_structures(path)]
        assert names == [f"slab-{part}" for part in (0, 0, 1, 1, 2, 2)]


@pytest.mark.parametrize("packing", [".gz", ".xz"])
def test_packed_structures_are_unpacked_one_by_one(tmp_path, slab, packing):
    """What follows is not looked at before it is wanted, nor kept."""
    ase.io.write(tmp_path / f"slabs.extxyz{packing}", [slab] * 50)
    plain = ase.io.read(tmp_path / f"slabs.extxyz{packing}", ":")
    found = list(iterate_structures(tmp_path / f"slabs.extxyz{packing}"))
    assert found == plain
    texts = texts_of(tmp_path / f"slabs.extxyz{packing}", size=1)
    assert len(list(texts)) == 1, "no frame begins after that many bytes"


def test_a_packed_file_is_never_whole_in_memory(tmp_path, slab):
    path = tmp_path / "slabs.extxyz.xz"
    ase.io.write(tmp_path / "one.extxyz", slab)
    text = (tmp_path / "one.extxyz").read_bytes()
    path.write_bytes(lzma.compress(text * 4000, preset=0))
    tracemalloc.start()
    try:
        next(iterate_structures(path))
        for _, text_again in zip(range(1000), texts_of(path), strict=False):
            assert text_again.encode() == text
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4000 * len(text) / 5


def test_old_cell_vectors_and_empty_lines_at_the_end_of_a_packed_file_are_read(tmp_path):
    vectors = "".join(f"VEC{k} {9 * (k == 1)} {9 * (k == 2)} {9 * (k == 3)}\n" for k in (1, 2, 3))
    frame = "1\n\nRu 1.0 2.0 3.0\n" + vectors
    path = tmp_path / "old.xyz.gz"
    path.write_bytes(gzip.compress((2 * frame + "\n\n").encode()))
    for atoms in (found := read_structures(path)):
        np.testing.assert_allclose(atoms.cell.lengths(), 9)
    assert len(found) == 2
    path.write_bytes(gzip.compress((frame + "\n" + frame).encode()))
    with pytest.raises(ConfigError, match="an empty line where a structure should begin"):
        read_structures(path)


def test_a_folder_without_structures_is_refused(tmp_path):
    (tmp_path / "README.md").write_text("not a structure")
    for path in (tmp_path, tmp_path / "*.extxyz"):
        with pytest.raises(ConfigError, match="holds no file of structures"):
            read_structures(path)


def test_a_damaged_part_is_named(tmp_path, slab):
    ase.io.write(tmp_path / "part-0.extxyz.xz", slab)
    whole = (tmp_path / "part-0.extxyz.xz").read_bytes()
    (tmp_path / "part-1.extxyz.xz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match="part-1.extxyz.xz cannot be read by ASE"):
        read_structures(tmp_path)


def test_a_database_gives_what_was_stored_with_its_structures(tmp_path, slab):
    with connect(tmp_path / "slabs.db") as database:
        for number in range(2):
            database.write(slab, name=f"slab-{number}", dmu_o=-0.5 * number)
        database.write(slab)
    found = read_structures(tmp_path / "slabs.db")
    assert [atoms.info.get("name") for atoms in found] == ["slab-0", "slab-1", None]
    assert [atoms.info.get("dmu_o") for atoms in found] == [0.0, -0.5, None]
    assert [potential_energy(atoms) for atoms in found] == pytest.approx([-100] * 3)


def test_poscars_are_named_after_their_files_and_folders(tmp_path, slab):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        ase.io.write(tmp_path / name / "POSCAR", slab)
    for name in ("POSCAR_2", "CONTCAR", "thin.vasp"):
        ase.io.write(tmp_path / name, slab, format="vasp")
    names = [atoms.info["name"] for atoms in read_structures(tmp_path)]
    assert names == ["CONTCAR-0", "POSCAR_2-0", "thin-0"]
    names = [atoms.info["name"] for atoms in read_structures(tmp_path / "*" / "POSCAR")]
    assert names == ["a-POSCAR-0", "b-POSCAR-0"]


def test_hidden_and_half_written_files_are_passed_over(tmp_path, slab):
    for name in ("a.extxyz", ".partial.a.extxyz", "b.partial.extxyz"):
        ase.io.write(tmp_path / name, slab)
    for several in (tmp_path, tmp_path / "*.extxyz"):
        assert [file.name for file in structure_files("structures", several)] == ["a.extxyz"]
    assert len(read_structures(tmp_path / "b.partial.extxyz")) == 1  # if it is asked for by name
