from pathlib import Path

import pytest

from keras_ruo2.config import GenerateConfig, TrainConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import RemoteFolder


def test_values_take_their_field_s_type():
    config = TrainConfig(variant="lattice2d", run="runs/x", minutes=3)
    assert config.run == Path("runs/x")
    assert config.minutes == 3.0 and isinstance(config.minutes, float)


def test_an_address_stays_one():
    config = TrainConfig(variant="lattice2d", records="s3://bucket/some/records/")
    assert config.records == RemoteFolder("bucket", "some/records")
    assert config.as_dict()["records"] == str(config.records) == "s3://bucket/some/records"
    assert TrainConfig(variant="lattice2d", records=config.records) == config
    squeezed = TrainConfig(variant="lattice2d", records=Path("s3://bucket/some/records"))
    assert squeezed.records == config.records


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"variant": "lattice2x"}, "Unknown variant 'lattice2x'. Expected one of: vanilla2d"),
        ({"variant": "lattice2d", "arch": "kimm"}, "Did you mean 'kim'"),
        ({"variant": "lattice2d", "run": 20240601}, r"--run takes Path or nothing, got 20240601"),
        ({"variant": "lattice2d", "steps": 1e3}, "--steps takes int or nothing, got 1000.0"),
        ({"variant": "lattice2d", "steps": 0}, "--steps is 0. Expected at least 1"),
        ({"variant": "lattice2d", "steps": 5, "epochs": 5}, "exclude each other"),
        ({"variant": "lattice2d", "resume": "false"}, "--resume takes bool, got 'false'"),
        ({"variant": "lattice2d", "batch_size": 1}, "--batch_size is 1"),
        ({"variant": "lattice2d", "gamma": float("nan")}, "--gamma is nan"),
        ({"variant": "lattice2d", "backend": "mxnet"}, "Unknown backend 'mxnet'"),
        (
            {"variant": "lattice2d", "run": "s3://b/run"},
            "--run=s3://b/run: expected a path",
        ),
        (
            {"variant": "lattice2d", "records": "gs://b/x"},
            "gs:// is not supported. Expected",
        ),
        ({"variant": "lattice2d", "records": "s3://b"}, "--records=s3://b: expected s3://bucket/f"),
        ({"variant": "lattice2d", "records": "s3://b/../x"}, "expected s3://bucket/folder"),
        ({"variant": "lattice2d", "records": "s3:///x"}, "expected s3://bucket/folder"),
    ],
)
def test_bad_values_are_told_with_what_was_expected(values, message):
    with pytest.raises(ConfigError, match=message):
        TrainConfig(**values)


def test_samples_are_written_as_npz():
    with pytest.raises(ConfigError, match="must end in .npz"):
        GenerateConfig(run="runs/x", out="samples.h5")
