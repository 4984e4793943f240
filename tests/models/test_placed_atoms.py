"""A generator of atoms from records to structures, by its commands."""

import ase.io
import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import GenerateConfig, TrainConfig
from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.batch import main as generate
from keras_ruo2.records.build import main as write_records
from keras_ruo2.runs.export import export
from keras_ruo2.structure.facets import recognised_facet
from keras_ruo2.training.slabs import load_anchors

TINY = {"variant": "joint3d", "width": 1, "batch_size": 4, "log_every": 1, "evaluate_every": 2}


@pytest.fixture(scope="module")
def grids(structures, tmp_path_factory):
    out = tmp_path_factory.mktemp("grids") / "gap3d"
    options = {"recipe": "gap3d", "num_voxels": 8, "num_classes": 4, "holdout": 0.25}
    write_records(RecordsConfig(structures=structures, out=out, **options))
    return out


@pytest.fixture(scope="module")
def run(grids, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "atoms"
    train(TrainConfig(records=grids, run=folder, steps=2, **TINY))
    return folder


def drawn(run, tmp_path, **options):
    """Return samples, structures and what was said."""
    out = {"out": tmp_path / "s.npz", "structures": tmp_path / "s.extxyz"}
    generate(GenerateConfig(run=run, count=4, shown=2, **out, **options))
    with np.load(tmp_path / "s.npz") as samples:
        return dict(samples), ase.io.read(tmp_path / "s.extxyz", ":")


def test_whole_grids_are_drawn_of_atoms_by_default(run):
    saved = runs.load(run)
    assert saved["resolved"]["arch"] == "atoms"
    rows = runs.read_metrics(run / runs.METRICS)
    wanted = ("environment_gap", "environment_penalty", "generator_environment_loss")
    assert all(np.isfinite(float(row[name])) for row in rows for name in wanted)


def test_structures_are_those_of_the_grids_in_their_order(run, tmp_path):
    samples, structures = drawn(run, tmp_path)
    for number, (grid, atoms) in enumerate(zip(samples["grid"], structures, strict=True)):
        assert atoms.info["sample"] == number
        assert atoms.info["label"] == samples["label"][number]
        np.testing.assert_allclose(atoms.cell.lengths(), samples["lattice"][number], atol=0.01)
        atoms.positions[:, 2] -= atoms.info["shift"]
        atoms.wrap()
        np.testing.assert_allclose(voxelise(atoms, grid.shape[:-1], alpha=5.0), grid, atol=1e-4)


def test_a_facet_and_a_cell_are_given_as_asked_for(run, tmp_path):
    _, structures = drawn(run, tmp_path, facet=110, label=1)
    assert {recognised_facet(atoms) for atoms in structures} == {"(110)"}
    anchors = load_anchors(run)
    (cell,) = anchors.cells_of("(101)")
    _, structures = drawn(run, tmp_path, cell=cell)
    assert {recognised_facet(atoms) for atoms in structures} == {"(101)"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"facet": "(113)"}, r"--facet=\(113\): the run knows \(100\), \(101\), \(110\), \(111\)"),
        ({"cell": 99}, "--cell=99 is no cell of the run. Its cells are 0: "),
    ],
)
def test_what_the_run_does_not_know_is_refused(run, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        drawn(run, tmp_path, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"facet": 110, "cell": 1}, "--facet and --cell exclude each other"),
        ({"facet": 110, "interpolate": 4}, "--interpolate and --facet exclude each other"),
        ({"structures": "s.cif"}, "must end in .extxyz"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(run, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        GenerateConfig(run=run, out=tmp_path / "s.npz", **options)


def test_variety_changes_which_contested_sites_are_filled_and_nothing_else(run, tmp_path):
    plain, slabs = drawn(run, tmp_path)
    wild, others = drawn(run, tmp_path, variety=50)
    np.testing.assert_array_equal(plain["label"], wild["label"])
    assert any(len(one) != len(other) for one, other in zip(slabs, others, strict=True))
    for one, other in zip(slabs, others, strict=True):  # metal is always there
        metal = [atoms.get_chemical_symbols().count("Ru") for atoms in (one, other)]
        assert metal[0] == metal[1]
    with pytest.raises(ConfigError, match="--variety is 0.0. Expected 0.01 to 100"):
        GenerateConfig(run=run, out=tmp_path / "s.npz", variety=0)


def test_other_architectures_place_no_atoms(grids, tmp_path):
    train(TrainConfig(records=grids, run=tmp_path / "run", steps=2, arch="resize", **TINY))
    with pytest.raises(ConfigError, match="--facet needs a generator that places atoms"):
        drawn(tmp_path / "run", tmp_path, facet=110)


def test_a_run_goes_on_with_its_sites_and_an_exported_one_draws_the_same(run, grids, tmp_path):
    samples, _ = drawn(run, tmp_path, seed=3)
    export(run, tmp_path / "model")
    again, _ = drawn(tmp_path / "model", tmp_path, seed=3)
    np.testing.assert_array_equal(again["grid"], samples["grid"])
    text = (tmp_path / "model" / "config.json").read_text()
    assert str(tmp_path) not in text and str(grids.parent) not in text
    before = load_anchors(run).as_dict()
    train(TrainConfig(records=grids, run=run, steps=3, resume=True, **TINY))
    assert load_anchors(run).as_dict() == before
    assert runs.step_of(runs.last_checkpoint(run)) == 3
    with pytest.raises(ConfigError, match="exists. Choose another folder"):
        export(run, tmp_path / "model")


def test_damaged_anchors_are_refused_by_name(run, tmp_path):
    export(run, tmp_path / "model")
    path = tmp_path / "model" / runs.ANCHORS
    path.write_text(path.read_text().replace("0.5", "0.6", 1))
    with pytest.raises(ConfigError, match="anchors.json is damaged or was changed by hand"):
        drawn(tmp_path / "model", tmp_path, facet=110)
