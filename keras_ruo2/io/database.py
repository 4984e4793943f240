"""Structures as an ASE database, with keys to select by and words on what they mean."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import ase.db
import numpy as np
from ase import Atoms
from ase.db.core import reserved_keys
from ase.db.row import AtomsRow

from keras_ruo2.io.extxyz import json_value
from keras_ruo2.io.paths import atomic_write
from keras_ruo2.io.tables import is_number
from keras_ruo2.version import installed_version

ENDING = ".db"
KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
COLUMNS = ["id", "name", "formula", "facet", "termination", "energy", "natoms"]
# Key: name, what it means, unit.
MEANINGS = {
    "name": ("Name", "Name of the structure", ""),
    "facet": ("Facet", "Facet that was asked for or came with the structure", ""),
    "termination": ("Termination", "What its faces end with", ""),
    "recognised_facet": ("Facet found", "Facet that screening recognised", ""),
    "valid": ("Valid", "Whether it is one whole slab", ""),
    "novel": ("Novel", "Whether neither it nor its two faces are known", ""),
    "matched": ("Equals", "Known slab that it equals", ""),
    "label": ("Class", "Energy class it was drawn in, 0 is lowest", ""),
    "dmu_o": ("dmu_O", "Chemical potential of O relative to half an O2", "eV"),
    "calculator": ("Calculator", "What its energy was computed with", ""),
    "correction": ("Correction", "What was corrected of its energy", ""),
    "excess_O": ("Excess O", "O beyond two per metal atom and area of both faces", "1/Ang^2"),
    "residual": ("Residual", "What the atoms do not explain of the grid", ""),
    "failures": ("Failures", "What is wrong with it after back-mapping", ""),
    "relax_failures": ("Relaxation", "What went wrong while relaxing it", ""),
}


def write_database(path: Path, frames: Iterable[Atoms]) -> None:
    """Write an ASE database whole or not at all.

    Numbers, truths and words of `info` become keys, which `ase db` selects by; all of `info` and
    the per-atom arrays that a row has no column for lie in its `data`, so that nothing is lost.

    Args:
        path: File that ends in .db.
        frames: Iterable of `ase.Atoms`.
    """
    with atomic_write(path) as partial:
        partial.unlink(missing_ok=True)
        seen = set()
        with ase.db.connect(partial, use_lock_file=False) as database:
            for atoms in frames:
                keys = keys_of(atoms.info)
                seen |= set(keys)
                database.write(atoms, data=rest_of(atoms), **keys)
            database.metadata = {
                "title": f"Structures of keras_ruo2 {installed_version()}",
                "default_columns": COLUMNS,
                "key_descriptions": {k: MEANINGS.get(k, (k, k, "")) for k in sorted(seen)},
            }


def keys_of(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of `info` that a database selects by."""
    return {key: value.item() if isinstance(value, np.generic) else value
            for key, value in info.items() if is_key(key, value)}  # fmt: skip


def is_key(key: object, value: object) -> bool:
    """Say whether ASE takes an entry for a key: no text that looks like a number, for example."""
    if not isinstance(key, str) or not KEY.fullmatch(key) or key in reserved_keys:
        return False
    if isinstance(value, str):
        return value not in ("True", "False") and not is_number(value)
    if isinstance(value, np.generic):
        value = value.item()
    return isinstance(value, numbers.Real) and math.isfinite(value)


def rest_of(atoms: Atoms) -> dict[str, dict[str, object]]:
    """Return what a row has no column for, as JSON can hold it."""
    own = ("numbers", "positions", "tags", "momenta", "masses", "initial_magmoms")
    arrays = {
        k: json_value(v) for k, v in atoms.arrays.items() if k not in (*own, "initial_charges")
    }
    return {"info": {str(k): json_value(v) for k, v in atoms.info.items()}, "arrays": arrays}


def atoms_of(row: AtomsRow) -> Atoms:
    """Return the structure of a row of a database, whoever wrote it."""
    atoms = row.toatoms()
    kept = row.data if {"info", "arrays"} <= set(row.data) else {"info": {}, "arrays": {}}
    atoms.info |= dict(kept["info"]) | row.key_value_pairs
    for name, values in kept["arrays"].items():
        atoms.set_array(name, np.array(values))
    return atoms
