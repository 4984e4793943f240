"""How far a calculator's energies of RuO2 slabs are from DFT, and its forces from its energies.

    python experiments/009_search/energies.py --dft=SLABS.extxyz [--calculator=chgnet]

SLABS.extxyz holds DFT slabs with `info["facet"]` and energies, of each facet some that differ in
the number of O alone. Every energy is of one point, at the geometry of the file.
"""

import argparse
import sys
import time
from itertools import groupby
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from keras_ruo2.io.paths import BUNDLED_STRUCTURES  # noqa: E402
from keras_ruo2.io.structures import read_structures  # noqa: E402
from keras_ruo2.relaxation.calculators import make_calculator  # noqa: E402
from keras_ruo2.structure.cells import potential_energy  # noqa: E402
from keras_ruo2.structure.slabs import build_slab  # noqa: E402

SHIFTS = (0.003, 0.01, 0.03)  # Å
NUM_COMPONENTS = 12


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dft", type=Path, required=True)
    parser.add_argument("--calculator", default="chgnet")
    options = parser.parse_args()
    began = time.monotonic()
    calculator, _ = make_calculator(options.calculator)
    compare_added_oxygen(options.dft, calculator)
    compare_forces(calculator)
    print(f"\n{time.monotonic() - began:.0f} s")


def group_of(atoms):
    """Return the facet and the number of metal atoms."""
    return str(atoms.info["facet"]), int(np.sum(atoms.numbers != 8))


def energy_of(atoms, calculator):
    """Return the calculator's energy, eV."""
    copy = atoms.copy()
    copy.calc = calculator
    return copy.get_potential_energy()


def compare_added_oxygen(path, calculator):
    """Print the energy per added O of every slab over the one with the fewest O."""
    slabs = [atoms for atoms in read_structures(path) if "facet" in atoms.info]
    slabs.sort(key=lambda atoms: (*group_of(atoms), len(atoms)))
    print("| facet | slabs | DFT (eV per O) | calculator | difference |\n|---|---|---|---|---|")
    for (facet, _), members in groupby(slabs, group_of):
        poor, *rest = members
        base = energy_of(poor, calculator)
        for rich in rest:
            added = len(rich) - len(poor)
            if added == 0:
                continue
            dft = (potential_energy(rich) - potential_energy(poor)) / added
            ours = (energy_of(rich, calculator) - base) / added
            names = f"{poor.get_chemical_formula()} + {added} O"
            print(f"| ({facet}) | {names} | {dft:.3f} | {ours:.3f} | {ours - dft:+.3f} |")


def compare_forces(calculator):
    """Print how far forces are from finite differences, for a rattled slab of each facet."""
    rng = np.random.default_rng(0)
    names = [f"{facet}-stoichiometric" for facet in ("110", "101", "100", "001", "111")]
    bundled = read_structures(BUNDLED_STRUCTURES)
    a, c = bundled[0].info["a"], bundled[0].info["c"]
    titles = " | ".join(f"step {shift} Å" for shift in SHIFTS)
    print(f"\n| slab | largest force (eV/Å) | {titles} |\n|---|---|{'---|' * len(SHIFTS)}")
    for name in names:
        atoms = build_slab(name, a=a, c=c)
        atoms.rattle(0.1, rng=rng)
        atoms.calc = calculator
        forces = atoms.get_forces().copy()
        chosen = rng.choice(forces.size, NUM_COMPONENTS, replace=False)
        errors = [largest_error(atoms, forces, chosen, shift, calculator) for shift in SHIFTS]
        row = " | ".join(f"{error:.4f}" for error in errors)
        print(f"| {name} | {np.abs(forces).max():.2f} | {row} |")


def largest_error(atoms, forces, chosen, shift, calculator):
    """Return the largest difference between forces and slopes of the energy, eV/Å."""
    errors = []
    for component in chosen:
        energies = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions.flat[component] += sign * shift
            energies.append(energy_of(moved, calculator))
        errors.append((energies[1] - energies[0]) / (2 * shift) - forces.flat[component])
    return np.abs(errors).max()


if __name__ == "__main__":
    main()
