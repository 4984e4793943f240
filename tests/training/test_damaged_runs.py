"""A run folder with damage in it: refused by name, or an older checkpoint and a word about it."""

import json
import shutil

import h5py
import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import GenerateConfig, TrainConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.batch import main as generate
from keras_ruo2.io.state import SAID, SEAL, write_state
from keras_ruo2.runs import checkpoint
from tests.damage import damaged, flip
from tests.tiny import JOINT2D

VALUES = JOINT2D | {"steps": 4}
FILES = (
    "config.json",
    "metrics.csv",
    *checkpoint.WEIGHTS,
    checkpoint.SCORES,
    checkpoint.CHECKSUMS,
)


@pytest.fixture(scope="module")
def trained(tiny_records, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "tiny"
    train(TrainConfig(records=tiny_records, run=run, **VALUES))
    return run


@pytest.fixture
def run(trained, tmp_path):
    SAID.clear()
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def newest(run, name):
    """Return a file of a run, of its newest checkpoint where it is one of a checkpoint."""
    return run / name if (run / name).exists() else runs.last_checkpoint(run) / name


def use(run):
    """Read a run as `generate`, `evaluate` and `train --resume` do; return what was read."""
    saved, best = runs.load_trained(run), runs.best_checkpoint(run)
    checkpoint = runs.sound_checkpoint(run)
    return saved, runs.proven_rows(run, checkpoint), checkpoint.name, best


@pytest.mark.parametrize("name", FILES)
def test_damage_to_a_run_is_never_read_without_a_word(run, name, rng, capsys):
    path = newest(run, name)
    content, before = path.read_bytes(), use(run)
    for changed in damaged(content, 42, rng):
        path.write_bytes(changed)
        SAID.clear()
        try:
            found = use(run)
        except ConfigError as error:
            assert name in str(error) and "\n" not in str(error)
        else:
            assert found == before or f"{name} " in capsys.readouterr().err


@pytest.mark.parametrize("name", checkpoint.WEIGHTS)
def test_a_damaged_newest_checkpoint_costs_the_steps_since_the_one_before(run, name, rng, capsys):
    path = newest(run, name)
    path.write_bytes(flip(path.read_bytes(), rng))
    out = run.parent / "s.npz"
    generate(GenerateConfig(run=run, count=2, out=out))
    told = capsys.readouterr().err
    assert f"step-00000004/{name} is damaged: its checksum differs" in told
    assert "step-00000002 is used instead" in told
    train(TrainConfig(variant="joint2d", run=run, resume=True))
    assert runs.sound_checkpoint(run).name == "step-00000004"
    assert [row["step"] for row in runs.read_metrics(run / "metrics.csv")] == list("1234")
    assert (run / "checkpoints" / "step-00000004.damaged" / name).is_file()


def test_a_run_whose_checkpoints_are_all_damaged_is_refused(run, rng):
    for folder in runs.checkpoints(run):
        path = folder / runs.GENERATOR_WEIGHTS
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ConfigError, match="generator.weights.h5 is damaged.*no older checkpoint"):
        generate(GenerateConfig(run=run, count=2, out=run.parent / "s.npz"))


def test_changed_rows_are_refused_until_they_are_removed(run):
    rows = run / "metrics.csv"
    rows.write_text(rows.read_text().replace("\n2,", "\n3,"))
    with pytest.raises(ConfigError, match="metrics.csv is damaged.*Restore it, or delete it"):
        train(TrainConfig(variant="joint2d", run=run, resume=True, steps=6))
    rows.unlink()
    train(TrainConfig(variant="joint2d", run=run, resume=True, steps=6))
    assert [row["step"] for row in runs.read_metrics(rows)] == list("56")


def unsealed(run):
    """Make a run what earlier versions wrote."""
    for path in (run / "config.json", *run.glob("checkpoints/*/scores.json")):
        values = json.loads(path.read_text())
        del values[SEAL]
        path.write_text(json.dumps(values))
    for path in run.glob(f"checkpoints/*/{checkpoint.CHECKSUMS}"):
        path.unlink()


def test_a_run_of_an_earlier_version_is_read_with_a_word(run, capsys):
    best = runs.best_checkpoint(run)
    unsealed(run)
    out = run.parent / "s.npz"
    generate(GenerateConfig(run=run, count=2, out=out))
    told = capsys.readouterr().err
    assert "config.json has no seal" in told and "step-00000004 has no seal" in told
    assert runs.best_checkpoint(run) == best
    train(TrainConfig(variant="joint2d", run=run, resume=True, steps=5))
    assert len(runs.read_metrics(run / "metrics.csv")) == 5


def test_weights_of_another_network_are_refused_by_name(run):
    unsealed(run)
    path = newest(run, runs.GENERATOR_WEIGHTS)
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.zeros(3)
    with pytest.raises(ConfigError, match="generator.weights.h5 cannot be loaded"):
        generate(GenerateConfig(run=run, count=2, out=run.parent / "s.npz"))


def bomb(file):
    file.create_dataset("vars/0", (10**6, 10**6), "f4", chunks=(100, 100))


def link(file):
    file["vars"] = h5py.ExternalLink("/etc/hostname", "/")


def outside(file):
    file.create_dataset("0", (4,), "f4", external=[("/etc/hostname", 0, 16)])


def objects(file):
    file.create_dataset("0", data=["text"], dtype=h5py.string_dtype())


@pytest.mark.parametrize("make", [bomb, link, outside, objects])
def test_weights_that_are_more_than_numbers_are_refused(tmp_path, make):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        make(file)
    assert checkpoint.fault_of_weights(tmp_path / "w.h5").startswith("is damaged")


HOSTILE = [
    ("config", "backend", "evil", "Unknown backend 'evil'"),
    ("resolved", "backend", "../evil", "Unknown backend"),
    ("resolved", "variant", "vanilla9d", "Unknown variant"),
    ("resolved", "arch", "os.system", "Unknown arch"),
    ("resolved", "latent_size", 10**9, "latent_size is 1000000000. Expected 5 to"),
    ("resolved", "width", 10**6, "width is 1000000. Expected 1 to"),
    ("resolved", "label_size", 10**9, "label_size"),
    ("resolved", "latent_size", "8", "latent_size takes int"),
    ("resolved", "latent_size", None, "latent_size"),
    ("data", "grid_shape", [10**9, 8, 2], "`grid_shape` is .*a list of 3 to 4"),
    ("data", "class_counts", [-1, 2], "`class_counts`"),
    ("data", "class_names", ["<b>"] * 9, "classes and their counts differ"),
    ("data", "species", ["Ru", "../x"], "`species`"),
    ("data", "alpha", float("nan"), "`alpha`"),
    ("data", "source", {"lateral_repeats": {"x": 1}}, "lateral_repeats"),
    ("data", "source", {"translate": "__import__"}, "`translate`"),
]


@pytest.mark.parametrize(("part", "name", "value", "message"), HOSTILE)
def test_nothing_is_built_or_imported_by_a_hostile_config(run, part, name, value, message):
    saved = runs.load(run)
    saved[part][name] = value
    write_state(run / "config.json", saved)
    with pytest.raises(ConfigError, match=f"config.json, .*{message}"):
        generate(GenerateConfig(run=run, count=2, out=run.parent / "s.npz"))


def test_a_backend_beside_the_command_is_not_imported(run, tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    saved = runs.load(run)
    saved["config"]["backend"] = "evil"
    write_state(run / "config.json", saved)
    with pytest.raises(ConfigError, match="Unknown backend 'evil'"):
        generate(GenerateConfig(run=run, count=2, out=tmp_path / "s.npz"))
    assert not (tmp_path / "ran").exists()
