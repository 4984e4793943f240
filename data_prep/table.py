"""Print slabs as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.structures import read_structures
from keras_ruo2.structure.bonds import is_metal, unlike_neighbours
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.checks import check_cell, check_species
from keras_ruo2.structure.validity import broken

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config.preparation import TableConfig
    from keras_ruo2.species import Pair


SAME_PLANE = 0.6  # Å below the highest Ru that still counts as outermost
COLUMNS = ("facet", "termination", "count", "{0}:{1}", "CN of outermost {0}", "eV/atom", "broken")


def main(config: TableConfig) -> list[dict[str, str]]:
    """Print a Markdown table of the structures; return it as a list of dicts.

    Args:
        config: `TableConfig`.
    """
    slabs = read_table_slabs(config.structures, config.pair)
    groups: dict[tuple[str, str], list[Atoms]] = {}
    for slab in slabs:
        groups.setdefault(group_of(slab, config.each), []).append(slab)
    head = tuple(title.format(*config.pair) for title in COLUMNS)
    rows = [table_row(name, members) for name, members in groups.items()]
    print_table([head, *rows])
    num_broken = sum(bool(broken(slab)) for slab in slabs)
    print(f"\n{len(slabs)} structures, {num_broken} broken, {len(slabs) - num_broken} whole.")
    return [dict(zip(head, cells, strict=True)) for cells in rows]


def read_table_slabs(path: Path, species: Pair) -> list[Atoms]:
    """Read slabs of two `species`.

    Raises:
        ConfigError: If the file cannot be read, or a structure has other elements or no cell.
    """
    slabs = read_structures(path)
    for number, slab in enumerate(slabs):
        try:
            check_species(slab, species)
            check_cell(slab)
        except ConfigError as error:
            raise ConfigError(f"{path}, structure {number}: {error}") from None
    return slabs


def group_of(slab: Atoms, each: bool) -> tuple[str, str]:
    """Return the names under which a slab is listed."""
    facet = str(slab.info.get("facet", "unknown"))
    termination = str(slab.info.get("termination", slab.get_chemical_formula()))
    kind = f" {slab.info.get('variation', slab.info.get('name', ''))}" if each else ""
    return facet, termination + kind


def table_row(name: tuple[str, str], slabs: Sequence[Atoms]) -> tuple[str, ...]:
    """Return the cells of a row; composition and coordination are those of its first slab."""
    first = slabs[0]
    num_metal = int(np.sum(is_metal(first)))
    flaws = [broken(slab) for slab in slabs]
    kinds = sorted({kind for names in flaws for kind in names})
    num_broken = sum(map(bool, flaws))
    return (
        *name,
        str(len(slabs)),
        f"{num_metal}:{len(first) - num_metal}",
        " ".join(map(str, outermost_coordination(first))),
        energy_range(slabs),
        f"{num_broken} ({', '.join(kinds)})" if kinds else "0",
    )


def outermost_coordination(slab: Atoms) -> list[int]:
    """Return the O neighbours of each Ru (or their like) in the highest Ru plane, ascending."""
    ruthenium = is_metal(slab)
    if not ruthenium.any():
        return []
    height = slab.positions[:, 2]
    outermost = ruthenium & (height > height[ruthenium].max() - SAME_PLANE)
    return sorted(unlike_neighbours(slab)[outermost].tolist())


def energy_range(slabs: Sequence[Atoms]) -> str:
    """Return the least and largest energy per atom as text."""
    energies = [potential_energy(slab) for slab in slabs]
    known = [
        energy / len(slab)
        for energy, slab in zip(energies, slabs, strict=True)
        if energy is not None
    ]
    if not known:
        return "unknown"
    low, high = min(known), max(known)
    return f"{low:.3f}" if len(known) == 1 else f"{low:.3f} to {high:.3f}"


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text as a Markdown table with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, cells in enumerate(rows):
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        print(f"| {' | '.join(padded)} |")
        if number == 0:
            print(f"| {' | '.join('-' * width for width in widths)} |")
