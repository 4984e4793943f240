"""Training and generating with classes, in 2D and 3D."""

import json
import shutil

import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import GenerateConfig, TrainConfig
from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.batch import main as generate
from keras_ruo2.io.state import write_state
from keras_ruo2.records.build import main as write_records
from tests.tiny import TINY


@pytest.fixture(scope="module")
def joint(small_records, tmp_path_factory):
    """A run of joint2d with four energy classes."""
    run = tmp_path_factory.mktemp("runs") / "joint"
    train(TrainConfig(variant="joint2d", records=small_records, run=run, evaluate_every=1, **TINY))
    return run


def draw(run, tmp_path, **options):
    out = tmp_path / "samples.npz"
    generate(GenerateConfig(run=run, out=out, **{"count": 40} | options))
    assert out.with_suffix(".png").stat().st_size > 1000
    with np.load(out, allow_pickle=False) as samples:
        return dict(samples)


def test_a_class_is_drawn_when_asked_for(joint, tmp_path):
    samples = draw(joint, tmp_path, label=2, count=5)
    assert samples["label"].dtype == np.int32
    assert samples["label"].tolist() == [2] * 5
    assert set(samples) == {"grid", "lattice", "label"}
    others = draw(joint, tmp_path, label=3, count=5)
    assert not np.array_equal(samples["grid"], others["grid"])


def test_without_a_class_they_come_in_the_proportions_of_the_training_data(joint, tmp_path):
    counts = np.array(runs.load(joint)["data"]["class_counts"])
    drawn = np.bincount(draw(joint, tmp_path)["label"], minlength=len(counts))
    assert np.abs(drawn - 40 * counts / counts.sum()).max() < 1  # as even as whole numbers allow


def test_the_best_checkpoint_can_be_drawn_from(joint, tmp_path):
    best = runs.best_checkpoint(joint)
    assert runs.score_of(best) == min(runs.score_of(folder) for folder in runs.checkpoints(joint))
    assert len(draw(joint, tmp_path, checkpoint="best", count=2)["grid"]) == 2


def test_a_path_begins_and_ends_at_its_latent_vectors_and_changes_step_by_step(joint, tmp_path):
    samples = draw(joint, tmp_path, interpolate=9, label=1)
    assert samples["grid"].shape == (9, 16, 16, 2)
    assert samples["label"].tolist() == [1] * 9


def test_pictures_have_a_row_for_each_class(joint):
    assert (joint / "pictures" / "step-00000001.png").stat().st_size > 1000
    assert "label_effect" in runs.read_metrics(joint / "metrics.csv")[0]


@pytest.mark.parametrize("label", [-1, 4])
def test_a_label_outside_the_classes_is_refused(joint, tmp_path, label):
    with pytest.raises(ConfigError, match=f"--label={label} is no class.* 0: .* eV/atom; 1: "):
        draw(joint, tmp_path, label=label)


def test_a_label_for_an_unlabelled_variant_is_refused(joint, tmp_path):
    run = shutil.copytree(joint, tmp_path / "run")
    saved = json.loads((run / "config.json").read_text())
    saved["resolved"]["variant"] = "lattice2d"
    write_state(run / "config.json", {k: v for k, v in saved.items() if k != "seal"})
    with pytest.raises(ConfigError, match="lattice2d is told no classes"):
        draw(run, tmp_path, label=1)


def test_classes_of_the_oxygen_chemical_potential(small_records, tmp_path):
    run = tmp_path / "run"
    config = {"variant": "onehot2d", "label_by": "dmu_o", "arch": "resize"}
    train(TrainConfig(records=small_records, run=run, **TINY | config))
    data = runs.load(run)["data"]
    assert data["class_names"] == ["dmu_O -0.50 eV", "dmu_O 0.00 eV"]
    assert sum(data["class_counts"]) == data["counts"]["training"]
    assert set(draw(run, tmp_path)["label"]) == {0, 1}


def test_records_without_chemical_potentials_are_refused(records, tmp_path):
    config = TrainConfig(
        variant="integer2d", label_by="dmu_o", records=records, run=tmp_path / "run"
    )
    with pytest.raises(ConfigError, match="no oxygen chemical potentials. Use --label_by=energy"):
        train(config)


def test_records_without_energies_are_refused(structures, tmp_path):
    out = tmp_path / "records"
    write_records(RecordsConfig(structures=structures, out=out, num_voxels=8, num_classes=0))
    with pytest.raises(ConfigError, match="no energy classes. Write them from structures with"):
        train(TrainConfig(variant="joint2d", records=out, run=tmp_path / "run"))


def test_a_one_hot_block_smaller_than_the_classes_is_refused(small_records, tmp_path):
    config = TrainConfig(
        variant="onehot2d", label_size=3, records=small_records, run=tmp_path / "run"
    )
    with pytest.raises(ConfigError, match="--label_size=3 is too small for 4 classes"):
        train(config)


def test_slices_are_refused_for_whole_grids(small_records, tmp_path):
    with pytest.raises(ConfigError, match="are 2D, joint3d takes 3D grids.*gap3d"):
        train(TrainConfig(variant="joint3d", records=small_records, run=tmp_path / "run"))


def test_whole_grids_with_lengths_and_classes(structures, tmp_path):
    out, run = tmp_path / "records", tmp_path / "run"
    write_records(RecordsConfig(structures=structures, recipe="gap3d", out=out, num_voxels=8))
    train(
        TrainConfig(
            variant="joint3d", records=out, run=run, **TINY | {"arch": "atoms", "latent_size": 64}
        )
    )
    samples = draw(run, tmp_path, count=3)
    assert samples["grid"].shape == (3, 8, 8, 8, 2)
    assert samples["lattice"].shape == (3, 3)
    assert (samples["lattice"] > 3.1).all() and (samples["lattice"] < 40).all()


def test_a_configuration_can_be_given_back_and_overridden(joint, tmp_path):
    run = tmp_path / "again"
    train(TrainConfig(config=joint / "config.json", run=run, steps=1, gamma=0.7))
    first, again = (runs.load(folder)["resolved"] for folder in (joint, run))
    changed = {name for name in first if first[name] != again[name]}
    assert changed == {"run", "steps", "gamma"}
    assert again["gamma"] == 0.7


def test_options_of_the_trainer_work_together(small_records, tmp_path):
    run = tmp_path / "run"
    options = {
        "minibatch_kernels": 4,
        "feature_matching": 0.1,
        "augment": "shift,mirror",
        "property": "oxygen_per_ruthenium",
        "property_range": "1.9,2.1",
        "gamma_end": 1.0,
        "gamma_steps": 10,
        "rate_schedule": "cosine",
        "warmup": 1,
        "grow_batch_every": 1,
        "grow_batch_until": 8,
    }
    train(
        TrainConfig(
            variant="lattice2d", records=small_records, run=run, log_every=1, **options, **TINY
        )
    )
    row = runs.read_metrics(run / "metrics.csv")[-1]
    assert float(row["generator_property_loss"]) > 0
    assert float(row["generator_matching_loss"]) > 0
