import dataclasses
import subprocess
import sys
from types import SimpleNamespace

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read

from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.data.description import HELD_OUT, TRAINING, how_to_rebuild, load_description
from keras_ruo2.data.pipeline import read_sample
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.recipes import RECIPES
from keras_ruo2.records.build import main
from keras_ruo2.records.samples import rotate_and_translate, slices
from keras_ruo2.records.shards import dataset_statistics, tally_records
from keras_ruo2.records.split import split_structures, warn_of_few_chains
from keras_ruo2.records.survey import family_of, prepare_structure
from keras_ruo2.structure.cells import (
    energy_per_atom,
    potential_energy,
    rotate_quarter,
    with_energy,
)
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.structure.validity import broken

SPLITS = (TRAINING, HELD_OUT)


def test_the_bundled_slabs_give_the_source_s_number_of_records(tmp_path):
    main(RecordsConfig(out=tmp_path / "gap2d"))
    description = load_description(tmp_path / "gap2d")
    assert sum(description.counts.values()) == 18_944
    repeats = description.source["lateral_repeats"]
    assert set(repeats) == {"2", "3", "4", "5", "6"} and sum(repeats.values()) == 2 * (148 - 15)
    assert 91 * RECIPES["gap2d"].records_per_structure == 11_648  # the source's subset


def test_the_bundled_slabs_carry_what_they_should():
    frames = read(BUNDLED_STRUCTURES, ":")
    assert len({atoms.info["name"] for atoms in frames}) == 148
    facets = {"(001)", "(100)", "(101)", "(110)", "(111)"}
    assert {atoms.info["facet"] for atoms in frames} == facets
    assert all(abs(atoms.info["supercell_error"]) < 20 for atoms in frames)
    for atoms in frames:
        assert atoms.info["broken"] == (" ".join(broken(atoms)) or "no")
        assert atoms.info["calculator"] == "CHGNet 0.3.0"
        assert np.isfinite(potential_energy(atoms))


def test_empty_slices_are_dropped():
    box = Atoms("Ru", [[2.0, 2.0, 2.0]], cell=[16, 16, 16])
    found = slices(voxelise(box, alpha=5.0), box.cell.lengths(), (0, 4, 10))
    assert [(part["plane"], part["lattice"].tolist()) for part in found] == [
        ("xz", [16, 16]),
        ("yz", [16, 16]),
    ]


def test_a_quarter_turn_swaps_planes_and_lengths(slab):
    before = slices(voxelise(slab, alpha=5.0), slab.cell.lengths(), (0,))
    turned = rotate_quarter(slab, 1)
    after = slices(voxelise(turned, alpha=5.0), turned.cell.lengths(), (0,))
    by_plane = [{part["plane"]: part for part in parts} for parts in (before, after)]
    # x -> y: what the yz plane at x = 0 showed is in the xz plane at y = 0, mirrored
    np.testing.assert_allclose(by_plane[1]["yz"]["grid"], by_plane[0]["xz"]["grid"], atol=1e-6)
    mirrored = np.roll(by_plane[0]["yz"]["grid"][::-1], 1, axis=0)
    np.testing.assert_allclose(by_plane[1]["xz"]["grid"], mirrored, atol=1e-6)
    np.testing.assert_allclose(by_plane[1]["yz"]["lattice"], by_plane[0]["xz"]["lattice"])


def test_labels_and_energies_are_per_atom(structures, records):
    energies = {a.info["name"]: potential_energy(a) / len(a) for a in read(structures, ":")}
    description = load_description(records)
    some = read_sample(records, description, TRAINING, 500, seed=0)
    edges = np.array(description.class_edges)
    for name, energy, label in zip(some["structure"], some["energy"], some["label"], strict=True):
        assert energy == pytest.approx(energies[name.decode()], abs=1e-5)
        assert edges[label] - 1e-5 <= energy <= edges[label + 1] + 1e-5


def test_lattice_bounds_are_those_of_the_training_records(records):
    description = load_description(records)
    lattice = read_sample(records, description, TRAINING, 10**6, seed=0)["lattice"]
    np.testing.assert_allclose(lattice.min(axis=0), description.lattice_minimum, rtol=1e-6)
    np.testing.assert_allclose(lattice.max(axis=0), description.lattice_maximum, rtol=1e-6)


def test_nothing_of_the_held_out_split_is_described(tmp_path, slab):
    """Two cells of different sizes: whichever is held out leaves no trace in the bounds."""
    wide = slab.copy()
    wide.set_cell(slab.cell.lengths() * [1.3, 1.1, 1.2])
    path = write(tmp_path / "two.extxyz", slab, wide)
    config = {"structures": path, "num_classes": 0, "holdout": 0.5}
    for seed in range(4):
        out = tmp_path / str(seed)
        main(RecordsConfig(out=out, seed=seed, **config))
        description = load_description(out)
        name = description.structures[TRAINING][0]
        box = prepare_structure((slab, wide)[int(name.rpartition("-")[2])], RECIPES["gap2d"])
        x, y, z = box.cell.lengths()
        np.testing.assert_allclose(description.lattice_minimum, [min(x, y), z])
        np.testing.assert_allclose(description.lattice_maximum, [max(x, y), z])
        assert sum(description.source["lateral_repeats"].values()) == 2


def test_labels_of_the_training_records_are_counted(records):
    description = load_description(records)
    labels = read_sample(records, description, TRAINING, 10**6, seed=0)["label"]
    expected = [int((labels == label).sum()) for label in range(10)]
    assert list(description.label_counts) == expected and sum(expected) == 9 * 128
    assert description.dmu_o_counts == ()


def test_chemical_potentials_are_counted_where_they_are_known():
    lengths = np.array([5.0, 9.0])
    seen = [(lengths, -1, value) for value in (0.0, -0.5, np.nan, -1.0, -0.5)]
    found = dataset_statistics([tally_records(seen[:2], 0), None, tally_records(seen[2:], 0)], 0)
    assert found["dmu_o_counts"] == ((-1.0, 1), (-0.5, 2), (0.0, 1))
    assert found["label_counts"] == ()


def test_structures_that_give_no_record_are_refused():
    with pytest.raises(ConfigError, match="Every slice of the training structures is empty"):
        dataset_statistics([None, None], 10)


@pytest.fixture(scope="module")
def solid(structures, tmp_path_factory):
    """Whole grids of `structures`, moved along x and y only."""
    out = tmp_path_factory.mktemp("records") / "gap3d"
    main(RecordsConfig(structures=structures, out=out, recipe="gap3d", translate="xy"))
    return out


def test_whole_grids_are_records(solid):
    description = load_description(solid)
    assert description.counts == {TRAINING: 11 * 10, HELD_OUT: 10}
    assert description.grid_shape == (32, 32, 32, 2)
    assert len(description.lattice_minimum) == len(description.lattice_maximum) == 3
    assert (
        sum(path.stat().st_size for path in solid.glob("*.tfrecord")) < 120 * 132_500
    )  # a grid, its motif
    some = read_sample(solid, description, TRAINING, 20, seed=0)
    assert some["grid"].shape == (20, 32, 32, 32, 2) and some["lattice"].shape == (20, 3)
    assert set(some["plane"]) == {b"xyz"}


def test_quarter_turns_swap_the_lateral_lengths_and_keep_the_density(solid):
    some = read_sample(solid, load_description(solid), TRAINING, 10**6, seed=0)
    for name in set(some["structure"]):
        mine = some["structure"] == name
        lengths = np.unique(some["lattice"][mine], axis=0)
        np.testing.assert_allclose(lengths, lengths[::-1, [1, 0, 2]])  # both orders, or a square
        # the sum over a fine grid is the number of atoms, wherever they lie and however turned
        volume = some["lattice"][mine].prod(axis=1) / 32**3
        masses = some["grid"][mine].sum(axis=(1, 2, 3)) * volume[:, None]
        np.testing.assert_allclose(masses, np.broadcast_to(masses[0], masses.shape), rtol=0.02)


def test_translations_along_x_and_y_leave_the_slab_at_its_height(solid):
    some = read_sample(solid, load_description(solid), TRAINING, 10**6, seed=0)
    for name in set(some["structure"]):
        profiles = some["grid"][some["structure"] == name].mean(axis=(1, 2))
        # rows of atoms between voxels are sampled a little differently each time
        np.testing.assert_allclose(
            profiles, np.broadcast_to(profiles[0], profiles.shape), atol=0.02 * profiles.max()
        )
        assert profiles[0, [0, 1, 30, 31]].max() < 1e-3  # vacuum below and above


def test_a_structure_that_is_not_extended_keeps_its_height(slab, rng):
    moved = rotate_and_translate(slab, rng, rotate=True, translate="xy")
    np.testing.assert_allclose(moved.positions[:, 2], slab.positions[:, 2])
    free = rotate_and_translate(slab, rng, rotate=True)
    assert np.abs(free.positions[:, 2] - slab.positions[:, 2]).max() > 0.1


def test_the_axes_of_translation_are_kept_for_rebuilding(solid, records):
    description = load_description(solid)
    assert description.source["translate"] == "xy"
    assert load_description(records).source["translate"] == "xyz"
    advice = how_to_rebuild(solid, dataclasses.asdict(description))
    assert "--recipe=gap3d" in advice and "--translate=xy " in advice


def test_other_axes_of_translation_are_refused(structures):
    with pytest.raises(ConfigError, match="Unknown translate 'z'. Expected one of: xyz, xy"):
        RecordsConfig(structures=structures, translate="z")


def test_other_grids_keep_every_second_slice_and_say_so(structures, tmp_path):
    out = tmp_path / "small"
    main(RecordsConfig(structures=structures, out=out, num_voxels=16, holdout=0.0))
    description = load_description(out)
    assert description.grid_shape == (16, 16, 2)
    assert description.counts[TRAINING] == 12 * 4 * 2 * 8
    assert description.source["num_voxels"] == 16
    assert "--num_voxels=16 " in how_to_rebuild(out, dataclasses.asdict(description))


def test_cells_of_a_coarser_grid_are_repeated_less_often(slab):
    x, y, _ = prepare_structure(slab, RECIPES["gap3d"].at(16)).cell.lengths()
    assert max(x, y) <= 16 * 0.6
    wide, deep, _ = prepare_structure(slab, RECIPES["gap3d"]).cell.lengths()
    assert wide > x and deep > y


def test_recipes_at_another_size():
    row = RECIPES["gap2d"]
    assert row.at(None) is row and row.at(32) == row
    assert row.at(8).positions == (0, 2, 4, 6) and row.at(8).grid_shape == (8, 8)
    assert row.at(64).records_per_structure == 2 * row.records_per_structure
    single = dataclasses.replace(row, positions=(10,))
    assert single.at(16).positions == (5,)
    assert RECIPES["gap3d"].at(8).ndim == 3


def test_records_of_another_size_go_to_a_folder_of_their_own(structures):
    names = [
        RecordsConfig(structures=structures, recipe="gap3d", num_voxels=size).folder_name
        for size in (None, 32, 16)
    ]
    assert names == ["gap3d", "gap3d", "gap3d_16"]


@pytest.mark.parametrize(("size", "message"), [(12, "a multiple of 8"), (72, "8 to 64"), (0, "8")])
def test_grids_that_no_network_takes_are_refused(structures, size, message):
    with pytest.raises(ConfigError, match=f"--num_voxels is {size}. Expected {message}"):
        RecordsConfig(structures=structures, num_voxels=size)


@pytest.mark.parametrize(("recipe", "count"), [("gap2d_clean", 128), ("gap3d_clean", 10)])
def test_the_clean_recipes_leave_broken_slabs_out(tmp_path, slab, recipe, count):
    torn = slab.copy()
    torn.positions[torn.positions[:, 2] > torn.positions[:, 2].mean() + 1, 2] += 4
    whole = slab.copy()
    whole.calc = slab.calc
    ase.io.write(tmp_path / "two.extxyz", [whole, torn])
    config = RecordsConfig(
        structures=tmp_path / "two.extxyz",
        out=tmp_path / "clean",
        recipe=recipe,
        num_classes=0,
        holdout=0.0,
    )
    main(config)
    assert load_description(tmp_path / "clean").counts == {"training": count, "held-out": 0}


def test_small_cells_are_not_extended(slab):
    box = prepare_structure(slab, RECIPES["gap2d_small"])
    np.testing.assert_allclose(box.cell.lengths(), slab.cell.lengths())
    assert RECIPES["gap2d_small"].alpha == 2.5


def test_a_large_oblique_slab_and_a_tiny_cell_become_records(tmp_path, rutile, slab):
    large = slab.repeat((5, 10, 2))
    large.cell[2] += [1.0, 0.5, 0]
    assert len(large) == 1800
    ase.io.write(tmp_path / "all.extxyz", [large, rutile])
    main(
        RecordsConfig(
            structures=tmp_path / "all.extxyz", out=tmp_path / "r", num_classes=0, holdout=0.0
        )
    )
    description = load_description(tmp_path / "r")
    assert description.counts["training"] == 256
    assert description.class_edges == ()


def write(path, *frames):
    ase.io.write(path, frames)
    return path


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (Atoms("RuH", [[0, 0, 0], [0, 0, 1]], cell=[5, 5, 20], pbc=True), "holds H, but"),
        (Atoms("Ru2", [[0, 0, 0], [0, 0, 2.5]]), "no three-dimensional cell"),
        (Atoms("Ru2", [[0, 0, 0], [0, 0, 2.5]], cell=[5, 5, 20], pbc=True), "have no energy"),
    ],
)
def test_unusable_structures_are_named_and_nothing_is_written(tmp_path, atoms, message):
    path = write(tmp_path / "bad.extxyz", atoms)
    with pytest.raises(ConfigError, match=message):
        main(RecordsConfig(structures=path, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_what_is_no_structure_file_is_refused(tmp_path):
    (tmp_path / "notes.extxyz").write_text("hello\n")
    with pytest.raises(ConfigError, match="cannot be read by ASE"):
        main(RecordsConfig(structures=tmp_path / "notes.extxyz", out=tmp_path / "out"))


def test_existing_records_are_kept(structures, records):
    before = (records / "dataset.json").read_bytes()
    with pytest.raises(ConfigError, match="exists. Choose another folder or add --overwrite"):
        main(RecordsConfig(structures=structures, out=records))
    assert (records / "dataset.json").read_bytes() == before


def test_overwriting_replaces_records_and_nothing_else(structures, tmp_path):
    out = tmp_path / "records"
    config = RecordsConfig(structures=structures, out=out, overwrite=True, recipe="gap2d_small")
    main(config)
    first = (out / "dataset.json").read_bytes()
    main(config)
    assert (out / "dataset.json").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["records"]
    (out / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="holds other things than records, e.g. thesis.tex"):
        main(config)
    assert (out / "thesis.tex").read_text() == "precious"


def test_equal_records_have_equal_checksums_in_another_process(structures, records, tmp_path):
    command = [sys.executable, "-m", "data_prep", "records", f"--structures={structures}"]
    command += [f"--out={tmp_path}/again", "--holdout=0.25"]
    subprocess.run(command, check=True, capture_output=True)
    again = load_description(tmp_path / "again")
    assert again.fingerprint == load_description(records).fingerprint


def chains(*sizes):
    """Families of chains of given sizes."""
    return [f"chain {k}" for k, size in enumerate(sizes) for _ in range(size)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "families",
    [
        chains(*range(5, 25)),
        chains(*[200] * 11, 5000),
        chains(400, 400, 400, 400, *[50] * 10) + [str(k) for k in range(148)],
    ],
)
def test_whole_chains_are_held_out(families, seed):
    """Of about the wanted share, however unequal they are, and single structures beside them."""
    splits = split_structures(families, 0.1, seed)
    training, held_out = ({families[index] for index in splits[name]} for name in SPLITS)
    assert not training & held_out
    assert sorted(np.concatenate(list(splits.values()))) == list(range(len(families)))
    grouped = [families[index] for index in splits[HELD_OUT] if "chain" in families[index]]
    assert 0.05 <= len(grouped) / sum("chain" in family for family in families) <= 0.15
    assert len(held_out) - len(set(grouped)) == round(0.1 * families.count("147") * 148)
    assert np.any(np.diff(splits[TRAINING]) < 0)


@pytest.mark.parametrize(
    "families", [chains(20), chains(3000) + ["1", "2"], [str(k) for k in range(20)]]
)
def test_without_enough_chains_structures_are_held_out(families, capsys):
    splits = split_structures(families, 0.1, seed=1)
    assert len(splits[HELD_OUT]) == round(0.1 * len(families))
    warn_of_few_chains(families, SimpleNamespace(holdout=0.1, seed=1))
    warned = "of 1 chains none is held out whole" in capsys.readouterr().err
    assert warned == (families[0] == "chain 0")
    if not warned:
        order = np.random.default_rng(1).permutation(20)
        np.testing.assert_array_equal(splits[HELD_OUT], order[:2])
        np.testing.assert_array_equal(splits[TRAINING], order[2:])


def test_starts_that_chains_have_in_common_stay_together():
    info = {"chain": 3, "trial": 0, "move": "start", "start": "110-O-poor"}
    assert family_of(info, 7) == "start 110-O-poor" == family_of(info | {"chain": 4}, 8)
    assert family_of(info | {"trial": 1, "move": "displace"}, 9) == "chain 3"
    assert family_of({"chain": "A"}, 5) == "5"  # a word of somebody else's


def test_snapshots_of_a_search_are_held_out_by_chain(tmp_path, slab, capsys):
    frames = []
    for number in range(12):
        atoms = slab.copy()
        atoms.info = {"name": f"s{number}", "chain": number % 4, "trial": 0}
        atoms.calc = SinglePointCalculator(atoms, energy=-float(number))
        frames.append(atoms)
    write(tmp_path / "search.extxyz", *frames)
    settings = {"structures": tmp_path / "search.extxyz", "recipe": "gap2d", "num_voxels": 8}
    main(RecordsConfig(**settings, holdout=0.25, out=tmp_path / "chains"))
    held_out = load_description(tmp_path / "chains").structures[HELD_OUT]
    assert len(held_out) == 3 and len({int(name[1:]) % 4 for name in held_out}) == 1
    (chain,) = load_description(tmp_path / "chains").source["held_out_chains"]
    assert chain == f"chain {int(held_out[0][1:]) % 4}"
    found = load_description(tmp_path / "chains")
    assert found.num_held_out == 1 and not found.is_yardstick  # three snapshots of one chain
    assert "1 structures (or chains of a search) are held out" in capsys.readouterr().err
    main(RecordsConfig(**settings, holdout=0.1, out=tmp_path / "few"))
    assert "of 4 chains none is held out whole" in capsys.readouterr().err
    assert load_description(tmp_path / "few").source["held_out_chains"] == []


@pytest.mark.parametrize("name", ["energy", "dmu_o"])
def test_words_in_place_of_energies_are_refused_by_name(name, tmp_path, slab):
    other = slab.copy()
    other.info = {"name": "mine", name: "low"}
    path = write(tmp_path / "words.extxyz", slab, other)
    with pytest.raises(ConfigError, match=rf"structure 1 \(mine\): its {name} is 'low'"):
        main(RecordsConfig(structures=path, num_classes=0, num_voxels=8, out=tmp_path / "out"))
    assert not list(tmp_path.glob("out*"))


def test_the_chemical_potential_survives_a_supercell(tmp_path):
    slab = build_slab("111-stoichiometric", a=4.5, c=3.1)
    slab.info["dmu_o"] = -0.5
    path = write(tmp_path / "one.extxyz", slab)
    main(RecordsConfig(structures=path, out=tmp_path / "r", num_classes=0, holdout=0.0))
    some = read_sample(tmp_path / "r", load_description(tmp_path / "r"), TRAINING, 5, seed=0)
    np.testing.assert_allclose(some["dmu_o"], -0.5)


def test_coarse_voxels_are_told_with_the_figure(tmp_path, slab, capsys):
    slab.cell[0] *= 4
    path = write(tmp_path / "wide.extxyz", slab)
    main(RecordsConfig(structures=path, out=tmp_path / "out", num_classes=0, holdout=0.0))
    width = slab.cell.lengths()[0] / 32
    assert f"up to {width:.2f} Å" in capsys.readouterr().err


def test_structures_without_energy_have_none(rutile):
    assert np.isnan(energy_per_atom(rutile))


def test_real_slabs_with_hydrogen_are_refused_by_name(realdata, tmp_path):
    config = RecordsConfig(structures=realdata / "ruo2_with_hydrogen.extxyz", out=tmp_path / "out")
    with pytest.raises(ConfigError, match="OOH.* holds H"):
        main(config)


def test_damaged_structures_are_refused_or_left_out_and_listed(tmp_path, capsys):
    slabs = [
        with_energy(build_slab("110-stoichiometric", a=4.5, c=3.1), -100.0 - k) for k in range(6)
    ]
    slabs[1] = with_energy(slabs[1], float("nan"))
    slabs[3].positions[0] = slabs[3].positions[1]
    slabs[4].cell[2, 2] = 1e5
    ase.io.write(tmp_path / "slabs.extxyz", slabs)
    values = {"structures": tmp_path / "slabs.extxyz", "num_voxels": 8, "num_classes": 0}
    config = RecordsConfig(out=tmp_path / "r", **values)
    with pytest.raises(ConfigError, match="structure 1 .*energy is nan.*--skip_damaged"):
        main(config)
    main(RecordsConfig(out=tmp_path / "r", skip_damaged=True, **values))
    told = capsys.readouterr().err
    found = [number for number in range(6) if f"structure {number} (" in told]
    assert found == [1, 3, 4]
    assert "skipped 3 structures:" in told
    assert sum(map(len, load_description(tmp_path / "r").structures.values())) == 3


def test_what_cannot_be_meant_is_refused_or_skipped_by_name(tmp_path, slab, capsys):
    tiny, sideways, molecule = slab.copy(), slab.copy(), Atoms("H2", [[0, 0, 0], [0, 0, 0.7]])
    tiny.set_cell(slab.cell.array / 10, scale_atoms=True)
    sideways.set_cell(slab.cell.array[[2, 0, 1]])
    molecule.set_cell([9, 9, 9])
    for frame, name in ((tiny, "tiny"), (sideways, "sideways"), (molecule, "gas")):
        frame.info["name"] = name
    flags = {"num_classes": 0, "holdout": 0.0, "num_voxels": 8}
    for frame, message in ((tiny, "in nm. Give Å"), (sideways, "across its first cell vector")):
        path = write(tmp_path / "one.extxyz", slab, frame)
        with pytest.raises(
            ConfigError, match=rf"structure 1 \({frame.info['name']}\): .*{message}"
        ):
            main(RecordsConfig(structures=path, out=tmp_path / "never", **flags))
    path = write(tmp_path / "all.extxyz", tiny, slab, sideways, molecule)
    main(RecordsConfig(structures=path, out=tmp_path / "r", skip_foreign=True, **flags))
    told = capsys.readouterr().err
    assert f"{path}: skipped 3 structures:" in told
    assert "structure 0 (tiny): nearest neighbours" in told and "structure 3 (gas): " in told
    assert len(load_description(tmp_path / "r").structures["training"]) == 1


def test_crystals_and_very_long_cells_are_taken_with_a_warning(tmp_path, rutile, slab, capsys):
    long = slab.repeat((10, 1, 1))
    path = write(tmp_path / "all.extxyz", rutile, long)
    flags = {"num_classes": 0, "holdout": 0.0, "num_voxels": 8}
    main(RecordsConfig(structures=path, out=tmp_path / "r", **flags))
    told = capsys.readouterr().err
    assert "1 structures are crystals without surfaces, but were taken" in told
    assert "63.6 Å long along x or y" in told
