"""Reference energies of an oxide by a calculator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import ase.io
import numpy as np
from ase import Atoms

from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io.paths import atomic_write, shown
from keras_ruo2.relaxation.calculators import check_calculator, make_calculator
from keras_ruo2.relaxation.references import (
    oxygen_molecule,
    relaxed_metal,
    relaxed_molecule,
    relaxed_rutile,
)
from keras_ruo2.species import assumption_note, formula
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.thermodynamics.surface import KNOWN_REFERENCES

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

    from keras_ruo2.config.references import ReferencesConfig


def main(config: ReferencesConfig) -> None:
    """Relax the bulk oxide, O2 and the metal, write them and print their energies.

    Args:
        config: `ReferencesConfig`.

    Raises:
        ConfigError: If the calculator is missing, fails, or gives no finite energy.
    """
    check_calculator(config.calculator)
    check_writable(config.out.parent)
    assumption_note(config.pair)
    calculator, provenance = make_calculator(config.calculator)
    metal, _ = config.pair
    oxide = formula(config.pair)
    relaxed: dict[str, Atoms | None] = {
        oxide: relaxed_reference(relaxed_rutile, calculator, config.pair, oxide)
    }
    relaxed["O2"] = oxygen(calculator, provenance)
    relaxed[metal] = relaxed_reference(relaxed_metal, calculator, metal, metal)
    crystals = {name: atoms for name, atoms in relaxed.items() if atoms is not None}
    if metal not in crystals:
        print(f"{metal} is neither fcc, hcp nor bcc: the O-poor limit is left open.")
    for name, atoms in crystals.items():
        atoms.info = {"name": name, **provenance}
    with atomic_write(config.out) as partial:
        ase.io.write(partial, list(crystals.values()))
    units = (2, 2, len(crystals.get(metal, ())))  # formula units of the cell, O atoms, metal atoms
    names = ("bulk_energy", "oxygen_energy", "metal_energy")
    energies = [atoms.get_potential_energy() for atoms in crystals.values()]
    flags = [f"--{name}={e / n:.4f}" for name, e, n in zip(names, energies, units, strict=False)]
    print(f"{shown(config.out)}: {' '.join(flags)}")


def relaxed_reference(
    relax: Callable[[Calculator, Any], Atoms | None], calculator: Calculator, what: Any, name: str
) -> Atoms | None:
    """Return what a function of `relaxation.crystals` relaxes, with its energy alone.

    Raises:
        ConfigError: If the calculator raises, or its energy is not finite.
    """
    try:
        atoms = relax(calculator, what)
        energy = np.nan if atoms is None else atoms.get_potential_energy()
    except Exception as error:  # a calculator may raise anything
        raise ConfigError(
            f"The calculator fails at {name} ({type(error).__name__}: {error}). Relaxing crystals "
            "needs forces and stresses: use another calculator."
        ) from None
    if atoms is None:
        return None
    if not np.isfinite(energy):
        raise ConfigError(f"The calculator gave {energy} eV for {name}. Use another calculator.")
    return with_energy(atoms, energy)


def oxygen(calculator: Calculator, provenance: Mapping[str, str]) -> Atoms | None:
    """Return O2 with the calculator's known energy, or with that of the relaxed molecule."""
    known = KNOWN_REFERENCES.get((provenance["calculator"], provenance["correction"]))
    if known:
        return with_energy(oxygen_molecule(), 2 * known.oxygen)
    return relaxed_reference(relaxed_molecule, calculator, oxygen_molecule(), "O2")
