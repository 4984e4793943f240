"""The part of a user's slab that stays, and the face that something else lays on it."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.species import Pair
from keras_ruo2.structure.bonds import is_metal
from keras_ruo2.structure.cells import SLAB_GAP
from keras_ruo2.structure.faces import heights
from keras_ruo2.structure.layers import bottom_layers, ruthenium_planes
from keras_ruo2.structure.registration import Registration

RIGHT = 0.1  # degrees by which the angles of a cell may differ from 90
OVERLAP = 3.5  # Å below the plane of the cut, in which a face is aligned with what is kept
RESULTS = ("forces", "stresses", "energies", "magmoms", "charges", "move_mask")


@dataclass(frozen=True)
class Base:
    """A slab of which the lower part stays.

    Args:
        atoms: The whole slab as it came.
        kept: Indices of the atoms that stay, ascending.
        places: Of all atoms along the cell vectors, Å, the slab in one piece, `(n, 3)`.
        lengths: Of the cell vectors, Å, `(3,)`.
        channels: 0 for the metal, 1 for the anion, `(n,)`.
        species: Metal and anion.
        cut: Height halfway between the uppermost kept atom and the lowest other one, Å.
        planes: Planes of metal above the cut.
    """

    atoms: Atoms
    kept: np.ndarray
    places: np.ndarray
    lengths: np.ndarray
    channels: np.ndarray
    species: Pair
    cut: float
    planes: int


def base_of(
    atoms: Atoms,
    species: Pair,
    *,
    frozen_layers: int | None = None,
    keep_below: float | None = None,
) -> Base:
    """Return the `Base` of a slab.

    Args:
        atoms: `ase.Atoms`, a slab across its third cell vector; it is left as it is.
        species: Metal and anion.
        frozen_layers: Planes of metal, from below, that stay with all atoms up to halfway to the
            next one; or
        keep_below: The z below which atoms stay, Å.

    Raises:
        ConfigError: If it is no such slab, or nothing or all of it would stay.
    """
    check_keepable(atoms, species)
    above, _ = heights(atoms)
    if keep_below is not None:
        kept = below_height(atoms, above, keep_below)
    else:
        kept = np.zeros(len(atoms), bool)
        kept[bottom_layers(atoms, frozen_layers or 0)] = True
    lengths = atoms.cell.lengths()
    places = atoms.get_scaled_positions(wrap=False) * lengths
    lowest = places[above.argmin(), 2]
    places[:, 2] = lowest + above
    upright = atoms.copy()
    upright.positions[:, 2] = above
    planes = ruthenium_planes(upright)
    stays = planes[kept].max(initial=-1)
    if stays < 0:
        raise ConfigError(
            f"No {species[0]} is among the atoms to keep: no face can be laid on them. Keep more."
        )
    return Base(
        atoms=atoms,
        kept=np.flatnonzero(kept),
        places=places,
        lengths=lengths,
        channels=np.where(is_metal(atoms), 0, 1),
        species=species,
        cut=float(lowest + (above[kept].max() + above[~kept].min()) / 2),
        planes=int(planes.max() - stays),
    )


def check_keepable(atoms: Atoms, species: Pair) -> None:
    """Raise `ConfigError` unless faces of the species can be laid on a slab in its cell."""
    elements = set(atoms.get_chemical_symbols())
    if elements != set(species):
        raise ConfigError(
            f"The slab to keep is of {', '.join(sorted(elements)) or 'no atoms'}, the model makes "
            f"{' and '.join(species)}."
        )
    if not np.isfinite(atoms.positions).all() or abs(atoms.cell.volume) < 1:
        raise ConfigError("The slab to keep has no cell, or positions that are no numbers.")
    angles = atoms.cell.angles()
    if np.abs(angles - 90).max() > RIGHT:
        text = ", ".join(f"{angle:.1f}" for angle in angles)
        raise ConfigError(
            f"The slab to keep has a cell with angles of {text} degrees. Expected 90, 90, 90: give "
            "an orthogonal supercell, the vacuum along the third vector."
        )
    vacuum = heights(atoms)[1]
    if vacuum < SLAB_GAP:
        raise ConfigError(
            f"The slab to keep has {vacuum:.1f} Å of vacuum along its third cell vector, at least "
            f"{SLAB_GAP:g} Å are needed."
        )


def below_height(atoms: Atoms, above: np.ndarray, height: float) -> np.ndarray:
    """Say which atoms of a slab lie below a height, `(n,)`.

    Args:
        atoms: `ase.Atoms`.
        above: Their heights over the lowest one, Å.
        height: The z, Å.
    """
    z = atoms.positions[:, 2]
    kept = z < height
    if kept.all() or not kept.any():
        side = "above all atoms" if kept.all() else "below all atoms"
        raise ConfigError(
            f"--keep_below={height:g} lies {side} of the slab, which has z from {z.min():.2f} to "
            f"{z.max():.2f} Å. Give a plane that cuts it."
        )
    if above[kept].max() > above[~kept].min():
        raise ConfigError(
            "The slab to keep lies across the top of its cell, so that --keep_below cuts no lower "
            "part off. Move it into the cell, or use --frozen_layers."
        )
    return kept


def join_face(
    base: Base, registration: Registration, offsets: np.ndarray, there: np.ndarray
) -> Atoms:
    """Lay a face on what is kept.

    The face is moved as a whole so that the atoms at the cut, which both have, lie on each other
    on average; then the kept ones stay and those of the face above the cut are added.

    Args:
        base: `Base`.
        registration: `Registration` of its frame.
        offsets: Displacements from the frame's sites in each of its repeats, Å, `(t, s, 3)`.
        there: Whether a site holds an atom, `(t, s)`.

    Returns:
        `ase.Atoms` in the cell of `base.atoms`: the kept atoms first, exactly as they were and
        fixed, then those of the face. `info` has `kept_atoms`, `misfit` (root mean square distance
        of atoms that both have at the cut, Å) and `disagreeing` (sites below the cut that only one
        of the two has).
    """
    places = registration.places[None] + offsets @ registration.matrix.T
    places = places + registration.shifts[:, None]
    apart = apart_from(base, registration, places, there)
    move = apart.mean(axis=0) if len(apart) else np.zeros(3)
    upper = there & ~registration.lower
    new = places[upper] + move
    kinds = np.broadcast_to(registration.channels, there.shape)[upper]
    order = np.argsort(kinds, kind="stable")
    scaled = new[order] / base.lengths % 1
    result = kept_atoms(base)
    result += Atoms([base.species[kind] for kind in kinds[order]], scaled @ base.atoms.cell.array)
    result.set_constraint(FixAtoms(np.arange(len(base.kept))))
    wanted = registration.partners >= 0
    result.info = {
        "kept_atoms": len(base.kept),
        "misfit": round(misfit_of(apart), 4),
        "disagreeing": int((registration.lower & (wanted != there)).sum()),
    }
    return result


def kept_atoms(base: Base) -> Atoms:
    """Return the kept atoms alone, without what a calculator said of the whole slab."""
    result = base.atoms[base.kept]
    result.calc = None
    result.pbc = True
    for name in RESULTS:
        result.arrays.pop(name, None)
    result.set_constraint()
    return result


def apart_from(
    base: Base, registration: Registration, places: np.ndarray, there: np.ndarray
) -> np.ndarray:
    """Return the vectors from placed atoms at the cut to the kept ones they stand for, `(n, 3)`."""
    partners = np.where(there, registration.partners, -1)
    near = places[..., 2] > base.cut - OVERLAP
    both = (partners >= 0) & (near if near[partners >= 0].any() else True)
    apart = base.places[partners[both]] - places[both]
    lateral = base.lengths[:2]
    apart[:, :2] -= lateral * np.round(apart[:, :2] / lateral)
    return apart


def misfit_of(apart: np.ndarray) -> float:
    """Return the root mean square of vectors about their mean, Å, infinite without any."""
    if not len(apart):
        return np.inf
    return float(np.sqrt(((apart - apart.mean(axis=0)) ** 2).sum(axis=1).mean()))
