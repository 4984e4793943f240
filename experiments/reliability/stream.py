"""Read many structures: python -m experiments.reliability.stream --counts=1000,10000,100000

Each reader gets files of so many small slabs, in a process of its own, and one line of JSON says
how much memory that took at most (max RSS) and how long: `records`, the first pass of `data_prep
records`, which checks and prepares every structure and keeps what it made on the disk; `screen`,
the reader of `screen`, which keeps all structures; and `verdicts`, all of `screen`, for the counts
of --screened.
"""

import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fire

from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.io.extxyz import extxyz_text
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.io.structures import read_structures
from keras_ruo2.records.survey import survey
from tests.damage_cases import slabs

DIFFERENT = 50  # slabs, repeated in turn


def write_slabs(path, count):
    """Write so many small slabs."""
    found = slabs(DIFFERENT)
    for number, atoms in enumerate(found):
        atoms.rattle(0.01, seed=number)
    texts = [extxyz_text([atoms]) for atoms in found]
    with open(path, "w") as file:
        file.writelines(itertools.islice(itertools.cycle(texts), count))


def records(path):
    """Take structures through the first pass of a build."""
    config = RecordsConfig(structures=path, out=path.with_name("r"), num_voxels=16, num_classes=2)
    return len(survey(config, path.with_name("structures.traj")).names)


def screen(path):
    """Read structures as `screen` does."""
    return len(read_structures(path))


def verdicts(path):
    """Screen structures."""
    from keras_ruo2.screening import screening

    known = screening.known_slabs(read_structures(BUNDLED_STRUCTURES)[:20])
    return len(screening.screen(read_structures(path), known))


READERS = {"records": records, "screen": screen, "verdicts": verdicts}


def look(name, count):
    """Return what a reader took for so many structures, in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "slabs.extxyz"
        write_slabs(path, count)
        words = [sys.executable, "-m", "experiments.reliability.stream", f"--reader={name}"]
        made = subprocess.run([*words, f"--path={path}"], stdout=subprocess.PIPE, check=True)
    return json.loads(made.stdout.splitlines()[-1])


def peak_mb():
    """Return the most memory that this process has had.

    Linux hands `ru_maxrss` on from the process that started this one, so `VmHWM` comes first.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return (kilobytes or [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss])[0] / 1024


def main(counts=(1000, 10_000, 100_000), screened=(300, 1000), reader=None, path=None):
    """Print what readers took; with `reader` and `path` be one of them."""
    if reader is not None:
        started = time.perf_counter()
        count = READERS[reader](Path(path))
        seconds = round(time.perf_counter() - started, 1)
        print(json.dumps({"count": count, "max_rss_mb": round(peak_mb()), "seconds": seconds}))
        return
    each = {"records": counts, "screen": counts, "verdicts": screened}
    print(json.dumps({name: [look(name, n) for n in numbers] for name, numbers in each.items()}))


if __name__ == "__main__":
    fire.Fire(main, serialize=lambda _: None)
