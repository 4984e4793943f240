"""The stage before relaxing: atoms that are too close for a potential are pushed apart."""

from __future__ import annotations

from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation.outcome import CLOSEST, implausible
from keras_ruo2.structure.filters import in_a_false_well
from keras_ruo2.structure.layers import bottom_layers
from keras_ruo2.structure.mending import mend

PUSHED = "mended_pairs"  # the entry of `info` that says so


def without_close_atoms(atoms: Atoms, frozen_layers: int = 0) -> Atoms:
    """Return a structure no two atoms of which are too close, if it can be had.

    What was done is said in `info`: `mended_pairs`, how many pairs were too close, and
    `mended_by`, how far the atom that moved most was moved, Å. It says nothing for the structure:
    whether it is a slab is for `screen` to tell of what was drawn and of what was relaxed.

    Args:
        atoms: `ase.Atoms`; it is left as it is.
        frozen_layers: Layers of metal, from below, that do not move.

    Returns:
        `ase.Atoms`; the very same where nothing is too close or nothing helps.
    """
    if implausible(atoms) or not in_a_false_well(atoms):
        return atoms
    try:
        frozen = bottom_layers(atoms, frozen_layers)
    except ConfigError:
        return atoms
    mended = mend(atoms, CLOSEST, frozen)
    if mended is None or in_a_false_well(mended.atoms):
        return atoms
    mended.atoms.info |= {PUSHED: mended.pairs, "mended_by": round(mended.moved, 3)}
    return mended.atoms


def was_mended(atoms: Atoms) -> bool:
    """Say whether atoms of a structure were pushed apart before it was relaxed."""
    return bool(atoms.info.get(PUSHED))
