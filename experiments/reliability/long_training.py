"""Watch a small training for a long time: python -m experiments.reliability.long_training

Prints memory, open files, threads and seconds a step in ten parts of the run, without the first
minutes in which libraries are loaded and graphs traced, and how much they grow an hour. Ctrl-C ends
the training, and what was seen until then is printed.
"""

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fire
import numpy as np

from tests.damage_cases import make_records

EVERY = 5.0  # s between two looks
PARTS = 10
WORDS = (
    *(
        "keras_ruo2",
        "train",
        "--variant=lattice2d",
        "--arch=waves",
        "--records=records",
        "--run=run",
    ),
    *("--width=2", "--latent_size=8", "--batch_size=4", "--critic_steps=1", "--steps=100000000"),
    *("--log_every=50", "--evaluate_every=500"),
)


def look(pid, run):
    """Return memory in MB, open files, threads and the last step of a process."""
    place = Path(f"/proc/{pid}")
    status = dict(
        line.split(":", 1) for line in (place / "status").read_text().splitlines() if ":" in line
    )
    lines = (run / "metrics.csv").read_text().splitlines() if (run / "metrics.csv").exists() else []
    step = int(lines[-1].split(",")[0]) if len(lines) > 1 else 0
    memory = int(status["VmRSS"].split()[0]) / 1024
    return memory, len(list((place / "fd").iterdir())), int(status["Threads"]), step


def main(minutes=180.0, settle=3.0, words=""):
    """Train for so many minutes, and leave the first `settle` out of what is compared."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_records(folder)
        command = [sys.executable, "-m", *WORDS, f"--minutes={minutes}", *words.split()]
        seen = watch(command, folder)
    tell(seen[seen[:, 0] > 60 * settle], settle)


def tell(seen, settle):
    """Print the tables; `seen` are rows as `watch` returns them, after `settle` minutes."""
    if len(seen) < 2 * PARTS:
        raise SystemExit(f"Only {len(seen)} looks after {settle} minutes: train for longer.")
    print("| minutes | memory (MB) | open files | threads | s a step |\n|---|---|---|---|---|")
    for part in np.array_split(seen, PARTS):
        steps = part[-1, 4] - part[0, 4]
        pace = (part[-1, 0] - part[0, 0]) / steps if steps else np.nan
        middle = " | ".join(f"{value:.0f}" for value in part[:, 1:4].max(axis=0))
        print(f"| {part[0, 0] / 60:.0f} to {part[-1, 0] / 60:.0f} | {middle} | {pace:.4f} |")
    hours = seen[:, 0] / 3600
    grown = [np.polyfit(hours, seen[:, column], 1)[0] for column in (1, 2)]
    print(f"\n{seen[-1, 4]:.0f} steps; memory {grown[0]:+.1f} MB/h, files {grown[1]:+.2f}/h")


def watch(command, folder):
    """Run a training to its end; return rows of `(seconds, memory, files, threads, step)`."""
    seen, began = [], time.perf_counter()
    with open(folder / "told", "w") as told:
        process = subprocess.Popen(command, cwd=folder, stdout=told, stderr=subprocess.STDOUT)
    ended = False
    try:
        while process.poll() is None:
            with contextlib.suppress(OSError, KeyError, ValueError):  # it ends, or writes the row
                seen.append((time.perf_counter() - began, *look(process.pid, folder / "run")))
            time.sleep(EVERY)
    except KeyboardInterrupt:
        ended = True
        process.terminate()
    if process.wait() and not ended:
        raise SystemExit((folder / "told").read_text()[-2000:])
    return np.array(seen)


if __name__ == "__main__":
    fire.Fire(main, serialize=lambda _: None)
