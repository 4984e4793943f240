"""Kill a command at some moment, repeat it, and compare with an undisturbed one."""

import filecmp
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import NamedTuple

import ase.io

from keras_ruo2.io.state import SEAL
from keras_ruo2.io.workfolder import FINISHED
from tests.damage_cases import slabs
from tests.kill_works import INPUTS, LONGEST, MARK, start

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
GRACE = 15  # seconds in which workers must have ended after their parent
EARLY = 0.2  # share of the kills that come before a command writes anything
DIFFERENT = ("seconds", "date", "command")  # what is of the clock, in CSV files and in extxyz


class Times(NamedTuple):
    """Seconds from the start of a command to its first file, and to its end."""

    first: float
    end: float


class Kill(NamedTuple):
    """What came of a kill: whether the command was still running, what differs, what it said."""

    met: bool
    faults: list
    said: str


def prepare(work, folder):
    """Give a command a folder with what it reads, which is made once and copied then."""
    inputs = folder.with_name("inputs")
    if not inputs.exists():
        inputs.mkdir(parents=True)
        for name in work.needs:
            INPUTS[name](inputs)
        ase.io.write(inputs / "slabs.extxyz", slabs(6))
    shutil.copytree(inputs, folder)


def undisturbed(work, folder):
    """Run a command to its end; return its `Times`."""
    prepare(work, folder)
    before, began = files_of(folder), time.perf_counter()
    process = start(work, folder)
    wait_for_files(process, folder, before)
    first = time.perf_counter() - began
    told = process.communicate(timeout=LONGEST)[0]
    assert process.returncode == 0, told
    return Times(first, time.perf_counter() - began)


def files_of(folder):
    """Return the names of the files of a folder but for locks, those in its folders included."""
    found = set()
    for place, _, names in os.walk(folder):
        found |= {os.path.join(place, name) for name in names if not name.endswith("lock")}
    return found


def wait_for_files(process, folder, before):
    """Wait until a command has made its first file, or has ended."""
    while process.poll() is None and files_of(folder) <= before:
        time.sleep(0.01)


def wait(process, folder, before, times, share):
    """Wait for the moment of a kill, before or after the command has made its first file.

    Args:
        process: The command, just started.
        folder: Where it works.
        before: Files that were there already.
        times: `Times` of an undisturbed command.
        share: Within [0, 1]; below `EARLY` the moment is before the first file.
    """
    if share < EARLY:
        time.sleep(times.first * share / EARLY)
        return
    wait_for_files(process, folder, before)
    time.sleep((times.end - times.first) * (share - EARLY) / (1 - EARLY))


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


def kill(work, folder, whole, number, times, share):
    """Kill a command at some moment, repeat it, and return the `Kill`.

    Args:
        work: `Work`.
        folder: New folder to work in, beside `whole`.
        whole: Folder of an undisturbed command.
        number: Signal.
        times: `Times` of the undisturbed command.
        share: The moment, see `wait`.
    """
    prepare(work, folder)
    before = files_of(folder)
    process = start(work, folder)
    wait(process, folder, before, times, share)
    met = process.poll() is None
    process.send_signal(number)
    said = process.communicate(timeout=LONGEST)[0]
    found = tracebacks(said) + orphans(folder)
    if process.returncode != 0:
        process = start(work, folder, again=True)
        told = process.communicate(timeout=LONGEST)[0]
        said += f"\n-- repeated --\n{told}"
        if process.returncode != 0 and " exists. Choose another" not in told:
            failed = f"repeating it failed: {told.strip().splitlines()[-1:]}"
            return Kill(met, [*found, failed], said)
    return Kill(met, found + differences(work, folder, whole), said)


def orphans(folder):
    """Return, as texts, the processes that have not ended after their parent, and end them."""
    end = time.perf_counter() + GRACE
    while processes_of(folder) and time.perf_counter() < end:
        time.sleep(0.2)
    found = processes_of(folder)
    for orphan in found:
        os.kill(orphan, signal.SIGKILL)
    return [f"orphaned process {orphan}" for orphan in found]


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
        outside = "in run_command_line" not in text and "KeyboardInterrupt" in text
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
        elif name.endswith(".json") and ".json" not in work.ignored:
            equal = state(one) == state(other)
        else:
            equal = name.endswith(work.ignored) or filecmp.cmp(one, other, shallow=False)
        if not equal:
            found.append(f"{name} differs")
    return found


def untimed(text):
    """Return a metrics.csv without its clock."""
    return [line.split(",")[:1] + line.split(",")[2:] for line in text.splitlines()]


def state(path):
    """Return what is compared of a JSON file: all but the clock, and checksums of what has it."""
    values = json.loads(path.read_text())
    if path.name == FINISHED:
        return sorted(values)
    return {k: v for k, v in values.items() if not k.endswith(DIFFERENT) and k != SEAL}


def structures(path):
    """Return what is compared of a file of structures."""
    found = []
    for atoms in ase.io.read(path, ":", format="extxyz") if path.stat().st_size else ():
        info = {k: str(v) for k, v in atoms.info.items() if not k.endswith(DIFFERENT)}
        results = {k: str(v) for k, v in getattr(atoms.calc, "results", {}).items()}
        found.append((atoms.positions.tolist(), atoms.numbers.tolist(), info, results))
    return found
