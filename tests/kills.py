"""Kill a command at some moment, repeat it, and compare with an undisturbed one."""

import filecmp
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import ase.io

from tests.damage_cases import make_records, slabs

ROOT = Path(__file__).resolve().parents[1]
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
GRACE = 15  # seconds in which workers must have ended after their parent
LONGEST = 600
MARK = "KERAS_RUO2_KILLED"
DIFFERENT = ("seconds", "date", "command")  # what is of the clock, in CSV files and in extxyz


class Work(NamedTuple):
    """A long command.

    Args:
        name: For tables.
        words: The command, without `python -m`.
        again: Words that are added when it is repeated.
        compared: Patterns of the files that must be equal, and there are to be no others.
        ignored: Endings of files that tell of times, whose names only must be equal.
    """

    name: str
    words: tuple
    again: tuple = ()
    ignored: tuple = (".png", ".h5", ".json", "metrics.csv")


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
    *("keras_ruo2", "train", "--variant=lattice2d", "--records=records", "--run=run", "--steps=12"),
    *("--width=2", "--latent_size=8", "--batch_size=4", "--critic_steps=1", "--log_every=5"),
    *("--evaluate_every=4", "--deterministic"),
)
WORKS = (
    Work("records", RECORDS),
    Work("records --workers=2", (*RECORDS, "--workers=2")),
    Work("basin_hopping", SEARCH),
    Work("relax", (*RELAX, "--calculator=tests.fakes:Morse")),
    Work("train", TRAIN, again=("--resume",)),
)


def start(work, folder, again=False):
    """Start a command in a session of its own."""
    words = [sys.executable, "-m", *work.words, *(work.again if again else ())]
    marked = {MARK: str(folder), "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.Popen(
        words,
        cwd=folder,
        env=os.environ | marked | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def prepare(work, folder):
    """Make what a command reads."""
    folder.mkdir(parents=True)
    if work.name == "train":
        make_records(folder)
    ase.io.write(folder / "slabs.extxyz", slabs(6))


def undisturbed(work, folder):
    """Run a command to its end; return the seconds that this took."""
    prepare(work, folder)
    started = time.perf_counter()
    process = start(work, folder)
    told = process.communicate(timeout=LONGEST)[0]
    assert process.returncode == 0, told
    return time.perf_counter() - started


def processes_of(folder):
    """Return the processes that a command in this folder has started and that still run."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            marked = f"{MARK}={folder}\0".encode() in (place / "environ").read_bytes()
            if place.name.isdecimal() and marked and "Z" not in state_of(place):
                found.append(int(place.name))
        except OSError:
            continue
    return found


def state_of(place):
    """Return the letter of a process's state."""
    return (place / "stat").read_text().rpartition(")")[2].split()[0]


def faults(work, folder, whole, number, moment):
    """Kill a command after `moment` seconds, repeat it, and return what differs from `whole`.

    Args:
        work: `Work`.
        folder: New folder to work in.
        whole: Folder of an undisturbed command.
        number: Signal.
        moment: Seconds.
    """
    prepare(work, folder)
    process, found = start(work, folder), []
    time.sleep(moment)
    os.kill(process.pid, number)
    told = process.communicate(timeout=LONGEST)[0]
    found += tracebacks(told)
    end = time.perf_counter() + GRACE
    while processes_of(folder) and time.perf_counter() < end:
        time.sleep(0.2)
    for orphan in processes_of(folder):
        found.append(f"orphaned process {orphan}")
        os.kill(orphan, signal.SIGKILL)
    if process.returncode != 0:
        process = start(work, folder, again=True)
        told = process.communicate(timeout=LONGEST)[0]
        if process.returncode != 0 and " exists. Choose another" not in told:
            return [*found, f"repeating it failed: {told.strip().splitlines()[-1:]}"]
    return found + differences(work, folder, whole)


def tracebacks(told):
    """Return the last line of each traceback that one of our commands is to answer for.

    Two are Python's own. A worker that has just been started reads what it is to do from its
    parent, and ends in an EOFError of `spawn_main` if SIGKILL has ended that one before it could
    write; nobody can catch that. Ctrl-C while Python itself starts or ends comes before or after
    `run_command_line`, which answers it from then on.
    """
    found = []
    for text in re.split(r"^Traceback.*\n", told, flags=re.MULTILINE)[1:]:
        lines = re.match(r"(?:[ ].*\n)*(.*)", text)
        last = lines[1].strip()
        unborn = "in spawn_main" in lines[0] and last == "EOFError: Ran out of input"
        outside = "in run_command_line" not in lines[0] and last == "KeyboardInterrupt"
        if not (unborn or outside):
            found.append(f"traceback: {last}")
    return found


def differences(work, folder, whole):
    """Return how the files of two folders differ, as texts."""
    names = [
        {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
        for place in (folder, whole)
    ]
    names = [{name for name in found if "tensorboard" not in name} for found in names]
    found = [f"{name} is left over" for name in sorted(names[0] - names[1])]
    found += [f"{name} is missing" for name in sorted(names[1] - names[0])]
    for name in sorted(names[0] & names[1]):
        one, other = folder / name, whole / name
        if name.endswith("metrics.csv"):
            equal = untimed(one.read_text()) == untimed(other.read_text())
        elif name.endswith(".extxyz"):
            equal = structures(one) == structures(other)
        else:
            equal = name.endswith(work.ignored) or filecmp.cmp(one, other, shallow=False)
        if not equal:
            found.append(f"{name} differs")
    return found


def untimed(text):
    """Return a metrics.csv without its clock."""
    return [line.split(",")[:1] + line.split(",")[2:] for line in text.splitlines()]


def structures(path):
    """Return what is compared of a file of structures."""
    found = []
    for atoms in ase.io.read(path, ":", format="extxyz") if path.stat().st_size else ():
        info = {k: str(v) for k, v in atoms.info.items() if not k.endswith(DIFFERENT)}
        results = {k: str(v) for k, v in getattr(atoms.calc, "results", {}).items()}
        found.append((atoms.positions.tolist(), atoms.numbers.tolist(), info, results))
    return found
