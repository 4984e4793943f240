"""What a generator of atoms draws: valid, new, near its relaxed place, of the energy asked for.

    python experiments/012_atoms/measure.py [--run=RUN] [--untrained] [--variety=2] [--faces=equal]
        [--distinct] [--novel] [--candidates=4] [--count=200] [--relaxed=24]
        [--largest=30] [--calculator=chgnet] [--rattled=0.1]

Prints one JSON line. Valid, unique and novel by `screen` against all bundled slabs, and also
against those that taught where atoms rest (`new_to_drawn`). The first valid samples of at most 30
atoms in a cell (`--largest`) are relaxed (FIRE, 0.1 eV/Å, at most 120 steps). `--rattled` draws
whole bundled slabs instead, each atom moved by normal deviates of so many Å.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import ase.io
import keras
import numpy as np
from ase.optimize import FIRE
from scipy.stats import spearmanr

from keras_ruo2 import runs
from keras_ruo2.backend import start_backend

start_backend("tensorflow")
from keras_ruo2.generation import draw  # noqa: E402 - after the backend
from keras_ruo2.generation.request import Request  # noqa: E402
from keras_ruo2.relaxation.calculators import make_calculator  # noqa: E402
from keras_ruo2.screening.screening import known_slabs, screen  # noqa: E402
from keras_ruo2.structure.placed import placed_slabs  # noqa: E402

ROOT = Path(__file__).parents[2]


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=ROOT / "keras_ruo2/bundled/joint3d")
    parser.add_argument("--untrained", action="store_true")
    parser.add_argument("--variety", type=float, default=1.0)
    parser.add_argument("--faces", default="any")
    parser.add_argument("--distinct", action="store_true")
    parser.add_argument("--novel", action="store_true")
    parser.add_argument("--candidates", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--relaxed", type=int, default=24)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--calculator", default="chgnet")
    parser.add_argument("--largest", type=int, default=30)
    parser.add_argument("--rattled", type=float)
    given = parser.parse_args()
    bundled = ase.io.read(ROOT / "tfrecords/gap.extxyz", ":")
    slabs, labels = rattled(bundled, given) if given.rattled else drawn(given)
    verdicts = screen(slabs, known_slabs(bundled))
    taught = known_slabs(bundled + ase.io.read(ROOT / "tfrecords/drawn.extxyz", ":"))
    new = sum(v.valid and v.unique and v.novel for v in screen(slabs, taught))
    valid = [verdict for verdict in verdicts if verdict.valid]
    unique = [verdict for verdict in valid if verdict.unique]
    row = {
        "run": given.run.name,
        "untrained": given.untrained,
        "variety": given.variety,
        "faces": given.faces,
        "distinct": given.distinct,
        "novel": given.novel,
        "candidates": given.candidates,
        "seed": given.seed,
        "calculator": given.calculator,
        "rattled": given.rattled,
        "largest": given.largest,
        "count": len(slabs),
        "valid": len(valid) / len(slabs),
        "valid_unique": len(unique) / len(slabs),
        "valid_unique_novel": sum(verdict.novel for verdict in unique) / len(slabs),
        "new_to_drawn": new / len(slabs),
        "reasons": Counter(reason for verdict in verdicts for reason in verdict.reasons),
        "terminations": len({(v.termination.facet, v.termination.label) for v in valid}),
    }
    chosen = [v.index for v in valid if len(slabs[v.index]) <= given.largest][: given.relaxed]
    small = [slabs[k] for k in chosen]
    print(json.dumps(row | relaxed(small, labels[chosen], given.calculator)))


def drawn(given):
    """Return slabs, one cell of each, and their classes."""
    saved = runs.load(given.run)
    names = ("run", "count", "seed", "variety", "faces", "distinct")
    names += ("novel", "candidates")
    if given.untrained:
        keras.utils.set_random_seed(given.seed)
        draw.load_weights = lambda *arguments: None  # new ones stay
    found = draw.draw_request(Request(**{name: getattr(given, name) for name in names}), saved)
    slabs = placed_slabs(found.made, saved["data"]["species"])
    for atoms in slabs:
        atoms.wrap()
    return slabs, found.labels


def rattled(bundled, given):
    """Return whole bundled slabs whose atoms are moved, and the classes of the slabs."""
    whole = [atoms for atoms in bundled if atoms.info["broken"] == "no"]
    rng = np.random.default_rng(given.seed)
    chosen = [whole[k] for k in rng.integers(len(whole), size=given.count)]
    edges = runs.load(given.run)["data"]["class_edges"]
    labels = np.digitize([energy(atoms) for atoms in chosen], edges[1:-1])
    slabs = [atoms.copy() for atoms in chosen]
    for atoms in slabs:
        atoms.positions += rng.normal(scale=given.rattled, size=atoms.positions.shape)
        atoms.wrap()
    return slabs, labels


def relaxed(slabs, labels, name):
    """Return how far relaxing moves slabs, what it sets free, and how energies follow classes."""
    if not slabs:
        return {}
    calculator, _ = make_calculator(name)
    found = []
    for atoms in slabs:
        atoms = atoms.copy()
        atoms.calc = calculator
        before, start = energy(atoms), atoms.positions.copy()
        FIRE(atoms, logfile=None, maxstep=0.1).run(fmax=0.1, steps=120)
        moved = atoms.positions - start
        moved -= moved.mean(axis=0)
        found.append((np.sqrt((moved**2).sum(axis=1).mean()), before, energy(atoms)))
    rmsd, before, after = np.array(found).T
    return {
        "relaxed": len(slabs),
        "rmsd": round(float(np.median(rmsd)), 3),
        "set_free": round(float(np.median(before - after)), 4),
        "spearman_drawn": round(float(spearmanr(labels, before)[0]), 2),
        "spearman_relaxed": round(float(spearmanr(labels, after)[0]), 2),
    }


def energy(atoms):
    """Return the energy, eV per atom."""
    return atoms.get_potential_energy() / len(atoms)


if __name__ == "__main__":
    main()
