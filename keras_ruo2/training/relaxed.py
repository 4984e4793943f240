"""Relaxed slabs beside the records: they tell a generator of atoms where atoms rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.structures import iterate_structures
from keras_ruo2.species import Pair
from keras_ruo2.structure.cells import energy_per_atom, orthogonalise
from keras_ruo2.structure.door import check_structure, usable_structures
from keras_ruo2.structure.motifs import Motif, motif_of

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms


DRAWN, ENERGY_DRAWN = "drawn", "energy_drawn"  # array of places before relaxing, and their energy
ADVICE = "Leave it out of the file, or give another --relaxed."


class RelaxedSlab(NamedTuple):
    """A relaxed slab and, where the file tells, what it was before.

    Args:
        motif: At rest.
        energy: eV per atom, NaN if unknown.
        start: Before relaxing (array `drawn` of the structure, Å), or `None`.
        freed: Energy that relaxing set free (`energy_drawn`, eV, less the energy), eV per atom, NaN
            if unknown.
    """

    motif: Motif
    energy: float
    start: Motif | None
    freed: float


Relaxed = Sequence[RelaxedSlab]


def read_relaxed(path: Path, species: Pair) -> Relaxed:
    """Return the slabs of a file.

    Args:
        path: Any file that ASE reads, or a folder or pattern of such files.
        species: Metal and anion.

    Raises:
        ConfigError: If it cannot be read, or a structure is damaged or of other elements.
    """

    def check(atoms: Atoms) -> None:
        check_structure(atoms)
        if other := sorted(set(atoms.get_chemical_symbols()) - set(species)):
            raise ConfigError(
                f"it holds {', '.join(other)}; the records are of {', '.join(species)}."
            )
        if DRAWN in atoms.arrays:
            check_structure(as_drawn(atoms))
            energy_drawn(atoms)

    slabs = usable_structures(path, iterate_structures(path), check=check, advice=ADVICE)
    return [relaxed_slab(atoms, species) for atoms in slabs]


def as_drawn(atoms: Atoms) -> Atoms:
    """Return a structure as it was before relaxing."""
    before = atoms.copy()
    try:
        before.positions = np.asarray(atoms.arrays[DRAWN], float)
    except ValueError:
        raise ConfigError(f"its array {DRAWN} does not hold three numbers an atom.") from None
    return before


def energy_drawn(atoms: Atoms) -> float:
    """Return the energy before relaxing, eV, NaN if unknown."""
    value = atoms.info.get(ENERGY_DRAWN, np.nan)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ConfigError(f"its {ENERGY_DRAWN} is {value!r}, expected a number in eV.") from None


def relaxed_slab(atoms: Atoms, species: Pair) -> RelaxedSlab:
    """Return what is told of a slab."""
    energy, start, freed = energy_per_atom(atoms), None, np.nan
    if DRAWN in atoms.arrays:
        start = motif_of(orthogonalise(as_drawn(atoms)), species)
        freed = energy_drawn(atoms) / len(atoms) - energy
    return RelaxedSlab(motif_of(orthogonalise(atoms), species), energy, start, freed)
