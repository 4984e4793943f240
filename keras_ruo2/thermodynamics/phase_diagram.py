"""`phase_diagram`: surface free energies against the chemical potential of oxygen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.config.phase_diagram import STABLE
from keras_ruo2.errors import check_writable
from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.tables import table_writer
from keras_ruo2.species import assumption_note
from keras_ruo2.thermodynamics.diagram import PhaseDiagram, choose_slabs, copies, rank_chosen
from keras_ruo2.thermodynamics.methods import (
    SPREAD_COLUMNS,
    read_methods,
    report_methods,
    spread_cells,
    title_of,
    write_crossings,
    write_methods,
)
from keras_ruo2.thermodynamics.phase_map import draw_phase_maps
from keras_ruo2.thermodynamics.references import read_slabs
from keras_ruo2.thermodynamics.report import print_report, stable_table
from keras_ruo2.thermodynamics.rows import Row
from keras_ruo2.thermodynamics.surface import oxygen_range
from keras_ruo2.thermodynamics.wulff_shapes import add_crystals, check_potentials


def main(config: PhaseDiagramConfig) -> list[dict[str, object]]:
    """Write the table, the stable structures, the diagram and, if wished, crystal shapes.

    Returns:
        Who is stable where, a list of dicts.

    Args:
        config: `PhaseDiagramConfig`.

    Raises:
        ConfigError: Before anything is written: structures without energies, of several
            calculators, references of another one, or --wulff outside the diagram. At the end, with
            everything else written: a crystal shape that does not exist.
    """
    slabs = read_slabs(config.structures, config.skip_damaged)
    known = read_slabs(config.known, config.skip_damaged) if config.known else []
    advice = "Add --broken to see them anyway."
    chosen = choose_slabs(slabs, known, config.pair, config.broken, advice)
    assumption_note(config.pair)
    references, methods = read_methods(config, [*slabs, *known])
    check_potentials(config.crystals, oxygen_range(references))
    check_writable(config.out)
    own = title_of(slabs, config.structures)
    diagram = rank_chosen(chosen, references, own, methods)
    write_diagram(config.out, diagram, config.pressures)
    if config.map:
        draw_phase_maps(config, diagram.panels, diagram.limits, diagram.crossings)
    add_crystals(config, diagram.panels)
    return stable_table(diagram.panels)


def write_diagram(
    out: Path, diagram: PhaseDiagram, pressures: Sequence[float] = (1.0, 1e-12)
) -> None:
    """Write the table, the stable slabs and the picture, and print who is stable where.

    Args:
        out: Folder.
        diagram: `PhaseDiagram`; of several methods two more tables are written.
        pressures: Two pressures of O2 for the axes of temperature, bar.
    """
    check_writable(out)
    rows, limits, titles = diagram.rows, diagram.limits, diagram.titles
    several = len(titles) > 1
    metal = diagram.references.species[0]
    write_phase_diagram_table(out / "phase_diagram.csv", rows, limits, several, metal)
    if several:
        write_methods(out, rows, limits)
        write_crossings(out, diagram.crossings, titles)
    stable = []
    for row in (row for group in diagram.panels.values() for row in group if row.stable):
        (slab,) = copies([row.slab])
        slab.info |= dict(zip(("stable_from", "stable_to"), row.stable or (), strict=True))
        stable.append(slab)
    write_frames(out / STABLE, stable)
    diagram.plot(out / "phase_diagram.png", pressures)
    print_report(out, diagram)
    if several:
        report_methods(rows, diagram.crossings, titles)


def write_phase_diagram_table(
    path: Path, rows: Iterable[Row], limits: tuple[float, float], several: bool, metal: str
) -> None:
    """Write a row for each slab; of `several` methods, how far they are apart as well."""
    head = (
        f"name facet known {metal} O excess_O area_A2 gamma_O_poor_meV_A2 gamma_O_rich_meV_A2 "
        "slope_per_A2 faces stable_from_eV stable_to_eV doubtful_from_eV".split()
    )
    with table_writer(path) as writer:
        writer.writerow([*head, *(SPREAD_COLUMNS if several else ())])
        for row in rows:
            writer.writerow(
                [
                    *(row.name, row.facet, row.known, row.num_metal, row.num_oxygen),
                    row.num_oxygen - 2 * row.num_metal,
                    round(row.area, 4),
                    *(round(1000 * row.line(limit), 2) for limit in limits),
                    round(row.line.slope, 6),
                    row.faces,
                    *(np.round(row.stable, 4) if row.stable else ("", "")),
                    "" if row.doubtful_from is None else round(row.doubtful_from, 4),
                    *(spread_cells(row, limits) if several else ()),
                ]
            )
