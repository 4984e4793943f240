"""What the scripts of report.html work with: numbers, drawings and files of structures."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import ase.io
import numpy as np
from ase import Atoms

from keras_ruo2.plotting.viewer import viewer_data
from keras_ruo2.thermodynamics.oxygen_gas import BOLTZMANN, JANAF_O2, oxygen_potential
from keras_ruo2.thermodynamics.surface import Line, lower_envelope

STEP = 10.0  # K between the entries of the table; between them it is linear to 2e-5 eV
FORMATS = {"cif": "cif", "extxyz": "extxyz", "vasp": "vasp"}
UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
MILLI = 1000.0


def oxygen_table() -> dict[str, Any]:
    """Return dmu_O of O2 gas at 1 bar against temperature, as the page interpolates it."""
    low, high = JANAF_O2[0][0], JANAF_O2[-1][0]
    temperatures = np.arange(low, high + STEP / 2, STEP)
    return {
        "temperatures": temperatures.tolist(),
        "potentials": oxygen_potential(temperatures, 1.0).round(7).tolist(),
        "boltzmann": BOLTZMANN,
    }


def lowest_lines(
    lines: Mapping[str, Sequence[Line]], limits: tuple[float, float]
) -> dict[str, list[list[float] | None]]:
    """Return the lines that are lowest somewhere, meV/Å^2 and meV/Å^2 per eV.

    Args:
        lines: Dict of facets to lists of `Line`.
        limits: Ends of dmu_O, eV.

    Returns:
        Dict of facets to pairs; under an empty name those of all facets.
    """
    groups = dict(lines)
    if lines:
        groups[""] = [line for group in lines.values() for line in group]
    return {
        facet: [line_in_mev(group[stretch.number]) for stretch in lower_envelope(group, *limits)]
        for facet, group in groups.items()
    }


def line_in_mev(line: Line | None) -> list[float] | None:
    """Return a `Line` in meV, `None` where there is none."""
    return None if line is None else [MILLI * line.intercept, MILLI * line.slope]


class Structures:
    """Structures of a page, each once: what draws it, and its files."""

    def __init__(self) -> None:
        self.blocks: list[dict[str, Any]] = []
        self.numbers: dict[int, int] = {}

    def add(self, atoms: Atoms, name: str) -> int:
        """Return the number of a structure, which is added unless it is there."""
        if id(atoms) not in self.numbers:
            self.numbers[id(atoms)] = len(self.blocks)
            block = {
                "drawing": viewer_data(atoms),
                "files": files_of(atoms),
                "file": file_name(name),
            }
            self.blocks.append(block)
        return self.numbers[id(atoms)]


def files_of(atoms: Atoms) -> dict[str, str]:
    """Return a structure as texts of file formats."""
    return {kind: written(atoms, name) for kind, name in FORMATS.items()}


def written(atoms: Atoms, kind: str) -> str:
    """Return a structure as text of one format, its energy in those that hold one."""
    bare = atoms.copy()
    if kind == "extxyz":
        bare.calc = atoms.calc
    file: io.BytesIO | io.StringIO = io.BytesIO() if kind == "cif" else io.StringIO()
    options = {"direct": True, "sort": True} if kind == "vasp" else {}
    ase.io.write(file, bare, format=kind, **options)
    content = file.getvalue()
    return content.decode() if isinstance(content, bytes) else content


def file_name(name: str) -> str:
    """Return a name that every file system takes and no shell reads anything into."""
    return UNSAFE.sub("_", name).strip("._-")[:80] or "structure"
