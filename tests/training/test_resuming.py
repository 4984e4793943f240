"""A run that was killed goes on as if it had not been.

Run as a script, this file trains in a process of its own, which can be killed and in which
TensorFlow always adds in the same order.
"""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import TrainConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import checksum
from keras_ruo2.io.state import write_state
from keras_ruo2.training.callbacks import append_row, drop_rows_after
from keras_ruo2.training.checkpoints import Checkpoints
from keras_ruo2.training.run import is_finished
from tests.tiny import JOINT2D as VALUES

ROOT = Path(__file__).resolve().parents[2]
STEPS = 5
# Dropout, batch statistics, a batch that grows after the kill, a falling learning rate.
HARD = VALUES | {
    "arch": "kim",
    "deterministic": True,
    "grow_batch_every": 3,
    "grow_batch_until": 8,
    "rate_schedule": "linear",
    "average": 0.9,
    "steps": STEPS,
}


def kill_while_writing(step):
    """Make this process kill itself with half of a step's checkpoint and of its row written."""
    import keras

    write = keras.Model.save_weights

    def save_weights(model, path):
        write(model, path)
        if model.name == "wgan" and model.steps_made == step:
            rows = Path(path).parents[2] / runs.METRICS
            for file in (path, rows):
                os.truncate(file, os.path.getsize(file) - 9)
            os.kill(os.getpid(), signal.SIGKILL)

    keras.Model.save_weights = save_weights


def optimise_no_graphs():
    """Leave out what takes longer here than the steps that it would make faster."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def script(text):
    """Train as a JSON list of configurations says; the last may name a step to be killed in."""
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        optimise_no_graphs()
    for values in json.loads(text):
        if step := values.pop("killed", None):
            kill_while_writing(step)
        train(TrainConfig(**values))


def in_process(backend, *configs):
    """Train in a process of its own and return its exit status."""
    environment = {
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": backend,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, __file__, json.dumps(configs, default=str)],
        env=os.environ | environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
    return done.returncode


def state(run):
    """Return all numbers of a run's last checkpoint, a dict of arrays."""
    found = {}
    folder = runs.last_checkpoint(run)
    for name in (runs.TRAINING_WEIGHTS, runs.GENERATOR_WEIGHTS):
        with h5py.File(folder / name) as file:
            file.visititems(
                lambda key, item, name=name: (
                    found.update({f"{name}/{key}": item[()]})
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
    return found


def rows(run):
    """Return the rows of a run without its clock."""
    return [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in runs.read_metrics(run / runs.METRICS)
    ]


def test_a_killed_run_ends_bit_for_bit_where_an_unbroken_one_does(tiny_records, tmp_path):
    """Weights, moments, averages and rows. By hand PyTorch passed too, which takes longer here;
    on JAX a run that was stopped and resumed equalled an unbroken one."""
    backend = "tensorflow"
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    values = HARD | {"records": tiny_records, "backend": backend}
    first = [values | {"run": whole}, values | {"run": broken, "killed": 4}]
    assert in_process(backend, *first) == -signal.SIGKILL
    assert [folder.name for folder in runs.checkpoints(broken)] == ["step-00000002"]
    assert (broken / runs.CHECKPOINTS / "step-00000004.partial").is_dir()
    assert not (broken / runs.METRICS).read_text().endswith("\n")
    assert in_process(backend, {"variant": "joint2d", "run": broken, "resume": True}) == 0
    one, other = state(whole), state(broken)
    assert set(one) == set(other) and len(one) > 150
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)
    assert rows(whole) == rows(broken)
    assert [row["step"] for row in rows(broken)] == [str(step + 1) for step in range(STEPS)]


def test_dropout_has_the_seed_of_the_run():
    """Without it Keras takes PyTorch's global numbers, and a resumed run has other masks."""
    import keras

    from keras_ruo2.training.seeds import StepSeeds

    inputs = keras.Input((2,))
    network = keras.Model(inputs, keras.layers.Dropout(0.5)(inputs))
    seeds = StepSeeds(7, keras.Variable(3, dtype="int32"), lambda: 0)
    seeds.serve(network)
    generator = network.layers[-1].seed_generator
    assert generator._initial_seed == 7
    np.testing.assert_array_equal(generator.next(), [7, 3 * 1024 + 1])


def test_a_diverging_run_names_step_part_and_last_good_checkpoint(tiny_records, tmp_path):
    run = tmp_path / "run"
    train(TrainConfig(records=tiny_records, run=run, **VALUES | {"steps": 2}))
    with pytest.raises(ConfigError) as caught:
        train(TrainConfig(variant="joint2d", run=run, resume=True, steps=9, penalty_weight=1e38))
    message = str(caught.value)
    assert re.match(r"[a-z_, ]*(loss|norm)[a-z_, ]* became NaN or infinite at step [3-9]", message)
    assert "The last good checkpoint is that of step 2" in message
    assert [runs.step_of(folder) for folder in runs.checkpoints(run)] == [2]


def checkpoint(run, step, distance):
    """Make a folder that looks like a checkpoint."""
    folder = run / runs.CHECKPOINTS / runs.STEP_NAME.format(step)
    folder.mkdir(parents=True)
    (folder / runs.SCORES).write_text(json.dumps({"held_out_distance": distance}))


def test_the_last_checkpoints_and_the_best_are_kept(tmp_path):
    for step, distance in ((2, 0.5), (4, 0.1), (6, 0.3), (8, 0.2), (10, 0.4)):
        checkpoint(tmp_path, step, distance)
    Checkpoints(tmp_path, 2, dict, interval=1, last_step=10).forget()
    assert [runs.step_of(folder) for folder in runs.checkpoints(tmp_path)] == [4, 8, 10]
    assert runs.step_of(runs.best_checkpoint(tmp_path)) == 4
    assert not list((tmp_path / runs.CHECKPOINTS).glob("*.partial"))


def test_few_new_slabs_make_a_checkpoint_of_a_generator_of_atoms_worse(tmp_path):
    for step, share in ((2, 0.6), (4, 0.2)):
        checkpoint(tmp_path, step, 0.5 if step == 2 else 0.4)
        path = tmp_path / runs.CHECKPOINTS / runs.STEP_NAME.format(step) / runs.SCORES
        scores = json.loads(path.read_text()) | {"slabs_valid_unique_new": share}
        path.write_text(json.dumps(scores))
    assert runs.step_of(runs.best_checkpoint(tmp_path)) == 2


def test_a_best_checkpoint_that_is_not_among_the_last_draws_but_does_not_go_on(
    tiny_records, tmp_path, capsys
):
    run = tmp_path / "run"
    train(TrainConfig(records=tiny_records, run=run, **VALUES | {"steps": 4, "keep": 4}))
    said = capsys.readouterr().out
    assert re.search(r"Kept: \d checkpoints, \d+ MB\.", said)
    folders = runs.checkpoints(run)
    best = folders[0]
    scores = {"held_out_distance": -1.0}
    write_state(best / runs.SCORES, scores)
    known = json.loads((best / "checksums.json").read_text())
    known["files"][runs.SCORES] = checksum(best / runs.SCORES)
    write_state(best / "checksums.json", {"files": known["files"], "rows": known["rows"]})
    Checkpoints(run, 1, dict, interval=1, last_step=4).forget()
    assert runs.checkpoints(run) == [best, folders[-1]]
    assert not (best / runs.TRAINING_WEIGHTS).exists()
    assert runs.sound_checkpoint(run, best=True) == best
    assert runs.sound_checkpoint(run, to_go_on=True) == folders[-1]
    weights = folders[-1] / runs.TRAINING_WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(ConfigError, match="is damaged"):
        train(TrainConfig(variant="joint2d", run=run, resume=True, steps=9))
    assert runs.sound_checkpoint(run) == best


def test_what_a_kill_leaves_is_no_checkpoint(tmp_path):
    checkpoint(tmp_path, 2, 0.5)
    (tmp_path / runs.CHECKPOINTS / "step-00000004.partial").mkdir()
    assert runs.step_of(runs.last_checkpoint(tmp_path)) == 2


def test_rows_after_the_checkpoint_and_a_torn_one_are_forgotten(tmp_path):
    path = tmp_path / runs.METRICS
    for step in (1, 2, 3):
        append_row(path, {"step": step, "seconds": 0.5 * step}, ["step", "seconds"])
    with open(path, "a") as file:
        file.write("4,2.")
    path.with_suffix(".partial").write_text("of an earlier kill")
    columns = ["step", "new"]
    assert drop_rows_after(path, 2, columns) == 1.0
    assert columns == ["step", "new", "seconds"]
    assert path.read_text() == "step,new,seconds\n1,,0.5\n2,,1\n"
    assert drop_rows_after(path, 0, columns) == 0.0
    assert not path.exists()


def test_a_run_killed_before_its_first_checkpoint_is_not_finished(tmp_path):
    (tmp_path / runs.METRICS).write_text("step,seconds\n50,90\n")
    config = TrainConfig(variant="joint2d", run=tmp_path, minutes=1.0)
    assert not is_finished(config, step=0, last_step=100)


if __name__ == "__main__":
    script(sys.argv[1])
