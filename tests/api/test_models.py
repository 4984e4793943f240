"""Functions of the API on models."""

import numpy as np
import pytest

import keras_ruo2 as kr
from keras_ruo2.api.models import class_of
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.structure.facets import facet_in

SMALL = {"num_voxels": 8, "num_classes": 2, "holdout": 0.1}


@pytest.fixture(scope="module")
def bundled():
    return kr.load("joint3d")


def test_the_bundled_model_is_known_by_its_name(bundled):
    assert bundled.settings["resolved"]["variant"] == "joint3d"


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds no trained run"):
        kr.load(tmp_path)


def test_a_run_draws_slabs_of_a_facet_and_an_energy(bundled):
    found = bundled.sample(3, facet="110", energy="low", seed=1)
    assert len(found) == 3
    assert {atoms.info["label"] for atoms in found} == {0}
    assert {facet_in(atoms).name for atoms in found} <= {"(110)"}
    assert max(map(len, found)) < 60  # one cell: a calculator needs no more
    again = bundled.sample(3, facet="110", energy="low", seed=1)
    np.testing.assert_array_equal(found[0].positions, again[0].positions)


def test_grids_have_the_shape_that_samples_files_have(bundled):
    samples = bundled.grids(2)
    assert samples["grid"].shape == (2, 32, 32, 32, 2) and samples["grid"].dtype == np.float32
    assert samples["lattice"].shape == (2, 3) and samples["label"].shape == (2,)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"facet": "310"}, "the run knows"),
        ({"energy": "lowest"}, "Expected low, high"),
        ({"energy": 99}, "is no class of the run"),
        ({"checkpoint": "first"}, "checkpoint"),
    ],
)
def test_a_run_says_what_it_cannot_draw(bundled, asked, message):
    with pytest.raises(ConfigError, match=message):
        bundled.sample(1, **asked)


def test_energies_have_names():
    saved = {"resolved": {"label_by": "energy"}, "data": {"class_names": ["a", "b", "c"]}}
    assert [class_of(energy, saved) for energy in ("low", "high", 1)] == [0, 2, 1]
    saved["resolved"]["label_by"] = "dmu_o"
    with pytest.raises(ConfigError, match="of dmu_O"):
        class_of("low", saved)


def test_records_are_built_from_atoms_and_trained_on(tmp_path):
    slabs = kr.read(BUNDLED_STRUCTURES)[:12]
    records = kr.build_records(slabs, "gap3d", out=tmp_path / "mine", **SMALL)
    assert (records / "dataset.json").is_file() and (tmp_path / "mine.extxyz").is_file()
    with pytest.raises(ConfigError, match="exists"):
        kr.build_records(slabs, "gap3d", out=tmp_path / "mine", **SMALL)
    run = kr.train(
        "lattice3d", records, run=tmp_path / "run", arch="waves", steps=1, batch_size=2, width=4
    )
    assert run == kr.Run(tmp_path / "run")
    assert len(run.sample(2)) == 2
