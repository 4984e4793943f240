"""Layers of a slab: displaced, relaxing and frozen ones of a search, and those at the bottom."""

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.bonds import anion_bonds, is_anion, is_metal, pair_of, unlike_bonds
from keras_ruo2.structure.faces import heights

FROZEN, BUFFER, DISPLACED = 0, 1, 2  # values of the per-atom array "layer"
PLANE_GAP = 0.5  # Å between the Ru of one plane and of the next; (111) has 0.7 after relaxation
THICK = 5  # Ru planes from which the two moving layers have two each, as in the source


def ruthenium_planes(atoms: Atoms) -> np.ndarray:
    """Return the plane of each metal atom, 0 the lowest, and -1 for other atoms: shape `(n,)`."""
    planes = np.full(len(atoms), -1)
    ruthenium = np.flatnonzero(is_metal(atoms))
    order = ruthenium[np.argsort(atoms.positions[ruthenium, 2], kind="stable")]
    breaks = np.diff(atoms.positions[order, 2], prepend=np.inf) > PLANE_GAP
    planes[order] = np.cumsum(breaks)
    return planes


def default_thickness(num_planes: int) -> tuple[int, int]:
    """Return the Ru planes of the displaced and of the buffer layer, `(2, 2)` if there is room.

    Slabs of fewer than `THICK` planes, which the vertical cell length allows for the wider
    planes, keep one for the bulk and one for the buffer.
    """
    return (2, 2) if num_planes >= THICK else (max(1, num_planes - 2), 1)


def assign_layers(
    atoms: Atoms, displaced: int | None = None, buffer: int | None = None
) -> np.ndarray:
    """Return the layer of each atom of a slab, its upper face being the one that is explored.

    Args:
        atoms: `ase.Atoms`, a slab with its normal along z and no atom across the cell's top.
        displaced: Ru planes of the displacement layer, from the top; by default
            `default_thickness`.
        buffer: Ru planes of the buffer layer below.

    Returns:
        Integers of shape `(n,)`: `FROZEN`, `BUFFER` or `DISPLACED`. An O belongs to the layer of
        the uppermost Ru that it is bonded to, the outer O of a peroxo group to that of the inner
        one; O without such bonds is `FROZEN`.

    Raises:
        ConfigError: If there are too few Ru planes for three layers.

    Source:
        Section 3.1.2 of the thesis (two Ru layers each "and connected oxygen atoms").
    """
    planes = ruthenium_planes(atoms)
    num_planes = int(planes.max(initial=-1)) + 1
    usual = default_thickness(num_planes)
    displaced = usual[0] if displaced is None else displaced
    buffer = usual[1] if buffer is None else buffer
    if num_planes < displaced + buffer + 1:
        raise ConfigError(
            f"{atoms.get_chemical_formula()} has {num_planes} {pair_of(atoms)[0]} planes, but "
            f"{displaced} displaced, {buffer} relaxing and at least one frozen are needed. Give a "
            "thicker slab, or lower --displaced or --buffer."
        )
    below_top = num_planes - 1 - planes
    layers = np.where(below_top < displaced, DISPLACED, FROZEN)
    layers[(below_top >= displaced) & (below_top < displaced + buffer)] = BUFFER
    first, second = unlike_bonds("ij", atoms)
    anions = is_anion(atoms)
    layers[anions] = FROZEN
    np.maximum.at(layers, first[anions[first]], layers[second[anions[first]]])
    outer = anions & (np.bincount(first, minlength=len(atoms)) == 0)
    first, second = anion_bonds("ij", atoms)
    np.maximum.at(layers, first[outer[first]], layers[second[outer[first]]])
    return layers


def with_layers(atoms: Atoms, layers: np.ndarray) -> Atoms:
    """Return a copy that carries `layers` as its array "layer", the frozen ones fixed."""
    result = atoms.copy()
    result.set_constraint()
    result.set_array("layer", np.asarray(layers), dtype=int)
    result.set_constraint(FixAtoms(np.flatnonzero(layers == FROZEN)))
    return result


def layer_of(atoms: Atoms) -> np.ndarray:
    """Return the array "layer" of `atoms`."""
    return atoms.arrays["layer"]


def bottom_layers(atoms: Atoms, count: int) -> np.ndarray:
    """Choose the lowest Ru planes and all atoms up to halfway to the next one.

    Args:
        atoms: `ase.Atoms`, a slab across its third cell vector.
        count: Number of Ru planes.

    Returns:
        Indices of the atoms, ascending.

    Raises:
        ConfigError: If the slab has no more than `count` planes of Ru.
    """
    if not count:
        return np.array([], dtype=int)
    above, _ = heights(atoms)
    planes = np.sort(above[is_metal(atoms)])
    breaks = np.flatnonzero(np.diff(planes) > PLANE_GAP)
    if len(breaks) < count:
        raise ConfigError(
            f"{atoms.get_chemical_formula()} has {len(breaks) + bool(len(planes))} layers of "
            f"{pair_of(atoms)[0]}, {count} of which cannot be frozen. Freeze fewer."
        )
    last = breaks[count - 1]
    return np.flatnonzero(above < (planes[last] + planes[last + 1]) / 2)
