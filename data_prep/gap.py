"""The small dataset: 148 (1x1) RuO2 slabs with energies."""

from __future__ import annotations

import datetime
import itertools
import shlex
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator

from keras_ruo2.config.base import check_new
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io.frames import append_frame, read_seals, remove_frames, whole_frames
from keras_ruo2.io.paths import atomic_write, shown
from keras_ruo2.io.progress import Progress
from keras_ruo2.io.structures import read_structures
from keras_ruo2.io.workfolder import REPEAT, check_same
from keras_ruo2.relaxation.calculators import NO_CORRECTION, check_calculator, make_calculator
from keras_ruo2.relaxation.references import lattice_constants
from keras_ruo2.relaxation.relax import descend
from keras_ruo2.species import assumption_note
from keras_ruo2.structure.bonds import is_metal, pair_of
from keras_ruo2.structure.cells import orthogonalise, potential_energy, with_energy
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab
from keras_ruo2.structure.validity import broken
from keras_ruo2.structure.variations import VARIATIONS

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config.preparation import GapConfig
    from keras_ruo2.species import Pair
    from keras_ruo2.structure.variations import Variation


def main(config: GapConfig) -> None:
    """Build, relax and label every slab of the plan and write them as one file.

    Args:
        config: `GapConfig`.
    """
    tidy(config)
    check_calculator(config.calculator)
    check_writable(config.out.parent)
    assumption_note(config.pair)
    partial = config.partial
    finished = {atoms.info["name"]: atoms for atoms in whole_frames(partial)}
    calculator, made_by = make_calculator(config.calculator)
    provenance: dict[str, Any] = dict(made_by)
    anion = config.pair[1]
    if anion != "O" and provenance["correction"] != NO_CORRECTION:
        print(f"Energies keep the calculator's correction of {anion}: compare equal compositions.")
    a, c = lattice_constants(config, calculator)
    provenance |= {"a": round(a, 4), "c": round(c, 4), "seed": config.seed}
    provenance |= {"slab_vacuum": config.vacuum}
    check_same_work(partial, finished.values(), provenance, config.pair)
    provenance |= {
        "date": datetime.date.today().isoformat(),
        "command": shlex.join(["python -m data_prep", *sys.argv[1:]]).replace("'", ""),
    }
    slabs = plan(a, c, config)[: config.count]
    missing = [pair for pair in slabs if pair[0].info["name"] not in finished]
    progress = Progress(len(slabs), done=len(slabs) - len(missing))
    for slab, variation in missing:
        name = slab.info["name"]
        finished[name] = relax_and_label(slab, variation, calculator, provenance)
        append_frame(partial, finished[name])
        progress.step(slab_line(finished[name]))
    ordered = [finished[slab.info["name"]] for slab, _ in slabs]
    with atomic_write(config.out) as path:
        ase.io.write(path, ordered)
    remove_frames(partial)
    num_broken = sum(atoms.info["broken"] != "no" for atoms in ordered)
    worst = max(abs(atoms.info["supercell_error"]) for atoms in ordered)
    print(
        f"{shown(config.out)}: {len(ordered)} slabs, {num_broken} of them broken; scaled energies "
        f"of orthogonal supercells are off by {worst:.1f} meV per cell at most."
    )


def tidy(config: GapConfig) -> None:
    """Remove what a command that was killed in its last moment has left beside its whole output.

    Raises:
        ConfigError: If there is an output and it is not to be replaced.
    """
    if config.out.exists() and not config.overwrite:
        if len(read_seals(config.partial)) == len(read_structures(config.out)):
            remove_frames(config.partial)
        check_new(config.out, config.overwrite)


def check_same_work(
    partial: Path, slabs: Iterable[Atoms], provenance: Mapping[str, Any], species: Pair
) -> None:
    """Raise `ConfigError` if finished slabs were made with other settings."""
    wanted = {name: str(value) for name, value in provenance.items()}
    wanted["species"] = ",".join(species)
    for slab in slabs:
        known = slab.info | {"species": ",".join(pair_of(slab))}
        check_same(shown(partial), {name: str(known.get(name)) for name in wanted}, wanted, REPEAT)


def plan(a: float, c: float, config: GapConfig) -> list[tuple[Atoms, Variation]]:
    """Return `(unrelaxed slab, Variation)` pairs: every termination by every variation.

    Variations that a termination has no place for (an O on top where every octahedron is whole)
    are left out.
    """
    pairs = []
    names = list(TERMINATIONS)
    for (kind, variation), name in itertools.product(VARIATIONS.items(), names):
        rng = np.random.default_rng([config.seed, names.index(name), list(VARIATIONS).index(kind)])
        slab = build_slab(name, a=a, c=c, vacuum=config.vacuum, species=config.pair)
        try:
            slab = variation.change(slab, rng)
        except ConfigError:
            continue
        facet, _, termination = name.partition("-")
        slab.center(vacuum=config.vacuum / 2, axis=2)
        slab.info = {
            "name": f"{name}-{kind}",
            "facet": f"({facet})",
            "termination": termination,
            "variation": kind,
        }
        pairs.append((slab, variation))
    return pairs


def relax_and_label(
    slab: Atoms, variation: Variation, calculator: Calculator, provenance: Mapping[str, Any]
) -> Atoms:
    """Relax `slab` as `variation` asks and return it with its energy and provenance."""
    slab = slab.copy()
    slab.calc = calculator
    steps = descend(slab, variation.fmax, variation.steps)
    energy = slab.get_potential_energy()
    if not np.isfinite(energy):
        raise ConfigError(
            f"The calculator gave {energy} eV for {slab.info['name']}. Use another calculator."
        )
    slab.info |= {
        "relaxation_steps": steps,
        "fmax": round(float(np.linalg.norm(slab.get_forces(), axis=1).max()), 3),
        "broken": " ".join(broken(slab)) or "no",
        **provenance,
    }
    slab = with_energy(slab, energy)
    slab.info["supercell_error"] = supercell_error(slab, calculator)
    return slab


def supercell_error(slab: Atoms, calculator: Calculator) -> float:
    """Return how far the scaled energy of the orthogonal supercell is off, meV per cell.

    The source checked three of its supercells so and found 20 meV (section 3.1.1).
    """
    box = orthogonalise(slab)
    if box.info["repeats"] == 1:
        return 0.0
    scaled = potential_energy(box)
    box.calc = calculator
    return round(1000 * (box.get_potential_energy() - scaled), 3)


def slab_line(slab: Atoms) -> str:
    """Return a line about a finished slab."""
    metal, anion = pair_of(slab)
    num_metal = int(np.sum(is_metal(slab)))
    return (
        f"{slab.info['name']:40s} {metal}{num_metal}{anion}{len(slab) - num_metal:<3d}"
        f"{slab.get_potential_energy() / len(slab):9.4f} eV/atom"
        f"{slab.info['relaxation_steps']:5d} steps  {slab.info['broken']}"
    )
