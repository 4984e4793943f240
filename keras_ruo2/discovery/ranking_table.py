"""ranking.csv: a row for every structure that is left, a column for each entry of `COLUMNS`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from keras_ruo2.discovery.funnel import info_flag, info_text
from keras_ruo2.discovery.ranking import has_converged
from keras_ruo2.io.tables import table_writer

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.discovery.ranking import Ranked


# Name, with its unit, to a function of a `Ranked` and the ends of dmu_O (eV).
COLUMNS = MappingProxyType(
    {
        "name": lambda row, limits: row.atoms.info["name"],
        "method": lambda row, limits: row.atoms.info["method"],
        "formula": lambda row, limits: row.atoms.get_chemical_formula(),
        "facet": lambda row, limits: row.atoms.info.get("facet", ""),
        "above_meV_A2": lambda row, limits: round(1000 * row.above, 2),
        "at_dmu_O_eV": lambda row, limits: round(row.best_at, 3),
        "gamma_O_poor_meV_A2": lambda row, limits: round(1000 * row.line(limits[0]), 2),
        "gamma_O_rich_meV_A2": lambda row, limits: round(1000 * row.line(limits[1]), 2),
        "novel": lambda row, limits: info_flag(row.atoms, "novel"),
        "converged": lambda row, limits: has_converged(row.atoms),
        "matched": lambda row, limits: info_text(row.atoms, "matched"),
        "rmsd_A": lambda row, limits: row.atoms.info["rmsd"],
        "energy_eV": lambda row, limits: round(row.atoms.get_potential_energy(), 5),
        "calculator": lambda row, limits: row.atoms.info["calculator"],
    }
)


def write_ranking(
    path: Path, rows: Sequence[Ranked], limits: tuple[float, float], folders: Mapping[str, str]
) -> None:
    """Write a row for every ranked structure, the best first; energies in meV/Å^2.

    Args:
        path: File.
        rows: List of `Ranked`, the best first.
        limits: O-poor and O-rich end of dmu_O, eV.
        folders: Dict of names to the folders of what was handed over to DFT.
    """
    with table_writer(path) as writer:
        writer.writerow(["rank", *COLUMNS, "poscar"])
        for number, row in enumerate(rows):
            cells = [column(row, limits) for column in COLUMNS.values()]
            writer.writerow([number + 1, *cells, folders.get(row.atoms.info["name"], "")])
