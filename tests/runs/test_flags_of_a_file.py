"""`train --config=FILE.json`: a file of flags, or the config.json of another run."""

import json

import pytest

from keras_ruo2 import runs
from keras_ruo2.__main__ import COMMANDS
from keras_ruo2.cli import run_command_line
from keras_ruo2.commands.train import complete
from keras_ruo2.config import TrainConfig
from keras_ruo2.data.description import load_description
from keras_ruo2.errors import ConfigError
from keras_ruo2.runs.flags import combine

SMALL = {"variant": "vanilla2d", "width": 4, "batch_size": 4, "critic_steps": 1, "log_every": 1}


def file_of(folder, **values):
    path = folder / "flags.json"
    path.write_text(json.dumps(values))
    return path


def test_flags_of_the_command_line_win(tmp_path, tiny_records):
    path = file_of(tmp_path, variant="lattice2d", records=str(tiny_records), steps=7, gamma=0.3)
    config = complete(TrainConfig(config=path, run=tmp_path / "run", gamma=1.0))
    assert (config.variant, config.steps, config.gamma) == ("lattice2d", 7, 1.0)
    assert config.records == tiny_records
    longer = complete(TrainConfig(config=path, run=tmp_path / "run", epochs=2))
    assert (longer.steps, longer.epochs) == (None, 2)


def test_flags_that_are_no_more_are_passed_over_where_they_did_nothing(tmp_path):
    known = {"variant": "vanilla2d", "penalty_every": 1, "spectral": False}
    config = TrainConfig(variant="vanilla2d", run=tmp_path)
    assert combine(config, known).variant == "vanilla2d"
    with pytest.raises(ConfigError, match="'spectral', which is no flag"):
        combine(config, known | {"spectral": True})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"step": 3}, "has 'step', which is no flag of train. Did you mean 'steps'"),
        ({"steps": "many"}, "flags.json: --steps takes int or nothing, got 'many'"),
        ({"steps": 0}, "flags.json: --steps is 0. Expected at least 1"),
        ({"arch": "wave"}, "flags.json: Unknown arch 'wave'.*Did you mean 'waves'"),
        ({"variant": "lattice2"}, "Unknown variant 'lattice2'.*Did you mean 'lattice2d'"),
        ({"steps": 3, "epochs": 3}, "--steps and --epochs exclude each other"),
        ({"deterministic": 1}, "--deterministic takes bool, got 1"),
        ({}, "cannot be read: it holds no flags"),
    ],
)
def test_what_is_no_flag_or_no_value_is_refused_in_one_line(tmp_path, values, message):
    path = file_of(tmp_path, **values)
    with pytest.raises(ConfigError, match=message) as caught:
        complete(TrainConfig(config=path, variant=None if values else "vanilla2d"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["[1]", "3", '{"steps": ', "", "\x00"])
def test_a_file_that_holds_no_names_and_values_is_refused(tmp_path, content):
    (tmp_path / "flags.json").write_text(content)
    with pytest.raises(ConfigError, match="Give flags of train as JSON"):
        complete(TrainConfig(config=tmp_path / "flags.json"))


def test_a_run_is_trained_and_goes_on_by_its_file(tmp_path, tiny_records, capsys):
    run = tmp_path / "run"
    path = file_of(tmp_path, records=str(tiny_records), run=str(run), steps=2, **SMALL)
    words = ["train", f"--config={path}"]
    run_command_line("keras_ruo2", COMMANDS, words)
    assert runs.step_of(runs.last_checkpoint(run)) == 2
    assert runs.load(run)["resolved"]["width"] == 4
    with pytest.raises(SystemExit, match="exists"):
        run_command_line("keras_ruo2", COMMANDS, words)
    run_command_line("keras_ruo2", COMMANDS, [*words, "--resume", "--steps=3"])
    assert runs.step_of(runs.last_checkpoint(run)) == 3
    path.write_text(path.read_text().replace('"width": 4', '"width": 5'))
    with pytest.raises(SystemExit, match="was started with --width=4, not 5"):
        run_command_line("keras_ruo2", COMMANDS, [*words, "--resume"])


def test_another_runs_config_is_still_taken(tmp_path, tiny_records):
    values = SMALL | {"variant": "lattice2d"}
    first = TrainConfig(records=tiny_records, run=tmp_path / "first", steps=2, **values)
    first.run.mkdir()
    description = load_description(tiny_records)
    runs.save(first, description, {"class_counts": (), "class_names": ()})
    known = tmp_path / "first" / runs.CONFIG
    config = complete(TrainConfig(config=known, run=tmp_path / "second", width=6))
    assert (config.variant, config.width, config.batch_size) == ("lattice2d", 6, 4)
    assert config.run == tmp_path / "second"
