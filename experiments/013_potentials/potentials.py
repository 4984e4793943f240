"""How far universal potentials are from PBE for RuO2: crystal, surfaces, added O, short distances.

    python experiments/013_potentials/potentials.py --dft=SLABS.extxyz [--calculators=chgnet,...]

SLABS.extxyz holds DFT structures with energies: slabs with `info["facet"]`, of each facet some
that differ in the number of O alone; an equation of state with `info["kind"] = "eos"` and the
magnetic order in `info["name"]`; for each facet a bulk cell named "... bulk optimization". One row
a calculator is printed as soon as it is done; each relaxes its own crystal first.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from ase.eos import EquationOfState
from ase.optimize import FIRE

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from keras_ruo2.io.structures import read_structures  # noqa: E402
from keras_ruo2.relaxation.calculators import make_calculator  # noqa: E402
from keras_ruo2.relaxation.references import relaxed_rutile  # noqa: E402
from keras_ruo2.species import SPECIES  # noqa: E402
from keras_ruo2.structure.cells import potential_energy  # noqa: E402
from keras_ruo2.structure.slabs import build_slab  # noqa: E402
from keras_ruo2.thermodynamics.surface import area  # noqa: E402

CALCULATORS = "chgnet,sevennet:7net-0,sevennet:7net-mf-0@PBE,sevennet:7net-mf-0@R2SCAN"
# Ru planes of a thin slab (as bundled) and of thicker ones, by facet.
PLANES = {"110": (3, 5, 7), "101": (3, 5, 7), "100": (4, 6, 8), "001": (5, 7, 9)}
FMAX, STEPS = 0.02, 400  # eV/Å
STRAIN = 0.06  # of the lattice constants, up to which the equation of state is compared
ORDER = "_NM_"  # magnetic order of the equation of state: none, as the potentials know it
EV_PER_A3 = 160.21766  # GPa
SHARES = np.arange(0.9, 0.19, -0.05)  # of the sum of two covalent radii
PAIRS = {"O-O": 2 * 0.66, "Ru-O": 1.46 + 0.66, "Ru-Ru": 2 * 1.46}  # the sums, Å
TOWARDS = np.array([0.5, 0.3, 1.0]) / np.linalg.norm([0.5, 0.3, 1.0])  # into the vacuum
RATTLED = "110-stoichiometric 101-stoichiometric 100-O-rich 001-stoichiometric 111-O-poor".split()
RATTLED_A, RATTLED_C = 4.528, 3.118  # Å, those of PBE
MEV = 1000  # an eV


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dft", type=Path, required=True)
    parser.add_argument("--calculators", default=CALCULATORS)
    options = parser.parse_args()
    known, forces = read_structures(options.dft), {}
    show_dft(known)
    for name in options.calculators.split(","):
        began = time.monotonic()
        calculator, provenance = make_calculator(name)
        print(f"\n## {provenance['calculator']} ({provenance['calculator_version']})")
        a, c, bulk = show_crystal(calculator)
        show_surfaces(calculator, a, c, bulk)
        show_slabs(known, calculator)
        show_state(known, calculator)
        show_walls(calculator, a, c)
        forces[name] = rattled_forces(calculator)
        print(f"{time.monotonic() - began:.0f} s", flush=True)
    compare_forces(forces)


def energy_of(atoms, calculator=None):
    """Return the energy of a structure as it is, eV; without a calculator that of its file."""
    if calculator is None:
        return potential_energy(atoms)
    copy = atoms.copy()
    copy.calc = calculator
    return copy.get_potential_energy()


def show_crystal(calculator):
    """Print the lattice and the time of a step; return a, c (Å) and eV per RuO2."""
    crystal = relaxed_rutile(calculator, SPECIES)
    a, _, c = crystal.cell.lengths()
    bulk = crystal.get_potential_energy() / 2
    print(f"a = {a:.4f}, c = {c:.4f} Å, bulk {bulk:.4f} eV", end="")
    for repeats in ((1, 1, 1), (2, 2, 1)):
        slab = build_slab("110-stoichiometric", a=a, c=c) * repeats
        slab.calc, seconds = calculator, []
        for seed in range(5):
            slab.rattle(0.02, seed=seed)
            began = time.process_time()
            slab.get_forces()
            seconds.append(time.process_time() - began)
        print(f"; {len(slab)} atoms {np.median(seconds):.2f} core s a step", end="")
    print(flush=True)
    return a, c, bulk


def show_surfaces(calculator, a, c, bulk):
    """Print surface energies of relaxed stoichiometric slabs of several thicknesses."""
    for facet, numbers in PLANES.items():
        told = []
        for planes in numbers:
            slab = build_slab(f"{facet}-stoichiometric", a=a, c=c, num_planes=planes)
            slab.calc = calculator
            converged = FIRE(slab, logfile=None).run(fmax=FMAX, steps=STEPS)
            num_ru = int(np.sum(slab.numbers == 44))
            gamma = (slab.get_potential_energy() - num_ru * bulk) / (2 * area(slab))
            told.append(
                f"{MEV * gamma:.1f} ({planes} planes{'' if converged else ', not relaxed'})"
            )
        print(f"({facet}): {', '.join(told)} meV/Å^2", flush=True)


def slabs_of(known):
    """Return dicts of facets to their slabs, fewest O first, and to their bulk cells."""
    slabs, bulks = {}, {}
    for atoms in known:
        facet = str(atoms.info.get("facet", "bulk"))
        if facet != "bulk" and len(atoms) > 6:
            slabs.setdefault(facet, []).append(atoms)
        elif facet != "bulk":
            bulks[facet] = atoms
    return {facet: sorted(found, key=len) for facet, found in sorted(slabs.items())}, bulks


def show_slabs(known, calculator=None):
    """Print surface energies and energies of added O in the geometries of DFT."""
    slabs, bulks = slabs_of(known)
    for facet, (poor, *richer) in slabs.items():
        num_ru, base = int(np.sum(poor.numbers == 44)), energy_of(poor, calculator)
        gamma = base - num_ru * energy_of(bulks[facet], calculator) / 2
        print(f"DFT's ({facet}): {MEV * gamma / (2 * area(poor)):.1f} meV/Å^2", end="; ")
        for rich in richer:
            added = len(rich) - len(poor)
            each = (energy_of(rich, calculator) - base) / added
            print(f"+{added} O {each:.2f} eV an O", end="; ")
        if calculator is not None:
            forces = [forces_on(atoms, calculator) for atoms in (poor, *richer)]
            print(f"force left {np.sqrt(np.mean(np.concatenate(forces) ** 2)):.2f} eV/Å", end="")
        print(flush=True)


def forces_on(atoms, calculator):
    """Return the forces on a structure as it is, eV/Å."""
    copy = atoms.copy()
    copy.calc = calculator
    return copy.get_forces()


def state_of(known):
    """Return the equation of state's structures with strains up to `STRAIN`, by volume."""
    found = [
        atoms
        for atoms in known
        if atoms.info.get("kind") == "eos" and ORDER in str(atoms.info["name"])
    ]
    lowest = min(found, key=potential_energy).get_volume()
    near = [a for a in found if abs((a.get_volume() / lowest) ** (1 / 3) - 1) < STRAIN]
    return sorted(near, key=lambda atoms: atoms.get_volume())


def show_state(known, calculator=None):
    """Print the bulk modulus and, for a calculator, how its pressures follow those of DFT."""
    state = state_of(known)
    volumes = np.array([atoms.get_volume() for atoms in state])
    energies = np.array([energy_of(atoms, calculator) for atoms in state])
    at, _, modulus = EquationOfState(volumes, energies, eos="birchmurnaghan").fit()
    print(f"equation of state: V = {at / 2:.2f} Å^3, B = {modulus * EV_PER_A3:.0f} GPa", end="")
    if calculator is not None:
        dft = np.array([energy_of(atoms) for atoms in state])
        theirs, ours = (np.diff(values) / np.diff(volumes) for values in (dft, energies))
        slope = float(ours @ theirs / (theirs @ theirs))
        like = np.corrcoef(ours, theirs)[0, 1]
        print(f", pressures {slope:.2f} of DFT's, r = {like:.3f}", end="")
    print(flush=True)


def rattled_forces(calculator):
    """Return the forces on the same rattled slabs of all facets for every calculator, eV/Å."""
    found = []
    for seed, name in enumerate(RATTLED):
        slab = build_slab(name, a=RATTLED_A, c=RATTLED_C)
        slab.rattle(0.1, seed=seed)
        found.append(forces_on(slab, calculator).ravel())
    return np.concatenate(found)


def compare_forces(forces):
    """Print the slope and the correlation of each calculator's forces against all others'."""
    for name, ours in forces.items():
        told = [
            f"{float(ours @ theirs / (theirs @ theirs)):.2f} ({np.corrcoef(ours, theirs)[0, 1]:.2f}"
            f") of {other}"
            for other, theirs in forces.items()
            if other != name
        ]
        print(f"forces of {name}: {', '.join(told)}")


def show_dft(known):
    """Print what the structures' own energies say."""
    print("## DFT")
    show_slabs(known)
    show_state(known)


def show_walls(calculator, a, c):
    """Print down to which distance the energy of an atom that comes near a slab rises.

    The atom comes from the vacuum towards the outermost O or Ru of the (110) face.
    """
    told = []
    for pair, length in PAIRS.items():
        first, second = pair.split("-")
        slab = build_slab("110-stoichiometric", a=a, c=c)
        at = max((atom for atom in slab if atom.symbol == first), key=lambda atom: atom.z).position
        energies = []
        for share in SHARES:
            near = slab.copy()
            near.append(second)
            near.positions[-1] = at + share * length * TOWARDS
            energies.append(energy_of(near, calculator))
        rising = np.diff(energies) > 0
        # from the first rise on (outside of it the atom is still attracted) to the first fall
        start = int(np.argmax(rising))
        falls = np.flatnonzero(~rising[start:])
        end = SHARES[start + falls[0]] if len(falls) else SHARES[-1]
        to = "to below" if not len(falls) else "to"
        told.append(f"{pair} {to} {end:.2f} of their radii ({end * length:.2f} Å)")
    print(f"repulsive {', '.join(told)}")


if __name__ == "__main__":
    main()
