"""Reference crystals and gas, relaxed with a calculator."""

from __future__ import annotations

from typing import Protocol

from ase import Atoms
from ase.build import bulk
from ase.build import molecule as built
from ase.calculators.calculator import Calculator
from ase.data import atomic_numbers, reference_states
from ase.filters import FrechetCellFilter

from keras_ruo2.io import messages
from keras_ruo2.relaxation.relax import descend
from keras_ruo2.species import Pair
from keras_ruo2.structure.crystals import rutile_ruo2

LARGEST_FORCE, MOST_STEPS = 0.005, 300  # eV/Å
SIMPLE = ("fcc", "hcp", "bcc")


class LatticeConfig(Protocol):
    """What `lattice_constants` needs of a config."""

    @property
    def a(self) -> float | None: ...

    @property
    def c(self) -> float | None: ...

    @property
    def pair(self) -> Pair: ...


def relaxed_rutile(calculator: Calculator, species: Pair) -> Atoms:
    """Return the two-formula-unit cell of a rutile crystal, relaxed.

    Args:
        calculator: ASE calculator with stresses.
        species: Metal and anion.

    Returns:
        `ase.Atoms` with the calculator.
    """
    return relaxed(rutile_ruo2(species=species), calculator)


def lattice_constants(config: LatticeConfig, calculator: Calculator) -> tuple[float, float]:
    """Return `(a, c)` of the rutile crystal in Å: given, or relaxed with the calculator."""
    if config.a is not None and config.c is not None:
        return config.a, config.c
    a, _, c = relaxed_rutile(calculator, config.pair).cell.lengths()
    messages.info(f"Relaxed bulk: a = {a:.4f}, c = {c:.4f} Å.")
    return float(a), float(c)


def relaxed_metal(calculator: Calculator, metal: str) -> Atoms | None:
    """Return the primitive cell of a metal, relaxed, or `None` if it is not fcc, hcp or bcc.

    Structures are ASE's `reference_states`, those at room temperature.
    """
    state = reference_states[atomic_numbers[metal]] or {}
    return relaxed(bulk(metal), calculator) if state.get("symmetry") in SIMPLE else None


def relaxed(crystal: Atoms, calculator: Calculator) -> Atoms:
    """Relax the atoms and the cell of a crystal and return it."""
    crystal.calc = calculator
    descend(FrechetCellFilter(crystal), LARGEST_FORCE, MOST_STEPS)
    return crystal


def relaxed_molecule(calculator: Calculator, molecule: Atoms) -> Atoms:
    """Relax the atoms of a molecule and return it."""
    molecule.calc = calculator
    descend(molecule, LARGEST_FORCE, MOST_STEPS)
    return molecule


def oxygen_molecule() -> Atoms:
    """Return an O2 molecule alone in a large cell."""
    pair = built("O2")
    pair.set_cell([12.0, 13.0, 14.0])
    pair.center()
    pair.pbc = True
    return pair
