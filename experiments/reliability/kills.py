"""Kill long commands at random moments: python -m experiments.reliability.kills --each=30

Prints a row for each command and signal: how many kills, how many of them met the command still
running, and in how many anything differed from an undisturbed command after repeating it (files,
leftovers, orphaned processes, tracebacks). --only=NAME,NAME takes some commands.

With --kept=FILE each kill is a line of JSON there as soon as it is done. The same command goes on
with what is missing, and the table counts all lines of the file; a kill with a difference has what
the command said.
"""

import json
import tempfile
from pathlib import Path

import fire
import numpy as np

from tests import forked as copies
from tests.kill_works import WORKS
from tests.kills import SIGNALS, differences, kill, undisturbed

HEAD = "| command | seconds | signal | kills | met it running | with a difference |"
SAID = 4000  # characters kept of what a command said that differed


def main(each=30, seed=0, only=None, kept=None, forked=False):
    """Kill every command `each` times by each signal."""
    if forked:
        copies.load()
    names = set(only.split(",") if isinstance(only, str) else only or ())
    done = Kept(kept)
    for row, work in enumerate(WORKS):
        if not names or work.name in names:
            with tempfile.TemporaryDirectory() as place:
                kills_of(work, Path(place).resolve(), each, (seed, row), done)
    print(table(done.rows))
    return int(any(row["faults"] for row in done.rows))


class Kept:
    """Rows of kills that are done, in a file if there is one."""

    def __init__(self, path):
        self.path = path and Path(path)
        lines = self.path.read_text().splitlines() if path and self.path.exists() else ()
        self.rows = [json.loads(line) for line in lines]

    def has(self, key):
        """Say whether a kill is done: `key` is command, signal, seed and number."""
        return any(
            [row[name] for name in ("command", "signal", "seed", "number")] == key
            for row in self.rows
        )

    def add(self, row):
        """Keep a row."""
        self.rows.append(row)
        if self.path:
            with open(self.path, "a") as file:
                file.write(json.dumps(row) + "\n")


def kills_of(work, place, each, seed, done):
    """Kill a command by each signal in turn, as often as is not done yet."""
    keys = [(work.name, number.name, seed[0], count) for count in range(each) for number in SIGNALS]
    missing = [key for key in keys if not done.has(list(key))]
    times = quickest(work, place) if missing else None
    for _, signal, _, count in missing:
        number = next(one for one in SIGNALS if one.name == signal)
        share = float(np.random.default_rng((*seed, int(number), count)).uniform())
        found = kill(work, place / f"{signal}-{count}", place / "whole", number, times, share)
        done.add(
            {
                **{"command": work.name, "signal": signal, "seed": seed[0], "number": count},
                **{"seconds": times.end, "share": share, "met": found.met, "forked": copies.loaded},
                **{"faults": found.faults, "said": found.said[-SAID:] if found.faults else ""},
            }
        )


def quickest(work, place):
    """Return the shorter `Times` of two undisturbed commands, whose files must be the same.

    Caches are cold in the first one, by whose times many kills would come too late.
    """
    folders = [place / "whole", place / "again"]
    times = min((undisturbed(work, folder) for folder in folders), key=lambda found: found.end)
    apart = differences(work, *folders)
    assert not apart, f"{work.name} does not repeat itself: {apart}"
    return times


def table(rows):
    """Return a Markdown table of all kills, and a line for each with a difference."""
    lines = [HEAD, "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(row["command"] for row in rows):
        for number in SIGNALS:
            some = [r for r in rows if (r["command"], r["signal"]) == (name, number.name)]
            if some:
                seconds = np.median([row["seconds"] for row in some])
                counts = (
                    len(some),
                    sum(r["met"] for r in some),
                    sum(bool(r["faults"]) for r in some),
                )
                lines.append(
                    f"| {name} | {seconds:.1f} | {number.name} | {' | '.join(map(str, counts))} |"
                )
    bad = [row for row in rows if row["faults"]]
    lines += [
        f"{r['command']}, {r['signal']} at {r['share']:.2f}: {'; '.join(r['faults'])}" for r in bad
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(fire.Fire(main, serialize=lambda _: None))
