"""Make `tfrecords/drawn.extxyz`: slabs that a model draws, relaxed, which teach where atoms rest.

    python experiments/012_atoms/relaxed.py draw --out=drawn.extxyz
    python experiments/012_atoms/relaxed.py relax --structures=drawn.extxyz --out=part0.extxyz \
        [--shard=0/14]
    python experiments/012_atoms/relaxed.py collect --structures='part*.extxyz' \
        --out=tfrecords/drawn.extxyz

`draw` takes different, new, valid slabs of the bundled model (1,300 drawn), gives them the lateral
lengths of the known slabs of their facet and 20 Å of vacuum. `relax` relaxes with CHGNet (FIRE,
steps of 0.1 Å at most, 0.05 eV/Å, 250 steps), the forces of many slabs in one call, on a GPU where
PyTorch has one. `collect` puts those at rest together, with the places that were drawn.
"""

import argparse
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.optimize import FIRE

ROOT = Path(__file__).parents[2]
RUN = ROOT / "keras_ruo2/bundled/joint3d"
DRAWS = (  # slabs, noise seed, and what is asked for
    (600, 601, {"candidates": 4}),
    (400, 602, {}),
    (300, 603, {"variety": 2.0}),
)
ACTIVE = 24  # slabs in one call
FMAX, STEPS = 0.05, 250  # eV/Å
OXIDE = 0.687  # eV per O: the correction that is undone
ALIKE = 0.05  # share by which lateral lengths may be off


def draw(given):
    """Write slabs that the bundled model draws."""
    from keras_ruo2 import runs
    from keras_ruo2.backend import start_backend

    start_backend("tensorflow")
    from keras_ruo2.generation.draw import draw_request
    from keras_ruo2.generation.request import Request
    from keras_ruo2.screening.screening import known_slabs, screen
    from keras_ruo2.structure.placed import placed_slabs

    saved, slabs = runs.load(RUN), []
    for count, seed, asked in DRAWS:
        request = Request(run=RUN, count=count, seed=seed, distinct=True, novel=True, **asked)
        slabs += placed_slabs(draw_request(request, saved).made, saved["data"]["species"])
    for atoms in slabs:
        atoms.wrap()
    known = bundled()
    good = [v.index for v in screen(slabs, known_slabs(known)) if v.valid and v.unique and v.novel]
    cells = lateral_cells(known)
    ase.io.write(given.out, [fitted(slabs[index], cells) for index in good])


def bundled():
    """Return the bundled slabs."""
    return ase.io.read(ROOT / "tfrecords/gap.extxyz", ":")


def lateral_cells(known):
    """Return the lateral lengths of each facet's orthogonal cell, Å."""
    from keras_ruo2.structure.cells import orthogonalise

    return {
        atoms.info["facet"]: np.sort(orthogonalise(atoms).cell.lengths()[:2])
        for atoms in known
        if atoms.info["variation"] == "ideal"
    }


def fitted(atoms, cells):
    """Return a slab with the lateral lengths of the known slabs and 20 Å of vacuum."""
    lengths = atoms.cell.lengths()[:2]
    order = np.argsort(lengths)
    facet = min(cells, key=lambda name: np.abs(lengths[order] / cells[name] - 1).max())
    cell = atoms.cell.copy()
    for axis, length in zip(order, cells[facet], strict=True):
        if abs(lengths[axis] / length - 1) > ALIKE:
            raise SystemExit(f"lateral lengths of {lengths} Å are those of no facet")
        cell[axis] *= length / lengths[axis]
    atoms.set_cell(cell, scale_atoms=True)
    heights = atoms.get_scaled_positions()[:, 2]
    order = np.sort(heights)
    widest = np.argmax(np.diff(np.append(order, order[0] + 1)))
    bottom = order[(widest + 1) % len(order)]
    atoms.positions[:, 2] = (heights - bottom) % 1 * atoms.cell.lengths()[2]
    atoms.center(vacuum=10, axis=2)
    atoms.info = {"facet": facet}
    return atoms


def relax(given):
    """Relax slabs and append each to a file as it is done."""
    import torch
    from chgnet.model import CHGNet

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = CHGNet.load(use_device=device, verbose=False)
    number, shards = map(int, given.shard.split("/"))
    waiting, active = ase.io.read(given.structures, ":")[number::shards][::-1], []
    while waiting or active:
        while waiting and len(active) < ACTIVE:
            atoms = waiting.pop()
            atoms.arrays["drawn"] = atoms.positions.copy()
            active.append((atoms, FIRE(atoms, logfile=None, maxstep=0.1)))
        evaluate(model, [atoms for atoms, _ in active])
        moving = []
        for atoms, optimizer in active:
            if is_done(atoms, optimizer):
                finish(atoms, optimizer, given.out)
                continue
            optimizer.step()
            optimizer.nsteps += 1
            moving.append((atoms, optimizer))
        active = moving


def evaluate(model, slabs):
    """Give slabs their energies and forces, all in one call."""
    from pymatgen.io.ase import AseAtomsAdaptor

    graphs = [model.graph_converter(AseAtomsAdaptor.get_structure(atoms)) for atoms in slabs]
    for atoms, found in zip(
        slabs, model.predict_graph(graphs, task="ef", batch_size=len(graphs)), strict=True
    ):
        energy = float(found["e"]) * len(atoms) + OXIDE * np.sum(atoms.numbers == 8)
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=found["f"].astype(float))
        atoms.info.setdefault("energy_drawn", round(energy, 6))
        atoms.info["fmax"] = round(float(np.linalg.norm(found["f"], axis=1).max()), 3)


def is_done(atoms, optimizer):
    """Say whether a slab is at rest, or has made its steps."""
    return atoms.info["fmax"] < FMAX or optimizer.nsteps >= STEPS


def finish(atoms, optimizer, out):
    """Append a relaxed slab to a file."""
    atoms.info["relaxation_steps"] = optimizer.nsteps
    ase.io.write(out, atoms, append=True)


def collect(given):
    """Write all that are at rest, by facet and energy."""
    from keras_ruo2.structure.cells import energy_per_atom

    files = sorted(Path(given.structures).parent.glob(Path(given.structures).name))
    slabs = [atoms for file in files for atoms in ase.io.read(file, ":")]
    slabs = [atoms for atoms in slabs if atoms.info["fmax"] < FMAX]
    slabs.sort(key=lambda atoms: (atoms.info["facet"], energy_per_atom(atoms)))
    like = bundled()[0]
    ase.io.write(given.out, [labelled(*pair, like) for pair in enumerate(slabs)])


def labelled(number, atoms, like):
    """Return a slab with what the bundled slabs say of themselves, to 0.1 mÅ."""
    slab = Atoms(atoms.symbols, atoms.positions.round(4), cell=atoms.cell, pbc=True)
    own = {name: atoms.info[name] for name in ("facet", "relaxation_steps")}
    own |= {name: round(float(atoms.info[name]), 3) for name in ("fmax", "energy_drawn")}
    same = {name: like.info[name] for name in ("calculator", "calculator_version", "correction")}
    name = f"{own['facet'].strip('()')}-drawn-{number:03d}"
    slab.arrays["drawn"] = atoms.arrays["drawn"].round(4)
    slab.info = {"name": name, "termination": "drawn", "variation": "relaxed", "broken": "no"}
    slab.info |= own | same
    slab.calc = SinglePointCalculator(slab, energy=round(atoms.get_potential_energy(), 6))
    return slab


def main():
    """Do one of the three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("draw", "relax", "collect"))
    parser.add_argument("--structures")
    parser.add_argument("--out", required=True)
    parser.add_argument("--shard", default="0/1")
    given = parser.parse_args()
    {"draw": draw, "relax": relax, "collect": collect}[given.what](given)


if __name__ == "__main__":
    main()
