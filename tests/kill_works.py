"""The long commands that are killed, tiny, and what they read."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import ase.io

from tests import forked
from tests.damage_cases import make_records, slabs

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 600  # seconds
MARK = "KERAS_RUO2_KILLED"  # tells the processes of a command from others


class Work(NamedTuple):
    """A long command.

    Args:
        name: For tables.
        words: The command, without `python -m`.
        again: Words that are added when it is repeated.
        ignored: Endings of files that tell of times, whose names only must be equal.
        needs: Names of what it reads, keys of `INPUTS`, besides `slabs.extxyz`.
    """

    name: str
    words: tuple
    again: tuple = ()
    ignored: tuple = (".png", ".h5", ".json", "metrics.csv")
    needs: tuple = ()


RECORDS = ("data_prep", "records", "--structures=slabs.extxyz", "--out=r", "--num_voxels=16")
SEARCH = (
    *(
        "data_prep",
        "basin_hopping",
        "--out=found.extxyz",
        "--steps=3",
        "--start=100-stoichiometric",
    ),
    *("--calculator=tests.fakes:Morse", "--oxygen_energy=-5.0", "--a=4.5", "--c=3.1"),
    *("--relax_steps=5", "--size=4", "--overwrite"),
)
RELAX = ("keras_ruo2", "relax", "--structures=slabs.extxyz", "--out=out.extxyz", "--steps=3")
TRAIN = (
    *(
        "keras_ruo2",
        "train",
        "--variant=lattice2d",
        "--arch=waves",
        "--records=records",
        "--run=run",
        "--steps=12",
    ),
    *("--width=2", "--latent_size=8", "--batch_size=4", "--critic_steps=1", "--log_every=5"),
    *("--evaluate_every=4", "--deterministic"),
)
DRAWN = ("--model=joint3d", "--count=2", "--out=drawn.npz", "--structures=drawn.extxyz")
MAPPED = ("--samples=samples.npz", "--out=atoms.extxyz", "--picture=atoms.png")
SCREENED = ("--structures=slabs.extxyz", "--out=screened.extxyz", "--known=known.extxyz")
FOUND = (
    *("--model=joint3d", "--out=found", "--count=3", "--relaxations=2", "--steps=2", "--shown=2"),
    *("--baselines=none", "--calculator=tests.fakes:Morse", "--bulk_energy=-20"),
    *("--oxygen_energy=-5", "--known=known.extxyz"),
)
GAP = ("--out=gap.extxyz", "--count=8", "--calculator=tests.fakes:Morse", "--a=4.5", "--c=3.1")
SCORES = ("--run=run", "--records=records", "--out=scores", "--count=8")
WORKS = (
    Work("records", RECORDS),
    Work("records --workers=2", (*RECORDS, "--workers=2")),
    Work("basin_hopping", SEARCH),
    Work("relax", (*RELAX, "--calculator=tests.fakes:Morse")),
    Work("train", TRAIN, again=("--resume",), needs=("records",)),
    Work("gap", ("data_prep", "gap", *GAP)),
    Work("generate", ("keras_ruo2", "generate", *DRAWN), ignored=(".png",)),
    Work("backmap", ("keras_ruo2", "backmap", *MAPPED), ignored=(".png",), needs=("samples",)),
    Work("screen", ("keras_ruo2", "screen", *SCREENED), ignored=(".png",), needs=("known",)),
    Work(
        "evaluate", ("keras_ruo2", "evaluate", *SCORES), ignored=(".png", ".html"), needs=("run",)
    ),
    Work(
        "discover", ("keras_ruo2", "discover", *FOUND), ignored=(".png", ".html"), needs=("known",)
    ),
)


def start(work, folder, again=False):
    """Start a command in a session of its own, that answers Ctrl-C even if this one does not."""
    words = [*work.words, *(work.again if again else ())]
    marked = {MARK: str(folder), "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    environment = os.environ | marked | {"OMP_NUM_THREADS": "1"}
    if forked.loaded:
        return forked.Forked(words, folder, environment)
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def run_once(words, folder):
    """Run a command to its end."""
    made = start(Work("", words), folder)
    told = made.communicate(timeout=LONGEST)[0]
    assert made.returncode == 0, told


def make_run(folder):
    """Make records and a run that was trained on them."""
    make_records(folder)
    run_once(TRAIN, folder)


def make_samples(folder):
    """Draw samples of the bundled model."""
    run_once(
        ("keras_ruo2", "generate", "--model=joint3d", "--count=4", "--out=samples.npz"), folder
    )


def make_known(folder):
    """Write a few known slabs: fingerprints of the bundled ones take longer than all else."""
    ase.io.write(folder / "known.extxyz", slabs(3))


INPUTS = {"records": make_records, "run": make_run, "samples": make_samples, "known": make_known}
