"""Nothing needs a network: the commands in a namespace that has none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import ase.io
import pytest

from tests.damage_cases import slabs

ROOT = Path(__file__).resolve().parents[1]
ALONE = ("unshare", "--map-root-user", "--net")
COMMANDS = (
    "keras_ruo2 variants",
    "data_prep records --structures=slabs.extxyz --out=r --num_voxels=8 --num_classes=0",
    "keras_ruo2 relax --structures=slabs.extxyz --out=o.extxyz --calculator=tests.fakes:Morse",
    "keras_ruo2 train --variant=lattice2d --arch=waves --records=r --run=run --steps=1 --width=2 "
    "--batch_size=4",
    "keras_ruo2 generate --run=run --count=2 --out=s.npz",
)


def can_be_alone():
    """Say whether this machine lets us make a namespace without a network."""
    return shutil.which("unshare") and not subprocess.run([*ALONE, "true"]).returncode


@pytest.mark.skipif(not can_be_alone(), reason="no namespaces on this machine")
def test_commands_work_without_a_network(tmp_path):
    ase.io.write(tmp_path / "slabs.extxyz", slabs())
    own = {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    for command in COMMANDS:
        done = subprocess.run(
            [*ALONE, sys.executable, "-m", *command.split()],
            cwd=tmp_path,
            env=os.environ | own,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-500:]} {done.stderr[-2000:]}"
