"""The same commands where TensorFlow itself reads and writes s3://: `make test-tfio`.

They run in processes of their own, because one that has used that file system aborts at its end
unless the command line ends it.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.data.description import TRAINING, load_description
from keras_ruo2.data.reader import Records
from tests.conftest import ROOT

pytest.importorskip("tensorflow_io")
PLACE = "s3://slabs/sets/mine"
TRAIN = [
    "--variant=vanilla2d",
    f"--records={PLACE}",
    "--width=2",
    "--latent_size=8",
    "--batch_size=4",
    "--critic_steps=1",
    "--log_every=1",
    "--evaluate_every=10",
]


@pytest.fixture
def command(s3, tmp_path):
    """A function that runs a command line and returns its status and what it printed."""

    def run(*words, **environment):
        done = subprocess.run(
            [sys.executable, "-m", *words],
            env={**os.environ, **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def write(few_records):
    return [
        "data_prep",
        "records",
        f"--structures={few_records.parent / 'slabs.extxyz'}",
        f"--out={PLACE}",
        "--num_classes=0",
        "--holdout=0.25",
        "--num_voxels=8",
    ]


READ = """
import os, sys
import numpy as np
from keras_ruo2.data import remote
from keras_ruo2.data.description import TRAINING, load_description
from keras_ruo2.data.reader import Records
remote.SHARE_OF_MEMORY = float(sys.argv[3])
records = Records(sys.argv[1], load_description(sys.argv[1]), TRAINING)
np.save(sys.argv[2], records.read(range(len(records)))["grid"])
os._exit(0)
"""


def copies(folder):
    return list(folder.rglob("*.tfrecord"))


def test_records_go_there_and_into_memory_from_there(s3, command, write, few_records, tmp_path):
    status, out, error = command(*write)
    assert status == 0 and f"{PLACE}: whole." in out
    assert len(error.splitlines()) == 1 and "Warning: 4 of 4 structures have voxels" in error
    assert load_description(PLACE).fingerprint == load_description(few_records).fingerprint
    train = ["keras_ruo2", "train", *TRAIN, f"--run={tmp_path / 'run'}"]
    status, out, error = command(*train, "--steps=1")
    assert status == 0, error
    status, out, error = command(*train, "--steps=2", "--resume")
    assert status == 0, error
    rows = runs.read_metrics(tmp_path / "run" / "metrics.csv")
    assert [row["step"] for row in rows] == ["1", "2"]
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    assert saved["data"]["records"] == PLACE
    assert not copies(tmp_path / "cache")
    s3.stop()
    status, out, error = command(*train, "--steps=3", "--resume")
    assert status == 1 and "Traceback" not in error
    assert "no answer from http://127.0.0.1" in error


def test_what_went_wrong_is_one_line_and_repeating_goes_on(s3, command, write):
    s3.left = 2
    status, out, error = command(*write)
    assert status == 1 and "Traceback" not in error
    assert "no answer from" in error.splitlines()[-1]
    s3.start()
    status, out, error = command(*write)
    assert status == 0 and "Copying 2 shards" in out
    status, out, error = command(*write)
    assert status == 1 and "exists. Choose another folder or add --overwrite" in error


def test_shards_that_do_not_fit_into_memory_are_copied(s3, command, write, few_records, tmp_path):
    assert command(*write)[0] == 0
    here = Records(few_records, load_description(few_records), TRAINING)
    for share in (0.5, 0):
        out = tmp_path / f"{share}.npy"
        s3.asked.clear()
        subprocess.run([sys.executable, "-c", READ, PLACE, out, str(share)], check=True, cwd=ROOT)
        np.testing.assert_array_equal(np.load(out), here.read(range(len(here)))["grid"])
        assert s3.count("GET") >= 3
        assert len(copies(tmp_path / "cache")) == (0 if share else 4)
