"""Snapshots in small files: extxyz with four decimals, packed, in parts.

ASE reads every part by its name, and `keras_ruo2.io.structures` the folder. Of consecutive
snapshots most digits are equal, which xz finds: 0.3 MB for 1,000 snapshots of 80 atoms, where gzip
needs twice as much and plain extxyz 6 MB.
"""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ase.io.extxyz import key_val_dict_to_str

if TYPE_CHECKING:
    import numpy as np

    from keras_ruo2.basin_hopping.history import HistoryFrame


DECIMALS = 4  # of positions and energies: the energy is off by 1e-3 eV at 10 eV/Å, at most
LENGTH_DIGITS = 9
DERIVED = ("num_ru", "num_o", "grand_potential")  # follow from the structure and the rest


def text_of(frame: HistoryFrame) -> str:
    """Return a frame as extxyz: energy, layers, history; no constraint, it is in the layers.

    Properties that follow from others are left out.
    """
    atoms, info = frame.atoms, dict(frame.info)
    for name in DERIVED:
        info.pop(name, None)
    cell = " ".join(f"{value:.{LENGTH_DIGITS}g}" for value in atoms.cell.array.ravel())
    layers = atoms.arrays.get("layer")
    properties = "species:S:1:pos:R:3" + ("" if layers is None else ":layer:I:1")
    rest = key_val_dict_to_str(info | {"energy": round(frame.energy, DECIMALS + 1)})
    header = f'Lattice="{cell}" Properties={properties} {rest} pbc="T T T"'
    columns = [atoms.symbols, *(decimals(column) for column in atoms.positions.T)]
    if layers is not None:
        columns.append(map(str, layers))
    rows = "\n".join(map(" ".join, zip(*columns, strict=True)))
    return f"{len(atoms)}\n{header}\n{rows}\n"


def decimals(values: np.ndarray) -> list[str]:
    """Return numbers as text, without the sign of zero."""
    return [f"{value + 0.0:.{DECIMALS}f}" for value in values.round(DECIMALS).tolist()]


def pack(texts: Sequence[str], suffix: str) -> bytes:
    """Return the bytes of a file with these frames, packed as its name's ending says."""
    whole = "".join(texts).encode()
    if suffix == ".xz":
        return lzma.compress(whole, preset=9 | lzma.PRESET_EXTREME)
    return gzip.compress(whole, 9, mtime=0) if suffix == ".gz" else whole


def split_into_parts(texts: Sequence[str], most_bytes: int) -> list[bytes]:
    """Pack frames into as few parts of equal numbers as stay below `most_bytes` each.

    Args:
        texts: Frames as text.
        most_bytes: Size that no part exceeds, unless a single frame does.

    Returns:
        List of the parts' bytes.
    """
    num_parts = 1
    while True:
        bounds = [len(texts) * k // num_parts for k in range(num_parts + 1)]
        parts = [pack(texts[a:b], ".xz") for a, b in zip(bounds, bounds[1:], strict=False)]
        largest = max(map(len, parts))
        if largest <= most_bytes or num_parts >= len(texts):
            return parts
        num_parts = min(len(texts), max(num_parts + 1, -(-sum(map(len, parts)) // most_bytes)))
