"""Which drawn structures promise most, by one look each: surface energies before relaxing."""

from __future__ import annotations

from collections.abc import Sequence

from ase import Atoms

from keras_ruo2.discovery.funnel import info_flag, is_first_of_kind
from keras_ruo2.discovery.ranking import rank_candidates
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.repeats import smallest_cell
from keras_ruo2.thermodynamics.surface import References

PLACE = "drawn_place"  # the entry of `info` that says which of the drawn ones a structure is


def worth_a_look(drawn: Sequence[Atoms], judged: Sequence[Atoms], number: int) -> list[Atoms]:
    """Return the structures among which there is a choice, each in its smallest cell.

    Args:
        drawn: Drawn structures.
        judged: The same after screening, `funnel.mark_first_of_kind`.
        number: How many will be relaxed.

    Returns:
        List of `ase.Atoms`, the novel ones if there are more of them than `number`, else all valid
        ones if there are more of those; empty where everything is relaxed anyway.
    """
    for wanted in (lambda atoms: info_flag(atoms, "novel"), lambda atoms: True):
        chosen = [
            index
            for index, atoms in enumerate(judged)
            if info_flag(atoms, "valid") and is_first_of_kind(atoms) and wanted(atoms)
        ]
        if len(chosen) > number:
            break
    else:
        return []
    looked = [smallest_cell(drawn[index]) for index in chosen]
    for index, atoms in zip(chosen, looked, strict=True):
        atoms.info |= {"name": f"drawn-{index:04d}", PLACE: index}
    return looked


def estimates_of(
    looked: Sequence[Atoms],
    known: Sequence[Atoms],
    references: References,
    limits: tuple[float, float],
) -> dict[int, float]:
    """Return how promising structures are, by their place among the drawn ones.

    That is the distance of their surface free energy, as drawn, to the best known slab of their
    facet, where it is least: what relaxed structures are ranked by.

    Args:
        looked: Structures of `worth_a_look` with energies; those without are left out.
        known: Slabs with energies of the same calculator.
        references: `References` of it.
        limits: O-poor and O-rich end of dmu_O, eV.
    """
    whole = [atoms for atoms in looked if potential_energy(atoms) is not None]
    if not whole:
        return {}
    rows = rank_candidates(whole, known, references, limits)
    return {int(row.atoms.info[PLACE]): row.above for row in rows}
