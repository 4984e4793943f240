"""Run every benchmark that prints one JSON line and write their figures as a table.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks [--out=FILE.md] [--only=NAME ...] [--tiny]

`--tiny` runs each in a setting of seconds, which shows that it works and measures nothing.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from experiments.benchmarks.machine import machine

ROOT = Path(__file__).resolve().parents[2]
TINY_CRITIC = ["--voxels=8", "--batch=2", "--plain_batch=2", "--repeats=1"]
FEW = ["--critic_steps=1", "--repeats=2"]
TINY_STEP = ["--voxels=8", "--width=2", "--batch=2", "--critic_steps=1", "--repeats=1"]
TINY_RUN = ["--every=24", "--voxels=8", "--width=2"]
# Name: words of the command, and those of a setting of seconds.
BENCHMARKS = {
    "critic_update_joint3d": (["critic_update"], TINY_CRITIC),
    "critic_update_lattice2d": (
        ["critic_update", "--variant=lattice2d", "--batch=32", "--plain_batch=32"],
        TINY_CRITIC,
    ),
    "critic_update_kim2d": (
        ["critic_update", "--variant=lattice2d", "--arch=kim", "--batch=64", "--plain_batch=16"],
        TINY_CRITIC,
    ),
    "training_step_kim2d": (["training_step", "--batch=16", "--critic_steps=2"], TINY_STEP),
    "training_step_kim3d": (
        ["training_step", "--variant=joint3d", "--batch=2", "--checked_batch=2", *FEW],
        TINY_STEP,
    ),
    "growth": (
        ["growth"],
        ["--tiny", "--repeats=1", "--only", "voxelise by atoms", "SSIM by records"],
    ),
    "starting": (["starting"], ["--repeats=1"]),
    "building": (["building"], ["--slabs=8", "--count=2", "--repeats=1"]),
    "reading_lattice2d": (["reading", "--arch=waves"], TINY_RUN),
    "reading_joint3d": (["reading", "--variant=joint3d"], TINY_RUN),
    "drawing": (["drawing"], ["--count=2", "--slices=4", "--repeats=1"]),
    "backmapping": (["backmapping"], ["--slabs=1"]),
    "screening_rate": (["screening_rate"], ["--slabs=2", "--known=6"]),
    "relaxing": (
        ["relaxing"],
        ["--calculators=tests.data_prep.fakes:PairPotential", "--slabs=2", "--steps=1"],
    ),
    "standing": (
        ["standing"],
        [*TINY_RUN, "--variant=lattice2d", "--arch=waves", "--batch=2", "--steps=1"],
    ),
    "slow_machine": (
        ["slow_machine"],
        [
            "--budget=0.1",
            "--setting=--arch=waves --width=2",
            "--every=24",
            "--voxels=8",
            "--repeats=1",
        ],
    ),
    "voxelise": (["voxelise"], ["--atoms=20", "--voxels=8", "--repeats=1"]),
    "smallest_box": (["smallest_box"], ["--cells=6", "--repeats=1"]),
    "surroundings": (["surroundings"], ["--batch=1", "--atoms=8", "--repeats=1"]),
    "ssim": (["ssim"], ["--images=2", "--references=20", "--checked=2"]),
}


def main(words=None):
    """Run, print each line as it comes and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--tiny", action="store_true")
    given = parser.parse_args(words)
    rows, failed = {}, []
    for name in given.only:
        command, tiny = BENCHMARKS[name]
        found = run(command + (tiny if given.tiny else []))
        if found.returncode:
            failed.append(name)
            print(f"{name} failed:\n{found.stderr}", file=sys.stderr)
            continue
        row = json.loads(found.stdout.splitlines()[-1])
        if "figures" not in row:
            row = {"figures": row} | machine()
        rows[name] = row | {"name": name}
        print(json.dumps(rows[name]), flush=True)
    text = table(rows)
    if given.out:
        given.out.write_text(text)
    print(text)
    return 1 if failed else 0


def run(words):
    """Run one benchmark in a process of its own."""
    command = [sys.executable, "-m", f"experiments.benchmarks.{words[0]}", *words[1:]]
    return subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True)


def table(rows):
    """Return Markdown: the machine, then a row for each figure."""
    known = machine()
    versions = ", ".join(f"{name} {version}" for name, version in known["versions"].items())
    lines = [f"{known['processor']}, {known['cores']} cores; {versions}.", ""]
    lines += ["| benchmark | figure | value |", "|---|---|---:|"]
    for name, row in rows.items():
        for figure, value in flatten(row["figures"]):
            lines.append(f"| {name} | {figure} | {value} |")
    return "\n".join(lines) + "\n"


def flatten(figures, before=""):
    """Yield figures with the names of the groups that they are in."""
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{before}{name} ")
        else:
            yield f"{before}{name}".replace("_", " "), value


if __name__ == "__main__":
    sys.exit(main())
