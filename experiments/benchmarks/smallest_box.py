"""The search for orthogonal supercells against one that takes a vector at a time.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.smallest_box [--cells=120]

Core seconds for the cells of slabs, and for cells of all kinds (sheared, turned, strained), both
ways in turns. `different` counts cells for which the two ways choose other vectors.
"""

import argparse

import numpy as np

from experiments.benchmarks.machine import core_seconds, report
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import orthogonal_rows
from keras_ruo2.structure.slabs import build_slab
from tests import plain_boxes


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=120)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(words)
    names = ("110-stoichiometric", "100-O-rich", "111-stoichiometric")
    slabs = [build_slab(name, a=4.5, c=3.1).cell.array for name in names]
    kinds = {"slabs": slabs, "all_kinds": plain_boxes.some_cells(given.cells)}
    figures = {name: compare(cells, given.repeats) for name, cells in kinds.items()}
    figures["largest_difference"] = max(one["different"] for one in figures.values())
    report("smallest_box", figures)


def compare(cells, repeats):
    """Return the figures of both ways for some cells."""
    ways = {
        "plain": lambda: [plain_boxes.smallest_rows(cell) for cell in cells],
        "package": lambda: [box_of(cell) for cell in cells],
    }
    seconds = core_seconds(ways, repeats)
    pairs = zip(ways["plain"](), ways["package"](), strict=True)
    return {
        "cells": len(cells),
        "plain_ms_a_cell": round(1e3 * seconds["plain"] / len(cells), 3),
        "ms_a_cell": round(1e3 * seconds["package"] / len(cells), 3),
        "times_faster": round(seconds["plain"] / seconds["package"], 1),
        "different": sum(not same_box(*pair) for pair in pairs),
    }


def box_of(cell):
    """Return the vectors of the package's box, or `None`."""
    try:
        return orthogonal_rows(cell)
    except ConfigError:
        return None


def same_box(one, other):
    """Say whether two boxes have the same vectors, whatever their order and signs."""
    if one is None or other is None:
        return one is other
    keys = [{max(tuple(row), tuple(-row)) for row in np.asarray(rows)} for rows in (one, other)]
    return keys[0] == keys[1]


if __name__ == "__main__":
    main()
