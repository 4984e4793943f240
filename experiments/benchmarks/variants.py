"""Every variant on every backend, a few steps each: trains, goes on, generates; as a table.

    python experiments/benchmarks/variants.py [--backends=tensorflow,jax,torch]
        [--variants=vanilla2d,...] [--voxels=8] [--steps=4] [--width=4]

Prints a Markdown table and one line of JSON. Everything goes through the command line's own parser,
in one process a backend; records of a few bundled slabs are built in a temporary folder. Numbers of
parameters are those of the networks at 32 voxels and with the default width, times those of the
small networks that were trained. The first step, in which a backend compiles, is timed apart.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from keras_ruo2.backend import BACKENDS  # noqa: E402
from keras_ruo2.models.variants import VARIANTS  # noqa: E402

NUM_SLABS, EVERY = 12, 12  # of the 148 bundled slabs, all facets
BATCH, COUNT = 4, 6
CHECKS = ("finite", "resumes", "generates")


def main():
    """Measure, print the table, then the JSON."""
    given = parse()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for ndim in sorted({VARIANTS[name].ndim for name in given.variants}):
            write_records(folder, ndim, given.voxels)
        rows = [row for backend in given.backends for row in measure(backend, given, folder)]
    sizes = {row["variant"]: row for row in rows}
    print_table(given, sizes, {(row["variant"], row["backend"]): row for row in rows})
    settings = {"voxels": given.voxels, "steps": given.steps, "width": given.width}
    print(json.dumps({"settings": settings, "rows": rows}))
    return 0 if all(row[name] for row in rows for name in CHECKS) else 1


def parse():
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backends", type=lambda text: text.split(","), default=list(BACKENDS))
    parser.add_argument("--variants", type=lambda text: text.split(","), default=list(VARIANTS))
    parser.add_argument("--voxels", type=int, default=8)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--width", type=int, default=4)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args()
    for names, known in ((given.backends, BACKENDS), (given.variants, VARIANTS)):
        if unknown := set(names) - set(known):
            parser.error(f"unknown: {', '.join(unknown)}. Expected some of: {', '.join(known)}")
    if given.steps < 2:
        parser.error("--steps must be at least 2: the first one is compiled")
    return given


def write_records(folder, ndim, num_voxels):
    """Write records of a few bundled slabs."""
    import ase.io

    from keras_ruo2.io.paths import BUNDLED_STRUCTURES

    slabs = folder / "slabs.extxyz"
    if not slabs.is_file():
        ase.io.write(slabs, ase.io.read(BUNDLED_STRUCTURES, f"::{EVERY}")[:NUM_SLABS])
    flags = {"structures": slabs, "recipe": f"gap{ndim}d", "num_voxels": num_voxels}
    flags |= {"out": folder / f"records{ndim}d", "holdout": 0.25}
    command = [sys.executable, "-m", "data_prep", "records", *as_flags(flags)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def as_flags(values):
    """Return words for a command line."""
    return [f"--{name}={value}" for name, value in values.items()]


def measure(backend, given, folder):
    """Return the rows of a backend, measured in a process of its own."""
    out = folder / f"{backend}.json"
    flags = {"worker": out, "backends": backend, "variants": ",".join(given.variants)}
    flags |= {name: getattr(given, name) for name in ("voxels", "steps", "width")}
    environment = os.environ | {"KERAS_BACKEND": backend}
    command = [sys.executable, __file__, *as_flags(flags)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{backend} failed:\n{done.stdout}")
    return json.loads(out.read_text())


def work(given):
    """Measure every variant in this process and write the rows."""
    rows = []
    for variant in given.variants:
        begin = time.perf_counter()
        row = {"variant": variant, "backend": given.backends[0]}
        row |= try_variant(variant, given)
        row["wall_seconds"] = round(time.perf_counter() - begin, 1)
        print(row, file=sys.stderr, flush=True)
        rows.append(row)
    Path(given.worker).write_text(json.dumps(rows))


def try_variant(variant, given):
    """Train, go on and generate; return what came of it."""
    row = dict.fromkeys(("first_step", "seconds_per_step"))
    row |= dict.fromkeys(CHECKS, False)
    records = Path(given.worker).parent / f"records{VARIANTS[variant].ndim}d"
    run = Path(given.worker).with_suffix("") / variant
    common = {"variant": variant, "run": run, "backend": given.backends[0]}
    small = {"width": given.width, "latent_size": 32, "batch_size": BATCH, "critic_steps": 2}
    often = {"steps": given.steps, "log_every": 1, "evaluate_every": 1000}
    try:
        command("train", records=records, **common, **small, **often)
        row |= timed(read_rows(run))
        command("train", "--resume", **common, steps=given.steps + 2)
        rows = read_rows(run)
        row["resumes"] = [int(r["step"]) for r in rows] == list(range(1, given.steps + 3))
        values = [float(value) for r in rows for value in r.values() if value]
        row["finite"] = bool(np.isfinite(values).all())
        row["generates"] = generates(variant, run, given)
    except (SystemExit, Exception) as error:
        row["error"] = f"{type(error).__name__}: {error}"
    return row | parameters(variant)


def command(*words, **flags):
    """Run a command of `python -m keras_ruo2` in this process."""
    from keras_ruo2.__main__ import COMMANDS
    from keras_ruo2.cli import run_command_line

    run_command_line("python -m keras_ruo2", COMMANDS, [*words, *as_flags(flags)])


def read_rows(run):
    """Return the rows of a run's metrics.csv."""
    with open(run / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def timed(rows):
    """Return the seconds of the first step and the median of the later ones."""
    ends = [float(row["seconds"]) for row in rows]
    later = [after - before for before, after in zip(ends, ends[1:], strict=False)]
    return {"first_step": round(ends[0], 2), "seconds_per_step": round(statistics.median(later), 4)}


def generates(variant, run, given):
    """Say whether samples come as they should, of all classes and of one."""
    row = VARIANTS[variant]
    expected = {"grid": (COUNT, *(given.voxels,) * row.ndim, 2)}
    expected |= {"lattice": (COUNT, row.ndim)} if row.lattice else {}
    expected |= {"label": (COUNT,)} if row.label else {}
    for label in (None, 1) if row.label else (None,):
        out = run / "samples.npz"
        told = {} if label is None else {"label": label}
        command("generate", run=run, count=COUNT, out=out, shown=4, **told)
        with np.load(out) as samples:
            if {name: samples[name].shape for name in samples} != expected:
                return False
            if not all(np.isfinite(samples[name]).all() for name in samples):
                return False
            if label is not None and set(samples["label"]) != {label}:
                return False
    return True


def parameters(variant):
    """Return the parameters of the networks in full size."""
    from keras_ruo2.models.networks import build_critic, build_generator

    networks = {"generator": build_generator(variant), "critic": build_critic(variant)}
    return {name: network.count_params() for name, network in networks.items()}


def print_table(given, sizes, rows):
    """Print a row for each variant, two columns for each backend."""
    titles = ["variant", "generator", "critic"]
    for backend in given.backends:
        titles += [f"{backend} s/step (first)", "/".join(CHECKS)]
    print(f"| {' | '.join(titles)} |")
    print(f"|---|{'---:|' * 2}{'---:|---|' * len(given.backends)}")
    for name in given.variants:
        cells = [name, f"{sizes[name]['generator']:,}", f"{sizes[name]['critic']:,}"]
        for backend in given.backends:
            cells += cells_of(rows[name, backend])
        print(f"| {' | '.join(cells)} |")


def cells_of(row):
    """Return the two cells of a variant on a backend."""
    passed = "/".join("yes" if row[name] else "no" for name in CHECKS)
    if row["first_step"] is None:
        return ["-", passed]
    return [f"{row['seconds_per_step']:.3f} ({row['first_step']:.1f})", passed]


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    arguments = parse()
    sys.exit(work(arguments) if arguments.worker else main())
