"""extxyz that loses nothing: whatever is in `info` and `arrays` comes back as it was.

ASE's own reader takes an empty value for the next key, texts such as 110 or T for numbers and
truths, and columns with blanks in them for more columns. What it would not read as it was is
written as JSON, which ASE reads too; what not even this saves (keys with `=`, names that ASE keeps
for results, per-atom texts with blanks) goes into one entry of `info`, which `restored` unpacks.
Numbers of arrays have eight decimals, as ASE writes them.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Iterable
from typing import cast

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties
from ase.io.extxyz import key_val_dict_to_str, key_val_str_to_dict
from ase.spacegroup import Spacegroup

KEPT = "kept_by_keras_ruo2"  # the entry of `info` that holds what extxyz has no place for
OWN_KEYS = ("pbc", "lattice", "properties", "virial", "uid", KEPT)
OWN_ARRAYS = ("numbers", "positions", "tags", "momenta", "masses", "initial_magmoms")
RESERVED_COLUMNS = ("species", "pos", "symbols", "move_mask", "Z", "charge")
COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # names that a list of columns takes
# A key without a value, as ASE writes an empty text, outside of quotes and brackets.
NO_VALUE = re.compile(
    r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\{[^}]*\}|\[[^\]]*\]"""
    r"""|(?<!\S)(?P<key>[A-Za-z_][\w-]*)=(?:""|'')?(?=\s|$)"""
)


def extxyz_text(frames: Iterable[Atoms]) -> str:
    """Return `ase.Atoms` as the text of an extxyz file."""
    text = io.StringIO()
    ase.io.write(text, [packed(atoms) for atoms in frames], format="extxyz")
    return text.getvalue()


def parse_structure(text: str) -> Atoms:
    """Return the structure of one frame's text, whoever wrote it."""
    count, head, rest = [*text.split("\n", 2), "", ""][:3]
    mended = "\n".join((count, NO_VALUE.sub(with_value, head), rest))
    return restored_frame(mended)


def restored_frame(text: str) -> Atoms:
    """Return the structure of one frame's text that was written here."""
    return restored(cast("Atoms", ase.io.read(io.StringIO(text), format="extxyz")))


def with_value(match: re.Match[str]) -> str:
    """Return a key without a value with an empty text; quoted text stays as it is."""
    return f'{match["key"]}="_JSON \\"\\""' if match["key"] else match[0]


def packed(atoms: Atoms) -> Atoms:
    """Return a copy whose `info` and `arrays` ASE writes and reads again without loss."""
    result, info, arrays = atoms.copy(), {}, {}
    result.calc, result.info = atoms.calc, {}
    for key, value in atoms.info.items():
        written = writable(key, value)
        if written is None:
            info[str(key)] = json_value(value)
        else:
            result.info[key] = written[0]
    for name, values in atoms.arrays.items():
        if not fits_columns(name, values):
            del result.arrays[name]
            arrays[name] = {"dtype": values.dtype.str, "values": json_value(values)}
    if info or arrays:
        result.info[KEPT] = as_json({"info": info, "arrays": arrays})
    return result


def restored(atoms: Atoms) -> Atoms:
    """Return the structure with what `packed` put aside back in its place."""
    kept = atoms.info.pop(KEPT, None)
    if kept is None:
        return atoms
    atoms.info |= kept["info"]
    for name, array in kept["arrays"].items():
        atoms.arrays[name] = as_array(array["values"], np.dtype(array["dtype"]))
    return atoms


def as_array(values: list[object], dtype: np.dtype) -> np.ndarray:
    """Return a per-atom array that JSON held; of objects each atom has one."""
    if dtype.kind != "O":
        return np.array(values, dtype=dtype)
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def writable(key: str, value: object) -> tuple[object] | None:
    """Return `(what to write,)` for an entry of `info` so that ASE reads `value`, or `None`."""
    if not isinstance(key, str) or key.lower() in OWN_KEYS or key in all_properties:
        return None
    value = json_value(value) if isinstance(value, str) or is_foreign(value) else value
    as_it_is = () if value is None else (value,)  # of `None` ASE makes a truth
    for candidate in (*as_it_is, as_json(json_value(value))):
        if comes_back(key, candidate, value):
            return (candidate,)
    return None


def is_foreign(value: object) -> bool:
    """Say whether a value is of a kind that no file format knows."""
    known = (str, bool, int, float, list, tuple, dict, np.ndarray, np.generic, type(None))
    return not isinstance(value, known)


def comes_back(key: str, candidate: object, value: object) -> bool:
    """Say whether ASE reads `value` where `candidate` was written for it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            text = key_val_dict_to_str({key: candidate})
            parsed = key_val_str_to_dict(f"before=1 {text} after=1")
    except (ValueError, TypeError, IndexError, AttributeError, Warning):
        return False
    one_line = len(text.splitlines()) == 1
    return one_line and list(parsed) == ["before", key, "after"] and same(parsed[key], value)


def same(parsed: object, value: object) -> bool:
    """Say whether a value was read as it was; arrays and lists of equal numbers are the same."""
    if isinstance(parsed, str) or isinstance(value, str):
        return parsed == value if isinstance(parsed, str) and isinstance(value, str) else False
    return json.dumps(json_value(parsed)) == json.dumps(json_value(value))


def as_json(value: object) -> str:
    """Return a value as the text that ASE takes for JSON."""
    return "_JSON " + json.dumps(value).replace("\\", "\\\\")


def json_value(value: object) -> object:
    """Return a value as JSON knows it; of what it does not know, its name."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiubUO":
        return json_value(value.tolist())
    if isinstance(value, dict):
        return {str(key): json_value(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(part) for part in value]
    if isinstance(value, Spacegroup):
        return value.symbol
    if isinstance(value, str):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def fits_columns(name: str, values: np.ndarray) -> bool:
    """Say whether ASE writes and reads a per-atom array without loss."""
    if name in OWN_ARRAYS or name == "initial_charges":
        return True
    reserved = name in RESERVED_COLUMNS or name in all_properties
    if reserved or not COLUMN.fullmatch(name) or not len(values):
        return False
    if values.ndim != 1 and (values.ndim != 2 or values.shape[1] < 2):
        return False
    if values.dtype.kind == "U":
        return values.ndim == 1 and all(text.split() == [text] for text in values.tolist())
    return values.dtype.kind in "fib"
