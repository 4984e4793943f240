"""Is a termination found that no training slab shows?

    python -m experiments.rediscovery [--draws=1000] [--steps=200] [--relaxations=8] [--seed=100]
        [--only=110-O-rich] [--ways=trained,untrained]

Each termination of the bundled slabs in turn is left out of training with every slab that `screen`
holds for equal to it; then structures are drawn from the whole slabs that are left, in five ways.
One line of JSON for each termination is added to `results.jsonl`; what stands there is not
repeated, and what several commands drew in different ways is put together. The table is printed
at the end.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from keras_ruo2.backend import start_backend

start_backend("tensorflow")
from experiments.rediscovery import hits, ways  # noqa: E402 - after the backend

HERE = Path(__file__).parent
SLABS = HERE.parents[1] / "tfrecords" / "gap.extxyz"


def main(words=None):
    """Measure what has not been measured, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--relaxations", type=int, default=8)
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--ways", default=",".join(ways.WAYS))
    parser.add_argument("--only", help="one termination, e.g. 110-O-rich")
    parser.add_argument("--out", type=Path, default=HERE / "results.jsonl")
    given = parser.parse_args(words)
    slabs, prints = hits.known(SLABS)
    done = finished(given.out)
    for target in hits.targets(slabs):
        wanted = set(given.ways.split(",")) - set(done.get(target.name, ()))
        if not wanted or given.only not in (None, target.name):
            continue
        row = measure(target, slabs, prints, given, wanted)
        with given.out.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
    print(table(finished(given.out)))


def finished(path):
    """Return the rows of a results file by termination."""
    if not path.is_file():
        return {}
    rows = {}
    for row in map(json.loads, path.read_text().splitlines()):
        rows.setdefault(row["termination"], {}).update(row)
    return rows


def measure(target, slabs, prints, given, drawn_ways):
    """Return the row of one termination, drawn in some ways."""
    started = time.process_time()
    left_out = hits.equal_to(target, slabs, prints)
    kept = [
        slab
        for number, slab in enumerate(slabs)
        if prints[number] and number not in left_out  # whole slabs, as in gap3d_clean
    ]
    wanted = [prints[number] for number in target.members]
    row = {"termination": target.name, "left_out": len(left_out), "draws": given.draws}
    row |= {"steps": given.steps, "seed": given.seed}
    for way, drawn in ways.draw_all(kept, drawn_ways, given):
        row[way] = hits.find(drawn, wanted, given.relaxations)
    return row | {"core_seconds": round(time.process_time() - started)}


def table(rows):
    """Return the rows as a Markdown table: how many draws show a termination, and the first."""
    lines = ["| left out | slabs | " + " | ".join(ways.WAYS) + " |", "|---|---|" + "---|" * 5]
    for name, row in rows.items():
        cells = [tell(row[way]) if way in row else "not drawn" for way in ways.WAYS]
        lines.append(f"| {name} | {row['left_out']} | " + " | ".join(cells) + " |")
    drawn, either, share = [], [], []
    for way in ways.WAYS:
        results = [row[way] for row in rows.values() if way in row]
        shown = sum(one["first"] is not None for one in results)
        after = sum(one["after"] is not None for one in results)
        drawn.append(f"{shown} of {len(results)}")
        either.append(f"{shown + after} of {len(results)}")
        share.append(f"{100 * np.mean([one['valid'] for one in results] or [0]):.0f} %")
    for title, cells in (
        ("found as drawn", drawn),
        ("found, relaxed ones too", either),
        ("valid, mean", share),
    ):
        lines.append(f"| {title} | | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def tell(result):
    """Return how a termination was found, in a cell of the table."""
    if result["first"] is not None:
        rank = "" if result["rank"] is None else f", rank {result['rank']}"
        return f"{result['hits']} (draw {result['first'] + 1}{rank})"
    return "-" if result["after"] is None else f"relaxed (draw {result['after'] + 1})"


if __name__ == "__main__":
    main()
