"""Is this a RuO2 slab at all? Every reason against a structure, once, and who judges by which.

Bounds are rows of `bounds.BOUNDS`, which says where their numbers come from; most were set on the
bundled slabs without flaw and on published DFT slabs, see `experiments/006_screening`.
"""

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, NamedTuple

from ase import Atoms

from keras_ruo2.species import SPECIES
from keras_ruo2.structure import damage, filters, plausible


class Reason(NamedTuple):
    """Something that speaks against a structure.

    Args:
        find: Function of `ase.Atoms`. The reason applies where it returns true, a sentence, or the
            indices of atoms.
        bounds: Names of the `BOUNDS` that it judges by.
    """

    find: Callable[..., Any]
    bounds: tuple[str, ...] = ()

    def applies(self, *given: Any) -> bool:
        """Say whether it speaks against a structure, and of which `species` if that matters."""
        finding = self.find(*given)
        return len(finding) > 0 if hasattr(finding, "__len__") else bool(finding)


SIZES = ("atoms", "from_origin", "vector", "volume_of_an_atom", "thickness")
REASONS = MappingProxyType(
    {
        # of frames: nothing to judge
        "no_atoms": Reason(filters.no_atoms),
        "not_finite": Reason(filters.not_finite),
        "no_cell": Reason(filters.no_cell, ("cell_volume",)),
        "no_structure": Reason(filters.no_structure),
        "other_elements": Reason(filters.other_elements),
        "third_element": Reason(filters.third_element),
        # of numbers that no structure has, as sentences
        "few_or_far_atoms": Reason(damage.fault_of_atoms, ("atoms", "from_origin")),
        "no_vectors": Reason(damage.fault_of_vectors),
        "absurd_cell": Reason(damage.fault_of_cell, ("vector", "volume_of_an_atom", "thickness")),
        "absurd_size": Reason(damage.fault_of_size, SIZES),
        "on_top": Reason(damage.fault_of_places, ("contact",)),
        "absurd_energy": Reason(damage.fault_of_energy, ("energy_of_an_atom",)),
        "damaged": Reason(damage.fault_of_numbers, (*SIZES, "energy_of_an_atom")),
        # of what is taken for something else, as sentences
        "wrong_units": Reason(plausible.is_crowded, ("spacing",)),
        "odd_spacing": Reason(plausible.wrong_units, ("spacing",)),
        "partial_occupancies": Reason(plausible.partial_occupancies, ("occupancy",)),
        "sideways_vacuum": Reason(plausible.sideways_vacuum, ("slab_gap",)),
        # of slabs
        "atoms_too_close": Reason(filters.atoms_too_close, ("merged",)),
        "false_well": Reason(filters.in_a_false_well, ("false_well",)),
        "stoichiometry": Reason(filters.stoichiometry, ("oxygen_per_ruthenium", "largest_excess")),
        "no_vacuum": Reason(filters.no_vacuum, ("slab_gap",)),
        "no_layer": Reason(filters.no_layer),
        "several_slabs": Reason(filters.several_slabs),
        "peroxo_groups": Reason(filters.peroxo_groups),
        "floating_oxygen": Reason(filters.floating_oxygen),
        "disconnected_layers": Reason(filters.disconnected_layers),
        "molecular_oxygen": Reason(filters.molecular_oxygen),
        "floating_molecules": Reason(filters.floating_molecules),
        "ru_coordination": Reason(filters.ru_coordination, ("ru_neighbours",)),
        "o_coordination": Reason(filters.o_coordination, ("o_neighbours",)),
    }
)

# Who judges by which, in the order in which they are looked for.
IMPOSSIBLE = ("partial_occupancies", "odd_spacing", "sideways_vacuum")
DAMAGED = ("few_or_far_atoms", "absurd_cell", "on_top", "absurd_energy")
DOOR = (DAMAGED[0], "no_vectors", *IMPOSSIBLE, *DAMAGED[1:])  # records and phase_diagram
UNREADABLE = tuple(  # screen, discover, evaluate: each hides every other reason
    "no_atoms not_finite wrong_units no_cell other_elements damaged partial_occupancies".split()
)
# By which the source sorted its structures by eye (section 3.1.1), and we judge known slabs.
BROKEN = ("peroxo_groups", "floating_oxygen", "disconnected_layers")
INVALID = (  # `reasons_against`: screen, discover, evaluate, training's scores of slabs, --keep
    *"atoms_too_close stoichiometry no_vacuum no_layer several_slabs".split(),
    *BROKEN,
    *"floating_molecules ru_coordination o_coordination".split(),
)
UNRELAXABLE = ("no_structure", "third_element", "wrong_units", "absurd_size", "partial_occupancies")
# basin_hopping, whatever a trial's energy. Molecular and clustered oxygen are the source's reasons;
# desorbed O and torn layers are ours: no slab is left there to go on from. Each finds atoms.
REFUSED = ("molecular_oxygen", *BROKEN)


def first_against(names: Iterable[str], atoms: Atoms) -> str:
    """Return the first of `names` that speaks against a structure, or an empty text."""
    return next((name for name in names if REASONS[name].applies(atoms)), "")


def sentence_against(names: Iterable[str], atoms: Atoms) -> str:
    """Return what the first of `names` says that speaks against a structure, or an empty text.

    Args:
        names: Names of reasons that are sentences: `DOOR`, `DAMAGED`, `IMPOSSIBLE`.
        atoms: `ase.Atoms`.
    """
    return next(filter(None, (REASONS[name].find(atoms) for name in names)), "")


def broken(atoms: Atoms) -> tuple[str, ...]:
    """Name what is broken about a slab: peroxo groups, O atoms afloat, disconnected layers.

    Args:
        atoms: `ase.Atoms` of Ru and O, or of another metal and its anion, a slab.

    Returns:
        Tuple of the names in `BROKEN` that apply; empty for a whole slab.
    """
    return tuple(name for name in BROKEN if REASONS[name].applies(atoms))


def unreadable(atoms: Atoms, species: tuple[str, ...] = SPECIES) -> str:
    """Return the first of `UNREADABLE` that applies, or an empty text."""
    for name in UNREADABLE:
        given = (atoms, species) if name == "other_elements" else (atoms,)
        if REASONS[name].applies(*given):
            return name
    return ""


def reasons_against(atoms: Atoms, species: tuple[str, ...] = SPECIES) -> tuple[str, ...]:
    """Name everything that keeps a structure from being one whole slab of a rutile crystal.

    Args:
        atoms: `ase.Atoms`; taken as periodic, its vacuum across the third cell vector.
        species: Metal and anion of the crystal.

    Returns:
        Tuple of names: the first that applies of `UNREADABLE`, or all that apply of `INVALID`;
        empty for a valid slab.
    """
    reason = unreadable(atoms, species)
    if reason:
        return (reason,)
    periodic = atoms.copy()
    periodic.pbc = True
    periodic.wrap()
    return tuple(name for name in INVALID if REASONS[name].applies(periodic))
