"""In words: what tells a structure from the known slab that is nearest to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from keras_ruo2.discovery.funnel import info_flag, info_text
from keras_ruo2.structure.bonds import is_metal
from keras_ruo2.structure.facets import facet_in, periodic
from keras_ruo2.structure.terminations import termination_of

if TYPE_CHECKING:
    from keras_ruo2.structure.terminations import SlabTermination


SQUARE_NM = 100.0  # Å^2
SAME_DENSITY = 0.02  # share by which metal atoms per area may differ and count as equal
SAME_EXCESS = 0.05  # O per nm^2, the same


def differences(atoms: Atoms, known: Atoms) -> list[str]:
    """Name what differs between a structure and a known slab.

    Args:
        atoms: `ase.Atoms`, a valid slab as `screen` returns it.
        known: The known slab that is nearest to it.

    Returns:
        List of texts: the verdict, facets, faces, O beyond the oxide, thickness, likeness.
    """
    own, other = (termination_of(periodic(slab)) for slab in (atoms, known))
    sentences = [verdict(atoms), facets_of(atoms, known), compare_faces(own, other)]
    sentences.append(excess_of(own, other, atoms))
    sentences.append(thickness_of(atoms, known))
    if "kernel" in atoms.info:
        likeness = f"Likeness of the atoms' surroundings (SOAP): {atoms.info['kernel']:.3f} of 1"
        apart = atoms.info.get("displacement")
        if apart is not None:
            likeness += f"; atoms at most {apart:.2f} Å from their places there"
        sentences.append(f"{likeness}.")
    return [text for text in sentences if text]


def verdict(atoms: Atoms) -> str:
    """Say what screening made of a structure."""
    if info_flag(atoms, "novel"):
        return "New: neither it nor its two faces are among the known slabs."
    if info_text(atoms, "matched_by") == "slab":
        return f"Equals the known slab {info_text(atoms, 'matched')}."
    thickness = ", on another number of layers" if info_flag(atoms, "new_thickness") else ""
    return f"Its faces are those of {info_text(atoms, 'matched')}{thickness}."


def facets_of(atoms: Atoms, known: Atoms) -> str:
    """Say which facets they show, if not the same one."""
    own, other = facet_in(atoms).name, facet_in(known).name
    return "" if own == other else f"Facet: {own}, there {other}."


def compare_faces(own: SlabTermination, other: SlabTermination) -> str:
    """Say what the faces end with; a slab upside down has the same faces."""
    pairs = [(faces.upper.label, faces.lower.label) for faces in (own, other)]
    if sorted(pairs[0]) == sorted(pairs[1]):
        return f"Faces as there: {own.label}."
    return f"Faces: {own.label}; there {other.label}."


def excess_of(own: SlabTermination, other: SlabTermination, atoms: Atoms) -> str:
    """Say how much O they hold beyond the oxide."""
    here, there = (SQUARE_NM * faces.excess for faces in (own, other))
    anion = own.upper.species[1]
    if abs(here - there) < SAME_EXCESS:
        return f"{anion} beyond the oxide as there: {signed(here)} per nm² of face."
    return (
        f"{anion} beyond the oxide: {signed(here)} per nm² of face, there {signed(there)} "
        f"({signed(here - there)})."
    )


def thickness_of(atoms: Atoms, known: Atoms) -> str:
    """Say how thick they are, if not equally thick."""
    here, there = (metal_density(slab) for slab in (atoms, known))
    if abs(here / there - 1) < SAME_DENSITY:
        return "As thick as there."
    metal = atoms.symbols[int(np.flatnonzero(is_metal(atoms))[0])]
    return f"Thickness: {here:.1f} {metal} per nm², there {there:.1f}."


def metal_density(atoms: Atoms) -> float:
    """Return metal atoms per area, nm^-2."""
    area = np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
    return SQUARE_NM * float(np.sum(is_metal(atoms)) / area)


def signed(value: float) -> str:
    """Return a number with its sign and one decimal."""
    return f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "0.0"
