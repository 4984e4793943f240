import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import GenerateConfig, TrainConfig
from keras_ruo2.data.description import load_description
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.batch import main as generate
from keras_ruo2.training import pace
from tests.sealed import rewrite

TINY = {
    "variant": "lattice2d",
    "arch": "waves",
    "width": 2,
    "latent_size": 8,
    "batch_size": 4,
    "critic_steps": 2,
    "steps": 4,
    "log_every": 1,
    "evaluate_every": 2,
}


@pytest.fixture(scope="module")
def records(small_records):
    return small_records


@pytest.fixture(scope="module")
def trained(records, tmp_path_factory):
    """A run of four steps."""
    run = tmp_path_factory.mktemp("runs") / "tiny"
    train(TrainConfig(records=records, run=run, **TINY))
    return run


def test_a_run_folder_holds_everything(trained, records):
    saved = json.loads((trained / "config.json").read_text())
    assert saved["config"]["variant"] == "lattice2d"
    assert saved["config"]["seed"] == 100
    assert saved["resolved"]["learning_rate"] > 0
    assert saved["versions"]["keras"]
    assert saved["environment"] == {"TF_ENABLE_ONEDNN_OPTS": os.environ["TF_ENABLE_ONEDNN_OPTS"]}
    assert len(saved["data"]["fingerprint"]) == 16
    rows = runs.read_metrics(trained / "metrics.csv")
    assert [row["step"] for row in rows] == ["1", "2", "3", "4"]
    assert [bool(row["held_out_ratio"]) for row in rows] == [False, True, False, True]
    assert all(float(row["critic_loss"]) for row in rows)
    assert [runs.step_of(folder) for folder in runs.checkpoints(trained)] == [2, 4]
    assert sorted(path.name for path in (trained / "pictures").iterdir()) == [
        "step-00000002.png",
        "step-00000004.png",
    ]
    assert list((trained / "tensorboard").glob("events*"))
    assert (trained / "metrics.png").stat().st_size > 1000


def test_tensorboard_sees_losses_their_parts_and_pictures(trained):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained / "tensorboard"))
    events.Reload()
    names = set(events.Tags()["scalars"])
    assert {
        "critic/critic_loss",
        "critic/critic_gap",
        "critic/critic_lattice_loss",
        "gradient/gradient_norm",
        "gradient/gradient_penalty",
        "generator/generator_loss",
        "evaluation/held_out_ratio",
        "evaluation/lattice_error",
    } <= names
    assert "time/seconds_per_step" in names
    assert set(events.Tags()["images"]) == {"samples"}
    assert len(events.PluginTagToContent("hparams")) == 3  # the settings, their run, its end
    assert {"lattice_lateral/generated", "lattice_z/real"} <= set(events.Tags()["histograms"])


def test_samples_are_what_the_contract_says(trained, tmp_path):
    out = tmp_path / "samples.npz"
    generate(GenerateConfig(run=trained, count=10, out=out))
    with np.load(out, allow_pickle=False) as samples:
        assert set(samples) == {"grid", "lattice"}
        assert samples["grid"].shape == (10, 16, 16, 2)
        assert samples["grid"].dtype == samples["lattice"].dtype == np.float32
        assert samples["lattice"].shape == (10, 2)
        assert (samples["lattice"] > 5).all() and (samples["lattice"] < 40).all()
    assert out.with_suffix(".png").stat().st_size > 1000


def test_the_same_seed_draws_the_same_samples(trained):
    from keras_ruo2.generation.draw import draw_samples

    saved = runs.load(trained)
    first, again, other = (draw_samples(trained, saved, 3, seed)["grid"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_run_goes_on_to_more_steps(trained, records, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    train(TrainConfig(variant="lattice2d", run=run, resume=True, steps=6))
    assert [row["step"] for row in runs.read_metrics(run / "metrics.csv")] == list("123456")
    assert "Going on from" in capsys.readouterr().out
    train(TrainConfig(variant="lattice2d", run=run, resume=True))
    assert "nothing to train" in capsys.readouterr().out


def test_a_run_that_is_too_slow_begins_anew_with_narrower_networks(
    records, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(pace, "LAST", 4)
    monkeypatch.setattr(pace, "shortfall", lambda *known: "too slow")
    run, steps = tmp_path / "run", {"steps": 6, "log_every": 1, "evaluate_every": 6}
    slow = {"minutes": 100.0, "cheaper_if_slow": True}
    train(TrainConfig(records=records, run=run, **TINY | steps | slow))
    assert "begins anew with --width=1" in capsys.readouterr().err
    saved = json.loads((run / "config.json").read_text())
    assert saved["resolved"]["width"] == 1
    assert [row["step"] for row in runs.read_metrics(run / "metrics.csv")] == [*"123456"]
    assert [runs.step_of(folder) for folder in runs.checkpoints(run)] == [6]


def test_more_steps_lift_a_limit_of_minutes(trained, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    train(TrainConfig(variant="lattice2d", run=run, resume=True, minutes=0.0))
    assert "nothing to train" in capsys.readouterr().out
    train(TrainConfig(variant="lattice2d", run=run, resume=True, steps=5))
    assert runs.step_of(runs.last_checkpoint(run)) == 5


def test_a_lower_learning_rate_is_used_on_resuming(trained, tmp_path):
    from keras_ruo2.runs.flags import merge
    from keras_ruo2.training.assembly import build_model, restore
    from keras_ruo2.training.devices import Placement

    run = shutil.copytree(trained, tmp_path / "run")
    given = TrainConfig(variant="lattice2d", run=run, resume=True, learning_rate=1e-6)
    config = merge(given, runs.load(run))
    description = load_description(config.records)
    model = build_model(runs.resolve(config), description, 10, 100, Placement())
    restore(model, runs.last_checkpoint(run))
    for optimizer in (model.critic_optimizer, model.generator_optimizer):
        assert float(optimizer.learning_rate) == pytest.approx(1e-6)


def test_evaluations_come_at_their_own_interval(records, tmp_path):
    run = tmp_path / "run"
    often = TINY | {"steps": 5, "log_every": 2, "evaluate_every": 3}
    train(TrainConfig(records=records, run=run, **often))
    rows = runs.read_metrics(run / "metrics.csv")
    assert [row["step"] for row in rows] == ["2", "3", "4", "5"]
    assert [row["step"] for row in rows if row["held_out_ratio"]] == ["3", "5"]


def test_a_run_stopped_before_its_first_checkpoint_starts_again_as_it_was(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    shutil.rmtree(run / "checkpoints")
    train(TrainConfig(variant="lattice2d", run=run, resume=True, steps=2))
    assert runs.load(run)["resolved"]["width"] == 2
    assert [row["step"] for row in runs.read_metrics(run / "metrics.csv")] == ["1", "2"]


def test_an_interrupted_run_equals_an_uninterrupted_one(trained, records, tmp_path):
    run = tmp_path / "run"
    train(TrainConfig(records=records, run=run, **TINY | {"steps": 3}))
    train(TrainConfig(variant="lattice2d", run=run, resume=True, steps=4))
    one, other = (runs.read_metrics(folder / "metrics.csv")[-1] for folder in (trained, run))
    for name in ("critic_loss", "generator_loss", "held_out_ratio"):
        assert float(one[name]) == pytest.approx(float(other[name]), rel=1e-3)


def test_without_a_yardstick_no_ratio_is_reported_anywhere(few_records, tmp_path, capsys):
    """One held-out slab: noise may lie as near to it as other slabs do."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tmp_path / "run"
    train(TrainConfig(records=few_records, run=run, **TINY | {"steps": 2}))
    printed = capsys.readouterr()
    assert "1 held-out structures (or chains of a search)" in printed.err
    assert "held_out_ratio and held_out_spectrum_ratio are not reported" in printed.err
    rows = runs.read_metrics(run / "metrics.csv")
    assert float(rows[-1]["held_out_distance"]) > 0
    assert "held_out_ratio" not in printed.out
    assert not {"held_out_ratio", "held_out_spectrum_ratio"} & set(rows[-1])
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    assert not [name for name in events.Tags()["scalars"] if "held_out" in name and "ratio" in name]
    assert (run / "metrics.png").stat().st_size > 1000


def test_vanilla_runs_have_no_lengths(records, tmp_path):
    run = tmp_path / "run"
    train(TrainConfig(records=records, run=run, **TINY | {"variant": "vanilla2d"}))
    generate(GenerateConfig(run=run, count=3, out=tmp_path / "samples.npz"))
    with np.load(tmp_path / "samples.npz") as samples:
        assert set(samples) == {"grid"}


def refused(message, **values):
    with pytest.raises(ConfigError, match=message):
        train(TrainConfig(**{"variant": "lattice2d"} | values))


def test_an_existing_run_is_not_overwritten(trained, records):
    before = (trained / "metrics.csv").read_bytes()
    refused("exists. Choose another --run, or add --resume", run=trained, records=records)
    assert (trained / "metrics.csv").read_bytes() == before


def test_missing_records_are_refused(tmp_path):
    refused("does not exist. Write records first", run=tmp_path / "r", records=tmp_path / "none")
    assert not (tmp_path / "r").exists()


def test_a_resumed_run_keeps_its_networks(trained):
    refused("started with --width=2, not 3", run=trained, resume=True, width=3)
    refused("started with --arch=waves, not kim", run=trained, resume=True, arch="kim")
    refused("started with --latent_size=8, not 512", run=trained, resume=True, latent_size=512)


def test_records_of_another_grid_are_refused(records, tmp_path):
    copy = shutil.copytree(records, tmp_path / "records")
    for shape, message in (([20, 20, 2], "grids of"), ([32, 32, 32, 2], "are 3D")):
        rewrite(copy / "dataset.json", grid_shape=shape)
        refused(message, run=tmp_path / "r", records=copy)


def test_fewer_classes_than_asked_are_refused(records, tmp_path):
    refused(
        "have 4 energy classes, --num_classes=12",
        run=tmp_path / "r",
        records=records,
        num_classes=12,
    )


def test_batches_larger_than_the_records_are_refused(records, tmp_path):
    refused(
        "one step takes 2000", run=tmp_path / "r", records=records, batch_size=1000, critic_steps=2
    )


def test_an_unwritable_run_is_refused(records, tmp_path):
    (tmp_path / "file").write_text("")
    refused("Cannot write to", run=tmp_path / "file" / "run", records=records)


def test_a_folder_without_a_run_generates_nothing(tmp_path):
    with pytest.raises(ConfigError, match="holds no trained run"):
        generate(GenerateConfig(run=tmp_path, out=tmp_path / "s.npz"))


def test_diverging_losses_stop_the_run(records, tmp_path):
    refused(
        "_loss.* became NaN or infinite at step .* No checkpoint was saved before: lower the",
        run=tmp_path / "r",
        records=records,
        **TINY | {"steps": 50, "penalty_weight": 1e30, "learning_rate": 1.0},
    )


def test_a_terminated_run_saves_and_says_how_to_go_on(records, tmp_path):
    run = tmp_path / "run"
    flags = [f"--{name}={value}" for name, value in (TINY | {"steps": 10**6}).items()]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "keras_ruo2",
            "train",
            *flags,
            f"--run={run}",
            f"--records={records}",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as nohup and Slurm do
    )
    for _ in range(600):
        if runs.exists(run):
            break
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--resume" in printed.splitlines()[-1]
    step = runs.step_of(runs.last_checkpoint(run))
    assert f"Stopped at step {step} and saved" in printed
