"""Random inputs of every kind that readers meet: texts, arrays, JSON, structures, extxyz.

Each function takes NumPy's generator, so that a seed names a case and repeats it.
"""

import string

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

NUMBERS = ("0", "-1", "1", "3.5", "1e308", "-1e400", "nan", "inf", "99999999999999999999", "0x1f")
PIECES = (
    *NUMBERS,
    *("Ru", "O", "H", "X", "Zz", "Lattice", "Properties", "species:S:1:pos:R:3", "pbc", "T T F"),
    *(
        '"',
        "'",
        "=",
        "{",
        "}",
        "[",
        "]",
        "[[1,2],[3]]",
        "_JSON",
        '_JSON {"a": 1}',
        "\\",
        "#",
        ",",
        ":",
    ),
    *(
        "\t",
        "\r",
        "\x00",
        "\x1c",
        "\u2028",
        "\u202e",
        "é",
        "\U0001f600",
        "energy",
        "forces",
        "move_mask",
    ),
    *("stress", "name", "kept_by_keras_ruo2", "virial", "None", "True", "null", "NaN", "..", "/"),
)
SYMBOLS = ("Ru", "O", "H", "X", "Ir")
SIZES = (0.0, 1e-12, 1e-3, 0.5, 1.0, 3.1, 4.5, 20.0, 500.0, 1e9, 1e308, -4.5, np.nan, np.inf)


def pick(rng, choices):
    """Return one of several."""
    return choices[int(rng.integers(len(choices)))]


def text(rng, most=12):
    """Return a text of pieces that mean something somewhere, and of letters."""
    parts = [
        pick(rng, PIECES) if rng.random() < 0.6 else pick(rng, string.printable)
        for _ in range(rng.integers(most))
    ]
    return pick(rng, ("", " ")).join(parts)


def number(rng):
    """Return a number, of a size that happens or of none."""
    return float(pick(rng, SIZES)) if rng.random() < 0.3 else float(rng.normal(scale=5))


def value(rng, depth=3):
    """Return what JSON can hold."""
    kind = rng.integers(8 if depth else 6)
    simple = (None, bool(rng.random() < 0.5), int(rng.integers(-(2**40), 2**40)), number(rng))
    if kind < 4:
        return simple[kind]
    if kind < 6:
        return text(rng)
    if kind == 6:
        return [value(rng, depth - 1) for _ in range(rng.integers(4))]
    return {text(rng, 4): value(rng, depth - 1) for _ in range(rng.integers(4))}


def replaced(rng, values):
    """Return JSON values of which one, at any depth, is another one or gone."""
    if isinstance(values, dict | list) and len(values) and rng.random() < 0.85:
        keys = list(values) if isinstance(values, dict) else range(len(values))
        chosen = pick(rng, list(keys))
        result = values.copy()
        if rng.random() < 0.1:
            del result[chosen]
        else:
            result[chosen] = replaced(rng, values[chosen])
        return result
    return finite(value(rng)) if rng.random() < 0.7 else finite(number(rng))


def finite(values):
    """Return values with text for the numbers that JSON does not know."""
    if isinstance(values, float) and not np.isfinite(values):
        return str(values)
    if isinstance(values, list):
        return [finite(part) for part in values]
    if isinstance(values, dict):
        return {key: finite(part) for key, part in values.items()}
    return values


def array(rng):
    """Return an array of any kind and shape, small."""
    shape = tuple(rng.integers(0, 4, size=rng.integers(0, 7)).tolist())
    if rng.random() < 0.4:
        shape = (int(rng.integers(1, 4)), *((4,) * int(rng.integers(1, 4))), 2)
    kind = pick(rng, ("f2", "f4", "f8", "u1", "i8", "c8", "b1", "U3", "S3", "M8[s]", "O", "V5"))
    made = rng.random(shape) * pick(rng, (1, 1, 1, 255, 1e-30, 1e30, np.nan))
    with np.errstate(all="ignore"):
        if kind == "O":
            return np.full(shape, {"a": 1}, dtype=object)
        if kind in ("U3", "S3", "V5", "M8[s]"):
            return np.zeros(shape, dtype=kind)
        return made.astype(kind)


def arrays(rng):
    """Return what a samples file may hold: names that are known, and others."""
    names = ("grid", "lattice", "label", "species", "x", "grid.npy", "../x")
    found = {name: array(rng) for name in names if rng.random() < 0.5}
    if rng.random() < 0.7:  # whole grids, and something wrong with what goes with them
        ndim = int(rng.integers(2, 4))
        found["grid"] = rng.random((2, *([4] * ndim), 2)).astype(pick(rng, ("f2", "f4", "f8")))
        if rng.random() < 0.6:
            found["lattice"] = np.full((2, ndim), number(rng))
    if rng.random() < 0.3:
        found["species"] = np.array([text(rng, 2), pick(rng, SYMBOLS)])
    return found


def structure(rng):
    """Return atoms of any kind: whole slabs would be chance."""
    count = int(rng.integers(0, 7))
    atoms = Atoms(
        [pick(rng, SYMBOLS) for _ in range(count)],
        positions=[[number(rng) for _ in range(3)] for _ in range(count)],
        cell=cell(rng),
        pbc=rng.random(3) < 0.7,
    )
    if count > 1 and rng.random() < 0.2:
        atoms.positions[1] = atoms.positions[0]
    if rng.random() < 0.4:
        atoms.calc = SinglePointCalculator(atoms, energy=number(rng))
    if rng.random() < 0.3:
        atoms.info["occupancy"] = value(rng)
    return atoms


def cell(rng):
    """Return three vectors, often of a box, sometimes of nothing."""
    if rng.random() < 0.6:
        return np.diag([float(pick(rng, SIZES)) for _ in range(3)])
    return np.array([[number(rng) for _ in range(3)] for _ in range(3)])


def described(rng):
    """Return a finite structure with anything in its `info` and per-atom arrays."""
    count = int(rng.integers(1, 5))
    atoms = Atoms(
        [pick(rng, SYMBOLS) for _ in range(count)],
        positions=rng.normal(scale=4, size=(count, 3)).round(6),
        cell=rng.uniform(3, 9, 3).round(6),
        pbc=rng.random(3) < 0.5,
    )
    for _ in range(rng.integers(4)):
        atoms.info[text(rng, 3)] = value(rng) if rng.random() < 0.7 else text(rng)
    for _ in range(rng.integers(3)):
        name = text(rng, 3) or "empty"
        if name not in atoms.arrays:
            shape = (count, *((2,) if rng.random() < 0.3 else ()))
            made = rng.integers(-9, 9, shape)
            kind = pick(rng, ("i8", "f8", "b1"))
            atoms.arrays[name] = made.astype(kind)
    return atoms


def frame(rng):
    """Return the text of something like a frame of an extxyz file."""
    count = int(rng.integers(0, 5))
    told = str(count) if rng.random() < 0.9 else text(rng, 3)
    box = " ".join(str(number(rng)) for _ in range(9 if rng.random() < 0.9 else 4))
    words = [f'Lattice="{box}"', "Properties=species:S:1:pos:R:3", 'pbc="T T T"']
    words = [word for word in words if rng.random() < 0.8]
    words += [f"{text(rng, 3)}={text(rng, 4)}" for _ in range(rng.integers(4))]
    words += [text(rng)] if rng.random() < 0.3 else []
    rows = [
        " ".join([pick(rng, SYMBOLS), *(str(number(rng)) for _ in range(3))])
        if rng.random() < 0.9
        else text(rng)
        for _ in range(count)
    ]
    return "\n".join([told, " ".join(words), *rows]) + ("\n" if rng.random() < 0.9 else "")
