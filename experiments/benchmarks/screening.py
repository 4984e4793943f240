"""How well do kernels and displacements tell equal slabs from different ones?

    python experiments/benchmarks/screening.py --out=experiments/006_screening

Pairs of the whole bundled slabs: rattled twice (equal), differently relaxed ones of a termination,
other minima and other terminations (different). Prints tables, writes pairs.png.
"""

import itertools
import math
import sys
from pathlib import Path

import numpy as np
from ase.io import read
from plotting_screening import pair_distributions

from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.plotting import style
from keras_ruo2.screening.matching import (
    SAME_PLACE,
    SAME_SURROUNDINGS,
    comparable,
    displacement,
    slab_fingerprint,
)
from keras_ruo2.screening.soap import environments, worst_match
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.structure.variations import add_on_top

RATTLE = 0.05  # Å, standard deviation of each coordinate
SAME_SITE = ("ideal", "relaxed", "partly-relaxed", "rattled")  # the same bonds, other places
SHIFTED = "shifted-row"  # sheared, its bonds healed
CLASSES = (
    "both rattled by 0.05 Å",
    "the same bonds, differently relaxed",
    "sheared rows",
    "other bonds, facets, compositions",
)


def main(out):
    """Print the tables and draw the picture into the folder `out`."""
    slabs = [slab for slab in read(BUNDLED_STRUCTURES, ":") if slab.info["broken"] == "no"]
    prints = [slab_fingerprint(slab) for slab in slabs]
    rng = np.random.default_rng(0)
    found = {name: [] for name in CLASSES}
    for slab in slabs:
        found[CLASSES[0]].append(compare(*(slab_fingerprint(rattled(slab, rng)) for _ in range(2))))
    for first, second in itertools.combinations(range(len(slabs)), 2):
        pair = slabs[first].info, slabs[second].info
        measured = compare(prints[first], prints[second])
        found[class_of(*pair)].append((*measured, pair[0]["name"], pair[1]["name"]))
    for name, rows in found.items():
        print(summary(name, rows))
    print("\nDifferent bonds, yet called equal:")
    for kernel, apart, *names in sorted(found[CLASSES[3]], reverse=True):
        if apart <= SAME_PLACE and kernel >= SAME_SURROUNDINGS:
            print(f"  {' = '.join(names)}: kernel {kernel:.5f}, {apart:.3f} Å")
    classes = {name: columns(rows) for name, rows in found.items()}
    figure = pair_distributions(classes, (SAME_SURROUNDINGS, SAME_PLACE), dilution())
    style.save_figure(figure, Path(out) / "pairs.png")


def rattled(slab, rng):
    """Return a copy with normal deviates added to every coordinate."""
    result = slab.copy()
    result.positions += rng.normal(scale=RATTLE, size=result.positions.shape)
    return result


def compare(first, second):
    """Return `(kernel, displacement)` of two fingerprints, infinite where nothing compares."""
    kernel = float(worst_match(first.environments, second.environments))
    return kernel, displacement(first, second) if comparable(first, second) else math.inf


def class_of(first, second):
    """Return which of `CLASSES` a pair of bundled slabs is in."""
    same = first["facet"] == second["facet"] and first["termination"] == second["termination"]
    kinds = {first["variation"], second["variation"]}
    if same and kinds <= set(SAME_SITE):
        return CLASSES[1]
    return CLASSES[2] if same and kinds <= {*SAME_SITE, SHIFTED} else CLASSES[3]


def columns(rows):
    """Return the kernels and the displacements of a class as two arrays."""
    return np.array([row[:2] for row in rows]).T


def summary(name, rows):
    """Return a line of the table."""
    kernels, apart = columns(rows)
    equal = (kernels >= SAME_SURROUNDINGS) & (apart <= SAME_PLACE)
    finite = apart[np.isfinite(apart)]
    return (
        f"| {name} | {len(rows)} | {kernels.min():.4f} to {kernels.max():.4f} | "
        f"{finite.min():.2f} to {finite.max():.2f} | {equal.sum()} |"
    )


def dilution():
    """Return kernels between (110) slabs of growing size and the same with one O more."""
    from dscribe.kernels import AverageKernel, REMatchKernel

    rng = np.random.default_rng(0)
    sizes = []
    found = {"worst match (used)": [], "best match (REMatch)": [], "average": []}
    for repeats in ((1, 1, 1), (1, 2, 1), (2, 2, 1), (2, 4, 1), (4, 4, 1)):
        slab = build_slab("110-stoichiometric", a=4.5, c=3.1).repeat(repeats)
        pair = [environments(slab), environments(add_on_top(slab, rng))]
        vectors = [np.concatenate(one) for one in pair]
        sizes.append(len(slab))
        found["worst match (used)"].append(worst_match(*pair))
        rematch = REMatchKernel(metric="linear", alpha=0.05)
        found["best match (REMatch)"].append(rematch.create(vectors)[0, 1])
        found["average"].append(AverageKernel(metric="linear").create(vectors)[0, 1])
    for name, values in found.items():
        print(f"| {name} | {' | '.join(f'{1 - value:.2g}' for value in values)} |")
    print(sizes)
    return {name: (sizes, values) for name, values in found.items()}


if __name__ == "__main__":
    main(sys.argv[1].removeprefix("--out="))
