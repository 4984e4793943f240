"""Slabs screened a minute, against comparing every pair on its own.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.screening_rate [--slabs=40] [--known=148]

Core seconds. Bundled slabs, rattled, are screened against the bundled ones. The slow way
computes a kernel for one pair at a time and brings the atoms of every pair of one composition
together; `verdicts_differ` counts the slabs that both ways judge differently.
"""

import argparse
import time
from unittest import mock

import ase.io
import numpy as np

from experiments.benchmarks.machine import report
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.screening import matching, novelty
from keras_ruo2.screening.novelty import Match
from keras_ruo2.screening.screening import known_slabs, screen
from keras_ruo2.screening.soap import worst_match

BAR, BEFORE = 1000, 235  # a minute: wanted, and when it was asked for
RATTLE = 0.02  # Å


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slabs", type=int, default=40)
    parser.add_argument("--known", type=int, default=148)
    given = parser.parse_args(words)
    every = ase.io.read(BUNDLED_STRUCTURES, ":")
    known = known_slabs(every[: given.known])
    slabs = [slab.copy() for slab in every if slab.info["broken"] == "no"]
    slabs = slabs[:: max(1, len(slabs) // given.slabs)][: given.slabs]
    for number, slab in enumerate(slabs):
        slab.rattle(RATTLE, seed=number)
    screen(slabs[:1], known)
    fast, seconds = timed(slabs, known)
    with (
        mock.patch.object(novelty, "find_match", find_match_slowly),
        mock.patch("keras_ruo2.screening.screening.find_match", find_match_slowly),
    ):
        slow, slow_seconds = timed(slabs, known)
    figures = {
        "structures": len(slabs),
        "known": given.known,
        "a_minute_and_core": round(60 * len(slabs) / seconds),
        "bar_a_minute_on_two_cores": BAR,
        "before_a_minute": BEFORE,
        "times_faster_than_pairs": round(slow_seconds / seconds, 2),
        "verdicts_differ": sum(a != b for a, b in zip(fast, slow, strict=True)),
    }
    report("screening_rate", figures)


def timed(slabs, known):
    """Return what of each verdict says whether a slab is new, and core seconds."""
    begin = time.process_time()
    verdicts = screen(slabs, known)
    seconds = time.process_time() - begin
    return [(v.valid, v.first, v.novel, v.equals_known) for v in verdicts], seconds


def find_match_slowly(fingerprint, others):
    """Do what `novelty.find_match` does, a pair at a time and without looking at kernels first."""
    found = []
    for index, other in enumerate(others):
        kernel = float(worst_match(fingerprint.environments, other.environments))
        if matching.comparable(fingerprint, other):
            matching.displacement(fingerprint, other)
        same, apart = matching.same_slab(fingerprint, other, kernel)
        found.append(Match(index, same, kernel, apart))
    order = np.argsort([-match.kernel for match in found], kind="stable")
    equal = [found[index] for index in order if found[index].same]
    return (equal or [found[index] for index in order])[0]


if __name__ == "__main__":
    main()
