"""Commands whose records lie in object storage, by way of a cache."""

import json
import shutil

import pytest

from keras_ruo2 import runs
from keras_ruo2.commands.evaluate import main as evaluate
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import EvaluateConfig, TrainConfig
from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.data.description import load_description
from keras_ruo2.data.stores import Unreachable, open_store
from keras_ruo2.errors import Busy, ConfigError
from keras_ruo2.io.paths import RemoteFolder, cache_folder
from keras_ruo2.records import build as build
from keras_ruo2.records.build import main as write

PLACE = "s3://slabs/sets/mine"
TINY = {
    "variant": "vanilla2d",
    "arch": "waves",
    "width": 2,
    "latent_size": 8,
    "batch_size": 4,
    "critic_steps": 1,
    "log_every": 1,
    "evaluate_every": 10,
}


def records_config(few_records, **values):
    known = {"structures": few_records.parent / "slabs.extxyz", "out": PLACE, "num_classes": 0}
    return RecordsConfig(**known | {"holdout": 0.25, "num_voxels": 8} | values)


def steps(run):
    return [row["step"] for row in runs.read_metrics(run / "metrics.csv")]


def test_a_run_on_records_there_goes_on_without_the_server(s3, few_records, tmp_path, monkeypatch):
    write(records_config(few_records))
    assert load_description(PLACE).fingerprint == load_description(few_records).fingerprint
    assert not list(cache_folder().rglob("*.tfrecord"))  # what was built to be copied is gone
    run = tmp_path / "run"
    train(TrainConfig(records=PLACE, run=run, steps=1, **TINY))
    saved = json.loads((run / "config.json").read_text())
    assert saved["config"]["records"] == saved["data"]["records"] == PLACE
    s3.stop()
    train(TrainConfig(variant="vanilla2d", run=run, steps=2, resume=True))
    assert steps(run) == ["1", "2"]
    asked = []
    function = "keras_ruo2.evaluation.evaluate.evaluate"
    monkeypatch.setattr(function, lambda *values: asked.append(values))
    evaluate(EvaluateConfig(run=run, out=tmp_path / "report"))
    assert asked[0][2] == PLACE and asked[0][3] == load_description(PLACE)
    shutil.rmtree(cache_folder())
    with pytest.raises(Unreachable, match="s3://slabs/sets/mine: no answer from http://127"):
        train(TrainConfig(variant="vanilla2d", run=run, steps=3, resume=True))
    assert steps(run) == ["1", "2"]


def test_what_was_built_is_kept_until_all_of_it_is_there(s3, few_records, monkeypatch):
    with s3.going_away(after=1):
        write(records_config(few_records))
    s3.asked.clear()
    with monkeypatch.context() as patch:  # building again would fail
        patch.setattr(build, "survey_once", None)
        write(records_config(few_records))
    assert s3.count("PUT") == 3
    assert load_description(PLACE).fingerprint == load_description(few_records).fingerprint


def test_what_was_built_with_other_settings_is_not_taken(s3, few_records, other_records):
    with s3.going_away(after=1):
        write(records_config(few_records))
    write(records_config(few_records, seed=7))
    assert load_description(PLACE).fingerprint == load_description(other_records).fingerprint
    names = {shard["name"] for shard in load_description(PLACE).shards}
    assert set(open_store(RemoteFolder("slabs", "sets/mine")).names()) == names | {"dataset.json"}


def test_nothing_is_built_for_a_place_that_cannot_be_written(s3, few_records, monkeypatch):
    write(records_config(few_records))
    monkeypatch.setattr(build, "survey_once", None)
    with pytest.raises(ConfigError, match=f"--out={PLACE} exists. Choose another folder or add"):
        write(records_config(few_records))
    with pytest.raises(ConfigError, match="s3://slab/mine: .*bucket does not exist"):
        write(records_config(few_records, out="s3://slab/mine"))
    s3.stop()
    with pytest.raises(Unreachable, match="no answer"):
        write(records_config(few_records, overwrite=True))


def test_two_commands_do_not_build_for_one_address(s3, few_records):
    """The second one is refused before it touches what the first will copy."""
    first, second = records_config(few_records), records_config(few_records, seed=7)

    def build_beside(config):
        with pytest.raises(Busy, match="Another command is working in"):
            write(second)
        write(config)

    build.publish(first, first.out, build_beside)
    assert load_description(PLACE).source["seed"] == first.seed
