"""Which way to lay drawn faces on a kept slab is best: valid, new, near its relaxed place.

    python experiments/014_kept_slabs/faces.py [--count=40] [--relaxed=3] [--facets=110,101]

Kept are the lower planes of thick slabs with the lattice of PBE; the upper two are drawn. Beside
the three ways to join there are the same sites by an untrained generator, and the faces of known
slabs (training data: none of them is new by itself). One row each is printed as soon as it is done.
"""

import argparse
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from keras_ruo2 import runs  # noqa: E402
from keras_ruo2.backend import start_backend  # noqa: E402
from keras_ruo2.io.paths import BUNDLED_STRUCTURES, MODELS  # noqa: E402
from keras_ruo2.io.structures import read_structures  # noqa: E402
from keras_ruo2.screening.screening import known_slabs, screen  # noqa: E402
from keras_ruo2.species import SPECIES  # noqa: E402
from keras_ruo2.structure.kept import base_of, join_face  # noqa: E402
from keras_ruo2.structure.registration import register, registrations  # noqa: E402
from keras_ruo2.structure.slabs import build_slab  # noqa: E402
from keras_ruo2.structure.validity import broken  # noqa: E402

A, C = 4.528, 3.118  # Å, PBE
PLANES = {"110": 5, "101": 5, "100": 6, "001": 7}  # of Ru in the slab that is given
DRAWN = {"110": 2, "101": 2, "100": 2, "001": 3}  # of them above the cut
CELLS = {"1x1": (1, 1, 1), "2x1": (2, 1, 1)}
WAYS = ("splice", "constrained", "latent", "untrained", "known")
SEED = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--relaxed", type=int, default=3)
    parser.add_argument("--facets", default="110,101,100,001")
    parser.add_argument("--calculator", default="chgnet")
    parser.add_argument("--cells", default="1x1,2x1")
    options = parser.parse_args()
    start_backend("tensorflow")
    run = MODELS / "joint3d"
    saved, slabs = runs.load_trained(run), read_structures(BUNDLED_STRUCTURES)
    given = [thick(facet) for facet in PLANES]
    known = known_slabs([*slabs, *given])
    print(
        "facet cell repeats way | valid unique new | misfit disagreeing s | RMSD set-free converged"
    )
    for facet in options.facets.split(","):
        for cell in options.cells.split(","):
            for repeats in ("same",) if cell == "1x1" else ("same", "each"):
                for way in WAYS if repeats == "same" else WAYS[:4]:
                    row(options, run, saved, slabs, known, facet, cell, repeats, way)


def thick(facet):
    """Return the slab of which the lower planes are kept."""
    return build_slab(f"{facet}-stoichiometric", a=A, c=C, num_planes=PLANES[facet])


def row(options, run, saved, slabs, known, facet, cell, repeats, way):
    """Print what becomes of the faces that are laid in one way on one slab."""
    slab = thick(facet)
    base = base_of(slab.repeat(CELLS[cell]), SPECIES, frozen_layers=planes_of(slab) - DRAWN[facet])
    began = time.perf_counter()
    if way == "known":
        made = known_faces(base, slabs, options.count)
    else:
        made = drawn_faces(options, run, saved, base, repeats, way)
    seconds = time.perf_counter() - began
    found = screen(made, known)
    valid = [verdict.valid for verdict in found]
    unique = [verdict.unique for verdict in found]
    new = [verdict.unique and verdict.novel for verdict in found]
    misfit = np.median([atoms.info["misfit"] for atoms in made])
    disagreeing = np.mean([atoms.info["disagreeing"] for atoms in made])
    told = f"{facet} {cell} {repeats:4s} {way:11s} | "
    told += " ".join(f"{100 * np.mean(share):4.0f}" for share in (valid, unique, new))
    told += f" | {misfit:.3f} {disagreeing:.1f} {seconds:5.1f} | "
    chosen = [atoms for atoms, fits in zip(made, new if any(new) else unique, strict=True) if fits]
    number = options.relaxed if cell == "1x1" else 0
    print(told + relaxed(options, chosen[:number]), flush=True)


def planes_of(slab):
    """Return the planes of metal of a slab."""
    return base_of(slab, SPECIES, frozen_layers=1).planes + 1


def drawn_faces(options, run, saved, base, repeats, way):
    """Return structures with faces by a generator, trained or not."""
    from keras_ruo2.generation import draw
    from keras_ruo2.generation import kept as generate_kept
    from keras_ruo2.training.slabs import load_anchors

    config = SimpleNamespace(
        run=run, count=options.count, seed=SEED, label=None, repeats=repeats, checkpoint="last"
    )
    config.joining = "constrained" if way == "untrained" else way
    anchors, load_weights = load_anchors(run), draw.load_weights
    try:
        if way == "untrained":
            draw.load_weights = lambda *arguments: None
        network = generate_kept.placing(draw.load_generator(run, saved))
    finally:
        draw.load_weights = load_weights
    known = registrations(base, anchors, range(len(anchors.facets)))
    return generate_kept.draw_faces(config, saved, network, base, known)


def known_faces(base, slabs, count):
    """Return structures with faces of whole known slabs, chosen at random."""
    found = []
    for slab in slabs:
        if broken(slab) or np.abs(slab.cell.angles() - 90).max() > 0.1:
            continue
        other = base_of(slab, SPECIES, frozen_layers=1)
        found += register(base, other.places, other.channels, other.lengths[:2])
    rng, made = np.random.default_rng(SEED), []
    for number in rng.integers(len(found), size=count):
        shape = found[number].partners.shape
        made.append(join_face(base, found[number], np.zeros((*shape, 3)), np.ones(shape, bool)))
    return made


def relaxed(options, chosen):
    """Return the medians of RMSD (Å) and energy set free (eV/atom), and how many converged."""
    from keras_ruo2.relaxation.calculators import make_calculator
    from keras_ruo2.relaxation.relax import Limits, relax
    from keras_ruo2.structure.cells import potential_energy

    if not chosen:
        return "-"
    calculator, _ = make_calculator(options.calculator)
    limits = Limits(fmax=0.1, steps=120)
    done = [relax(atoms, calculator, limits) for atoms in chosen]
    whole = [atoms for atoms in done if potential_energy(atoms) is not None]
    if not whole:
        return "no energies"
    free = len(whole[0]) - whole[0].info["frozen_atoms"]
    moved = np.median([atoms.info["rmsd"] * np.sqrt(len(atoms) / free) for atoms in whole])
    energies = [(a.info["start_energy"] - potential_energy(a)) / free for a in whole]
    converged = sum(atoms.info["relax_failures"] == "no" for atoms in whole)
    return f"{moved:.2f} {np.median(energies):.3f} {converged}/{len(chosen)}"


if __name__ == "__main__":
    main()
