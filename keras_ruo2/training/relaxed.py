"""Relaxed slabs beside the records: they tell a generator of atoms where atoms rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.structures import iterate_structures
from keras_ruo2.species import Pair
from keras_ruo2.structure.cells import energy_per_atom, orthogonalise
from keras_ruo2.structure.door import check_structure, usable_structures
from keras_ruo2.structure.motifs import Motif, motif_of

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms


Relaxed = Sequence[tuple[Motif, float]]  # slabs and their energies, eV per atom
ADVICE = "Leave it out of the file, or give another --relaxed."


def read_relaxed(path: Path, species: Pair) -> Relaxed:
    """Return slabs of a file as pairs of a `Motif` and an energy, eV per atom, NaN if unknown.

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

    slabs = usable_structures(path, iterate_structures(path), check=check, advice=ADVICE)
    return [(motif_of(orthogonalise(atoms), species), energy_per_atom(atoms)) for atoms in slabs]
