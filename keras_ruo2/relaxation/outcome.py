"""What became of a structure: the names of everything that can go wrong in a relaxation."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from numpy.typing import NDArray

from keras_ruo2.structure.bonds import bonded_parts
from keras_ruo2.structure.bounds import bound
from keras_ruo2.structure.filters import in_a_false_well
from keras_ruo2.structure.validity import UNRELAXABLE, first_against

CLOSEST, FARTHEST = bound("false_well"), bound("farthest")
FALLEN_APART = bound("fragment_kept")
WRITTEN = MappingProxyType({"third_element": "other_elements", "absurd_size": "damaged"})

FAILURES = MappingProxyType(
    {
        "no_structure": "a frame without atoms, without a cell or with positions that are NaN",
        "damaged": "coordinates or a cell that no structure has, e.g. vectors of 1e9 Å",
        "other_elements": "more than a metal and an anion, such as H: bonds are not known",
        "wrong_units": "distances far below those of any solid: lengths in nm?",
        "partial_occupancies": "sites that are only partly occupied, as a CIF may have them",
        "too_large": "more atoms than the memory takes with this calculator",
        "atoms_too_close": f"two atoms closer than {CLOSEST} of their covalent radii at the start "
        "that could not be pushed apart: no calculator sees them",
        "too_few_layers": "no more layers than were to be frozen",
        "calculator_error": "the calculator failed, gave NaN, or its process ended",
        "calculator_hung": "a call of the calculator outlasted the time limit and was ended",
        "exploded": f"an atom moved more than {FARTHEST:g} Å, or the slab fell to pieces",
        "merged_atoms": f"two atoms that came closer than {CLOSEST} of their covalent radii",
        "layer_detached": "a layer without a bond to the rest of the slab",
        "molecule_left": "O2 or another molecule without a bond to the slab",
        "atom_lost": "a single atom without any bond",
        "not_converged": "forces above the limit after all steps or seconds",
    }
)


def implausible(atoms: Atoms) -> str:
    """Return what of `FAILURES` keeps a frame from being worked on, or an empty text."""
    name = first_against(UNRELAXABLE, atoms)
    return WRITTEN.get(name, name)


def exploded(start: Atoms, end: Atoms) -> bool:
    """Say whether an atom went farther than `FARTHEST` or the largest fragment fell apart.

    `end` must not be wrapped into its cell after the relaxation.
    """
    if not np.isfinite(end.positions).all():
        return True
    if np.linalg.norm(end.positions - start.positions, axis=1).max() > FARTHEST:
        return True
    before, after = (max(len(part) for part, _ in bonded_parts(atoms)) for atoms in (start, end))
    return after < FALLEN_APART * before


def separated(atoms: Atoms) -> set[str]:
    """Name what is no longer bonded to the largest fragment, as a set of `FAILURES`."""
    failures = set()
    for indices, dimensions in bonded_parts(atoms)[1:]:
        if dimensions:
            failures.add("layer_detached")
        else:
            failures.add("atom_lost" if len(indices) == 1 else "molecule_left")
    return failures


def classify(start: Atoms, end: Atoms, converged: bool) -> tuple[str, ...]:
    """Name everything that went wrong between `start` and `end`.

    Args:
        start: `ase.Atoms` before the relaxation.
        end: The same atoms after it, in the same order and not wrapped.
        converged: Whether the forces fell below their limit.

    Returns:
        Tuple of names in the order of `FAILURES`; empty if all is well. A structure that exploded
        has no other name.
    """
    if exploded(start, end):
        return ("exploded",)
    failures = separated(end)
    if in_a_false_well(end):
        failures.add("merged_atoms")
    if not converged:
        failures.add("not_converged")
    return tuple(name for name in FAILURES if name in failures)


def displacements(start: Atoms, end: Atoms, *, drift: bool = True) -> NDArray[np.float64]:
    """Return how far each atom has moved, through its nearest periodic image.

    Args:
        start: `ase.Atoms` with n atoms, a slab across its third cell vector.
        end: The same atoms in the same order and cell.
        drift: Whether the common displacement in the plane is taken off first, which changes
            nothing about a slab; a slab with frozen atoms has none.

    Returns:
        Array of shape `(n, 3)`, Å.
    """
    cell = start.cell.complete().array
    moved = np.linalg.solve(cell.T, (end.positions - start.positions).T).T
    if drift:
        # A mean of angles, because a drift of half a cell has no sign.
        phases = np.exp(2j * np.pi * moved[:, :2]).mean(axis=0)
        moved[:, :2] -= np.angle(phases) / (2 * np.pi)
        moved[:, :2] -= np.round(moved[:, :2])
        moved[:, :2] -= moved[:, :2].mean(axis=0)
    return find_mic(moved @ cell, start.cell.complete(), pbc=True)[0]


def rmsd(start: Atoms, end: Atoms, *, drift: bool = True) -> float:
    """Return the root mean square of `displacements`, Å."""
    return float(np.sqrt((displacements(start, end, drift=drift) ** 2).sum(axis=1).mean()))


def largest_displacement(start: Atoms, end: Atoms, *, drift: bool) -> float:
    """Return how far the atom that moved most has moved, Å."""
    return float(np.linalg.norm(displacements(start, end, drift=drift), axis=1).max())
