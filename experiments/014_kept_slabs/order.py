"""How well one look at a structure tells how low it will be relaxed, from the bundled search.

    python experiments/014_kept_slabs/order.py

Of each trial of the search it takes the first and the last snapshot that are kept, and compares the
grand potentials before and after within each start and dmu_O (Spearman's coefficient); then it
chooses the best of groups of 20 trials by one look, for 5 relaxations, against any 5.
"""

import lzma
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

FILES = sorted((Path(__file__).resolve().parents[2] / "tfrecords/basin_hopping").glob("*.xz"))
ENTRY = re.compile(r"(start|chain|trial|snapshot|energy|dmu_o|oxygen_energy)=(\S+)")
FEWEST, GROUP, RELAXED, DRAWS, SEED = 10, 20, 5, 2000, 0


def main():
    trials = defaultdict(list)
    for path in FILES:
        for found, oxygens in frames(path):
            energy = float(found["energy"])
            grand = energy - oxygens * (float(found["oxygen_energy"]) + float(found["dmu_o"]))
            key = (found["start"], found["dmu_o"], found["chain"], found["trial"])
            trials[key].append((int(found["snapshot"]), grand))
    groups = defaultdict(list)
    for (start, dmu_o, _, trial), snapshots in trials.items():
        if len(snapshots) > 1 and trial != "0":
            groups[start, dmu_o].append((min(snapshots)[1], max(snapshots)[1]))
    rng, told, gains = np.random.default_rng(SEED), [], []
    for values in groups.values():
        before, after = np.array(values).T
        if len(values) >= FEWEST:
            told.append(spearmanr(before, after).statistic)
            gains.append(gain(before, after, rng))
    number = sum(map(len, groups.values()))
    print(f"{number} trials; {len(told)} groups of one start and dmu_O with {FEWEST} or more")
    print(
        f"Spearman's coefficient: median {np.median(told):.2f}, {min(told):.2f} to {max(told):.2f}"
    )
    ordered, anyhow = 100 * np.mean(gains, axis=0)
    print(f"the lowest of a group is among {RELAXED}: {ordered:.0f} % by one look, {anyhow:.0f} %")


def frames(path):
    """Yield what the second line of each frame says, and its O atoms."""
    with lzma.open(path, "rt") as file:
        while count := file.readline().strip():
            said = dict(ENTRY.findall(file.readline()))
            yield said, sum(file.readline().startswith("O ") for _ in range(int(count)))


def gain(before, after, rng):
    """Return how often the lowest after relaxing is among those chosen, by a look or anyhow."""
    size, hits = min(GROUP, len(before)), np.zeros(2)
    for _ in range(DRAWS):
        chosen = rng.permutation(len(before))[:size]
        best = chosen[after[chosen].argmin()]
        hits += [best in chosen[before[chosen].argsort()[:RELAXED]], best in chosen[:RELAXED]]
    return hits / DRAWS


if __name__ == "__main__":
    main()
