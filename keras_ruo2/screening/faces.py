"""Is a slab another number of layers of a known termination? Faces and bulk, one by one.

Each face of a slab is cut out, as deep as `DEPTH` below its outermost Ru, with all O that are
bonded to the Ru of this slice: a small slab whose other side is the crystal cut between octahedra.
Such slices are compared as slabs are (`matching.same_slab`); what lies between the two slices of a
slab must be the crystal.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from keras_ruo2.screening.matching import Fingerprint, slab_fingerprint
from keras_ruo2.screening.novelty import find_match
from keras_ruo2.screening.soap import environments
from keras_ruo2.species import Pair
from keras_ruo2.structure.bonds import is_anion, is_metal, pair_of, unlike_bonds
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.faces import heights
from keras_ruo2.structure.facets import periodic, recognised_facet
from keras_ruo2.structure.layers import PLANE_GAP
from keras_ruo2.structure.orientation import lattice_of
from keras_ruo2.structure.terminations import termination_of
from keras_ruo2.structure.validity import reasons_against

# Å below the outermost Ru. The Ru planes of the five facets lie 3.2, 2.6, 2.25, 1.55 and 1.1 apart;
# none is nearer to this depth than 0.4, so that relaxation takes none in or out.
DEPTH = 4.0
# O beyond RuO2 per Å^2 by which equal faces may differ. The slice of one of the two (111) faces
# with whole octahedra is that of the other one upside down; their excess is 0.035 apart.
SAME_EXCESS = 0.01
BULK_KERNEL = 0.97  # of atoms between both slices to those of the crystal, at least


class FaceMatch(NamedTuple):
    """The known slabs whose faces a slab has.

    Args:
        upper: Index of the known slab that has its upper face.
        lower: Of the one that has its lower face.
        kernel: The smaller one of both faces.
        new_thickness: Whether it has another number of metal planes than the former.
    """

    upper: int
    lower: int
    kernel: float
    new_thickness: bool


class Faces(NamedTuple):
    """What a slab is compared by, face by face.

    Args:
        facet: `"(110)"` and so on, or `"unknown"`.
        slices: `Fingerprint` of the upper and of the lower face.
        excess: O beyond RuO2 of the upper and of the lower face, Å^-2.
        num_planes: Of metal.
        bulk: Whether what lies between them is the crystal.
    """

    facet: str
    slices: tuple[Fingerprint, Fingerprint]
    excess: tuple[float, float]
    num_planes: int
    bulk: bool


def faces_of(atoms: Atoms) -> Faces | None:
    """Return the `Faces` of a valid slab, `None` if it is too thin to have two."""
    whole = periodic(atoms)
    along, _ = heights(whole)
    metal = is_metal(whole)
    span = np.ptp(along[metal])
    if span < DEPTH:
        return None
    upper, lower = face_slice(whole, along), face_slice(whole, along.max() - along)
    planes = 1 + int(np.sum(np.diff(np.sort(along[metal])) > PLANE_GAP))
    inside = np.setdiff1d(np.arange(len(whole)), np.union1d(upper, lower))
    slices = slab_fingerprint(whole[upper]), slab_fingerprint(whole[lower])
    ends = termination_of(whole)
    excess = (ends.upper.excess, ends.lower.excess)
    return Faces(ends.facet, slices, excess, planes, is_crystal(whole, inside))


def face_slice(atoms: Atoms, along: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the indices of a face: Ru down to `DEPTH`, O bonded to them or above them all.

    Args:
        atoms: `ase.Atoms`, periodic.
        along: How far out each atom is, Å, shape `(n,)`.
    """
    metal = is_metal(atoms)
    top = along[metal].max()
    chosen = metal & (along > top - DEPTH)
    first, second = unlike_bonds("ij", atoms)
    bonded = np.bincount(first, chosen[second], minlength=len(atoms)) > 0
    return np.flatnonzero(chosen | (is_anion(atoms) & (bonded | (along > top))))


def is_crystal(atoms: Atoms, inside: NDArray[np.intp]) -> bool:
    """Say whether some atoms of a slab are surrounded as those of the crystal are."""
    lattice = lattice_of(atoms)
    if not len(inside) or lattice is None:
        return True
    crystal = environments(rutile_ruo2(*lattice, species=pair_of(atoms)), bulk=True)
    described = environments(atoms)
    kinds = (is_metal(atoms), is_anion(atoms))
    chosen = np.isin(np.arange(len(atoms)), inside)
    return all(
        not chosen[kind].any() or (own[chosen[kind]] @ other.T).max(axis=1).min() >= BULK_KERNEL
        for own, other, kind in zip(described, crystal, kinds, strict=True)
    )


class KnownFaces:
    """The faces of known slabs, found when they are first asked for.

    Args:
        structures: `ase.Atoms`.
        indices: Of those that can be compared with.
        species: Metal and anion.
    """

    def __init__(self, structures: Sequence[Atoms], indices: Sequence[int], species: Pair) -> None:
        self.structures, self.species = structures, species
        self.indices = indices
        self.by_facet: dict[str, list[tuple[int, int, float, Fingerprint]]] = {}

    @cached_property
    def facets(self) -> dict[str, list[int]]:
        """Dict of facets to the indices of the known slabs."""
        facets: dict[str, list[int]] = {}
        for index in self.indices:
            facets.setdefault(recognised_facet(self.structures[index]), []).append(index)
        return facets

    def faces_on(self, facet: str) -> list[tuple[int, int, float, Fingerprint]]:
        """Return `(index, planes, excess, slice)` of each face of the whole slabs of a facet."""
        if facet not in self.by_facet:
            self.by_facet[facet] = []
            for index in self.facets.get(facet, ()):
                atoms = self.structures[index]
                faces = None if reasons_against(atoms, self.species) else faces_of(atoms)
                if faces is not None:
                    for excess, part in zip(faces.excess, faces.slices, strict=True):
                        self.by_facet[facet].append((index, faces.num_planes, excess, part))
        return self.by_facet[facet]

    def find(self, atoms: Atoms) -> FaceMatch | None:
        """Return the `FaceMatch` of a valid slab, or `None` if a face or its bulk is not known."""
        own = faces_of(atoms)
        if own is None or not own.bulk:
            return None
        matches = []
        for excess, part in zip(own.excess, own.slices, strict=True):
            known = [e for e in self.faces_on(own.facet) if abs(e[2] - excess) < SAME_EXCESS]
            match = find_match(part, [entry[3] for entry in known]) if known else None
            if match is None or not match.same:
                return None
            matches.append((known[match.index], match.kernel))
        (upper, one), (lower, other) = matches
        return FaceMatch(upper[0], lower[0], min(one, other), own.num_planes != upper[1])
