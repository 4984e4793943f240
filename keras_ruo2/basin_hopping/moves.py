"""Trial moves of a surface search: along delocalised internal coordinates, and O in and out.

A move takes atoms with an array "layer" (`keras_ruo2.structure.layers`) and a random generator, and
returns a new structure; only the displacement layer changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.cell import Cell
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from keras_ruo2.basin_hopping.internals import delocalised_modes
from keras_ruo2.structure.bonds import is_anion, is_metal, pair_of, scaled_cutoff, unlike_neighbours
from keras_ruo2.structure.bounds import bound
from keras_ruo2.structure.layers import DISPLACED, layer_of, with_layers

CLASH = bound("false_well")
DRAWS = 100  # draws of a displacement until no atoms clash
WHOLE_OCTAHEDRON = 6
SITE_BOND = 1.9  # Å from Ru to an inserted O; bulk 1.95, on top of Ru 1.7
OPEN_O_O, OPEN_RU_O = 2.2, 1.6  # Å that an inserted O keeps at least; O-O is 2.47 at an octahedron
BRIDGE_BOND = 2.3  # Å; an inserted O that near to a second Ru bridges the two
ROOM = 6.0  # Å around an inserted O beyond which other atoms do not matter
SITE_SPACING = 1.6  # Å between two sites; nearer ones are one
NUM_DIRECTIONS = 300  # directions around a Ru that are tried, 12 degrees apart


class Move(NamedTuple):
    """A trial structure.

    Args:
        kind: `displace`, `insert` or `remove`.
        atoms: The structure before relaxation, or `None` if there is no such move.
        log_ratio: Logarithm of the probability to propose the way back over that to propose this.
        reason: Why there is none: `no_site`, `no_oxygen` or `no_mode`.
    """

    kind: str
    atoms: Atoms | None
    log_ratio: float = 0.0
    reason: str = ""


def displace(atoms: Atoms, rng: np.random.Generator, *, length: float, share: float) -> Move:
    """Move the displacement layer along a random share of its delocalised internal coordinates.

    Weights are uniform in [-1, 1], the sum is scaled so that its largest Cartesian component is
    `length`. A draw that brings atoms closer than `CLASH` is drawn again, up to `DRAWS` times;
    then the draw with the fewest such pairs is taken, and the search refuses it.

    Args:
        atoms: `ase.Atoms` with an array "layer".
        rng: `numpy.random.Generator`.
        length: Largest Cartesian component of the displacement, Å.
        share: Share of the modes, 0 to 1.

    Returns:
        `Move`.

    Source:
        Section 3.1.2 of the thesis, after Panosetti et al., Nano Lett. 15, 8044 (2015); the
        redrawing is ours.
    """
    modes, _ = delocalised_modes(atoms, layer_of(atoms) == DISPLACED)
    if not len(modes):
        return Move("displace", None, reason="no_mode")
    clashes, best, fewest = clash_counter(atoms, length), None, np.inf
    for _ in range(DRAWS):
        displacement = length * random_direction(modes, rng, share)
        num_clashes = clashes(displacement)
        if num_clashes < fewest:
            best, fewest = displacement, num_clashes
        if not num_clashes:
            break
    trial = atoms.copy()
    trial.positions += best
    return Move("displace", trial)


def random_direction(modes: np.ndarray, rng: np.random.Generator, share: float) -> np.ndarray:
    """Return a random sum of a `share` of the modes, its largest component 1: shape `(n, 3)`."""
    drawn = rng.choice(len(modes), max(1, round(share * len(modes))), replace=False)
    direction = np.tensordot(rng.uniform(-1, 1, len(drawn)), modes[drawn], axes=1)
    return direction / np.abs(direction).max()


def count_clashes(atoms: Atoms) -> int:
    """Count the pairs of atoms nearer than `CLASH` times the sum of their covalent radii."""
    return len(neighbor_list("i", atoms, CLASH * covalent_radii[atoms.numbers])) // 2


def clash_counter(atoms: Atoms, length: float) -> Callable[[np.ndarray], int]:
    """Return a function from a displacement, shape `(n, 3)`, to `count_clashes` after it.

    Neighbours are looked up once, as far as they can come near each other.

    Args:
        atoms: `ase.Atoms` with an array "layer", of which only `DISPLACED` moves.
        length: Largest component of a displacement, Å.
    """
    radii = CLASH * covalent_radii[atoms.numbers]
    reach = radii + np.sqrt(3) * length * (layer_of(atoms) == DISPLACED)
    first, second, apart = neighbor_list("ijD", atoms, reach + 1e-6)
    nearest = radii[first] + radii[second]

    def count(displacement: np.ndarray) -> int:
        after = apart + displacement[second] - displacement[first]
        return int(np.sum(np.einsum("ij,ij->i", after, after) < nearest**2)) // 2

    return count


def exchange(
    atoms: Atoms,
    rng: np.random.Generator,
    *,
    find_sites: Callable[[Atoms], np.ndarray] | None = None,
) -> Move:
    """Insert an O or remove one of the displacement layer, with equal probability.

    The place is drawn uniformly from the free sites, the O from the layer's. The way back from n O
    with m free sites is proposed with another probability, whose ratio belongs into the acceptance:
    m / (n + 1) for an insertion, n / (m after the removal) for a removal. With it, insertion and
    removal at fixed sites sample the grand-canonical distribution exactly.

    Args:
        atoms: `ase.Atoms` with an array "layer".
        rng: `numpy.random.Generator`.
        find_sites: Function from atoms to free places, `(m, 3)`; by default `insertion_sites`.

    Returns:
        `Move`.
    """
    find_sites = find_sites or insertion_sites
    oxygen = np.flatnonzero(is_anion(atoms) & (layer_of(atoms) == DISPLACED))
    if rng.random() < 0.5:
        sites = find_sites(atoms)
        if not len(sites):
            return Move("insert", None, reason="no_site")
        trial = with_oxygen(atoms, sites[rng.integers(len(sites))])
        return Move("insert", trial, float(np.log(len(sites) / (len(oxygen) + 1))))
    if not len(oxygen):
        return Move("remove", None, reason="no_oxygen")
    trial = without_atom(atoms, rng.choice(oxygen))
    return Move("remove", trial, float(np.log(len(oxygen) / max(1, len(find_sites(trial))))))


def with_oxygen(atoms: Atoms, place: np.ndarray) -> Atoms:
    """Return a copy of `atoms` with an O of the displacement layer at `place` (Å)."""
    result = atoms.copy()
    result.set_constraint()
    result += Atoms([pair_of(atoms)[1]], [place])
    return with_layers(result, np.append(layer_of(atoms), DISPLACED))


def without_atom(atoms: Atoms, index: int) -> Atoms:
    """Return a copy of `atoms` without the atom `index`."""
    kept = np.arange(len(atoms)) != index
    result = atoms.copy()
    result.set_constraint()
    return with_layers(result[kept], layer_of(atoms)[kept])


def insertion_sites(atoms: Atoms) -> np.ndarray:
    """Find the places where an O would complete the octahedron of a Ru of the displacement layer.

    Around every Ru of the layer with fewer than six O, places at `SITE_BOND` that keep away from
    all O and Ru are candidates. Those that would bond to most Ru (vacancies of bridging O) come
    first, then those with most room (on top of Ru); what is nearer than `SITE_SPACING` to one
    chosen before is the same site.

    Args:
        atoms: `ase.Atoms` with an array "layer".

    Returns:
        Places, shape `(m, 3)`, Å; the same for the same atoms.
    """
    bonds, metal = unlike_neighbours(atoms), is_metal(atoms)
    pair = pair_of(atoms)
    layer = layer_of(atoms) == DISPLACED
    open_ru = np.flatnonzero(metal & layer & (bonds < WHOLE_OCTAHEDRON))
    around = scaled_cutoff(SITE_BOND, pair) * sphere(NUM_DIRECTIONS)
    places = (atoms.positions[open_ru, None] + around).reshape(-1, 3)
    parts = [crowding(atoms, centre, around) for centre in atoms.positions[open_ru]]
    room, nearest, bridged = np.concatenate([np.empty((3, 0)), *parts], axis=1)
    free = room > scaled_cutoff(OPEN_O_O, (pair[1], pair[1]), ("O", "O"))
    free &= nearest > scaled_cutoff(OPEN_RU_O, pair)
    order = np.lexsort((-room.round(6), -bridged))
    chosen = np.empty((0, 3))
    for place in places[order[free[order]]]:
        if not len(chosen) or image_distances(place[None], chosen, atoms.cell).min() > SITE_SPACING:
            chosen = np.append(chosen, [place], axis=0)
    return chosen


def crowding(atoms: Atoms, centre: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Say how crowded places around an atom are.

    Args:
        atoms: `ase.Atoms` in an orthogonal cell.
        centre: The atom's position, Å.
        around: The places, relative to it, shape `(n, 3)`, Å.

    Returns:
        Array `(3, n)`: distance to the nearest anion and metal atom, `ROOM` where there is none
        within it, Å, and the number of metal atoms that an anion there would be bonded to.
    """
    reach = ROOM + np.linalg.norm(around, axis=1).max()
    close = image_distances(centre[None], atoms.positions, atoms.cell)[0] < reach
    to_anion, to_metal = (
        image_distances(centre + around, atoms.positions[close & chosen], atoms.cell)
        for chosen in (is_anion(atoms), is_metal(atoms))
    )
    return np.stack(
        [
            to_anion.min(axis=1, initial=ROOM),
            to_metal.min(axis=1, initial=ROOM),
            (to_metal < scaled_cutoff(BRIDGE_BOND, pair_of(atoms))).sum(axis=1),
        ]
    )


def sphere(count: int) -> np.ndarray:
    """Return `count` directions that cover a sphere evenly (a Fibonacci lattice), `(count, 3)`."""
    height = 1 - (2 * np.arange(count) + 1) / count
    angle = np.pi * (1 + np.sqrt(5)) * np.arange(count)
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


def image_distances(places: np.ndarray, others: np.ndarray, cell: Cell) -> np.ndarray:
    """Return distances to the nearest periodic image in an orthogonal cell, `(n, m)`, Å."""
    lengths = cell.lengths()
    apart = places[:, None] - others[None]
    apart -= lengths * np.round(apart / lengths)
    return np.linalg.norm(apart, axis=-1)
