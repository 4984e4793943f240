"""What `train` refuses before its first step, in one line."""

import pytest

from keras_ruo2 import backend, runs
from keras_ruo2.cli import check_words
from keras_ruo2.commands.train import complete
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import TrainConfig
from keras_ruo2.errors import ConfigError


def refused(message, **values):
    with pytest.raises(ConfigError, match=message) as caught:
        train(TrainConfig(**{"variant": "lattice2d"} | values))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"variant": None}, "--variant is missing"),
        ({"variant": "joint4d"}, "Unknown variant 'joint4d'.*Did you mean 'joint"),
        ({"backend": "theano"}, "Unknown backend 'theano'. Expected one of: tensorflow, jax"),
        ({"strategy": "mirored"}, "Unknown strategy.*Did you mean 'mirrored'"),
        (
            {"backend": "torch", "strategy": "mirrored"},
            "--strategy=mirrored is not possible with --backend=torch. Expected one of: none",
        ),
        ({"augment": "shift,turn"}, "Unknown augment 'turn'. Expected one of: shift, mirror"),
        ({"rate_schedule": "step"}, "Unknown rate_schedule"),
        ({"precision": "float16"}, "Unknown precision 'float16'"),
        ({"label_by": "gap"}, "Unknown label_by"),
        ({"property": "filled"}, "--property and --property_range belong together"),
        ({"property": "filled", "property_range": "2"}, "is no range"),
        ({"property": "filled", "property_range": "2,1"}, "must not exceed"),
        ({"property": "gap", "property_range": "1,2"}, "Unknown property 'gap'"),
        ({"keep": 0}, "--keep is 0"),
        ({"latent_size": 4}, "--latent_size is 4"),
    ],
)
def test_flags_that_cannot_be_used_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**{"variant": "lattice2d"} | values)


def test_lists_with_commas_arrive_as_tuples():
    config = TrainConfig(
        variant="lattice2d",
        augment=("shift", "mirror"),
        property="filled",
        property_range=(0.1, 0.2),
    )
    assert config.augment == "shift,mirror"
    assert config.property_range == "0.1,0.2"


def test_a_backend_that_is_not_installed_is_refused(small_records, tmp_path, monkeypatch):
    monkeypatch.setattr(backend, "is_installed", lambda name: False)
    refused(
        r"'jax' is not installed. pip install -e '.\[jax\]'",
        backend="jax",
        records=small_records,
        run=tmp_path / "run",
    )


def test_another_backend_stands_in_for_a_missing_one(monkeypatch):
    monkeypatch.setattr(backend, "is_installed", lambda name: name == "torch")
    assert backend.find_backend("jax") == "torch"


def test_batches_that_grow_beyond_the_records_are_refused(small_records, tmp_path):
    refused(
        "one step takes 4096",
        records=small_records,
        run=tmp_path / "run",
        batch_size=32,
        critic_steps=2,
        grow_batch_every=10,
    )


@pytest.mark.parametrize("content", ["{broken", "{}", '{"config": 1}'])
def test_a_configuration_that_cannot_be_read_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        complete(TrainConfig(config=tmp_path / "config.json", run=tmp_path / "run"))


def test_a_missing_configuration_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="--config=.*no such file"):
        complete(TrainConfig(config=tmp_path / "none.json"))


def test_an_unknown_flag_is_refused_with_a_guess():
    from keras_ruo2.__main__ import COMMANDS

    with pytest.raises(
        ConfigError, match="Unknown flag --labels of generate. Did you mean --label"
    ):
        check_words("ruo2", COMMANDS, ["generate", "--labels=1"])


def test_epochs_are_counted_through_growing_batches():
    config = TrainConfig(variant="vanilla2d", epochs=3)
    # 100 steps of 10 records, then 100 of 20: 3,000 records are three epochs of 1,000
    assert runs.total_steps(config, 1000, ((0, 10), (100, 20))) == 200
    assert runs.total_steps(config, 1000, ((0, 10),)) == 300
    assert runs.total_steps(config, 1000, ((0, 10), (400, 20))) == 300


def test_a_run_that_goes_on_knows_its_variant(tmp_path):
    assert TrainConfig(run=tmp_path / "begun", resume=True).variant is None
    with pytest.raises(ConfigError, match="--variant is missing"):  # it has not begun
        complete(TrainConfig(run=tmp_path / "none", resume=True))
