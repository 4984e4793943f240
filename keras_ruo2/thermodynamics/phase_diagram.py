"""`phase_diagram`: surface free energies against the chemical potential of oxygen."""

from collections import Counter
from dataclasses import replace

import numpy as np

from keras_ruo2.config.phase_diagram import STABLE
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.tables import table_writer
from keras_ruo2.plotting import phase_diagram, style
from keras_ruo2.species import assumption_note
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.faces import equal_faces
from keras_ruo2.structure.facets import facet_in
from keras_ruo2.structure.terminations import termination_of
from keras_ruo2.structure.validity import broken
from keras_ruo2.thermodynamics.methods import (
    SPREAD_COLUMNS,
    add_lines,
    method_agreement,
    ranges_by_method,
    read_methods,
    report_methods,
    slab_keys,
    spread_cells,
    title_of,
    write_crossings,
    write_methods,
)
from keras_ruo2.thermodynamics.oxygen_gas import oxygen_potential
from keras_ruo2.thermodynamics.phase_map import draw_phase_maps
from keras_ruo2.thermodynamics.references import (
    check_vacuum,
    common_method,
    read_slabs,
)
from keras_ruo2.thermodynamics.report import (
    EQUAL,
    MEAN,
    UPPER,
    mark_doubtful,
    print_report,
    stable_table,
)
from keras_ruo2.thermodynamics.rows import Row, by_facet
from keras_ruo2.thermodynamics.surface import (
    area,
    lower_envelope,
    oxidised_error,
    oxygen_poor_limit,
    oxygen_range,
    surface_line,
    upper_face,
)
from keras_ruo2.thermodynamics.wulff_shapes import add_crystals, check_potentials

SAME_FACE = 0.005  # eV/Å^2, as far as taking a lower face out of a thin slab can be trusted
SAME_SLOPE = 1e-4  # Å^-2, far less than an O atom per surface cell
SAME_EXCESS = 1 / 6  # O per cell; a bond more or less counts a third
LONGEST_LABEL = 40  # characters; of longer terminations the slab's name is shown
TICKS = (300, 600, 900, 1200, 1500)  # K


def main(config):
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
    slabs = [(slab, False) for slab in read_slabs(config.structures, config.skip_damaged)]
    if config.known:
        slabs += [(slab, True) for slab in read_slabs(config.known, config.skip_damaged)]
    given = [slab for slab, _ in slabs]
    check_vacuum(given, config.pair)
    assumption_note(config.pair)
    method = common_method(given)
    references, methods = read_methods(config, given)
    limit = oxygen_poor_limit(references)
    limits = oxygen_range(references)
    check_potentials(config.crystals, limits)
    check_writable(config.out)
    entries = zip(slab_keys(given), slabs, strict=True)
    kept = [(key, *pair) for key, pair in entries if config.broken or not broken(pair[0])]
    if not kept:
        raise ConfigError(f"All {len(slabs)} slabs are broken. Add --broken to see them anyway.")
    own = title_of(given, config.structures)
    rows, crossings = rank_rows(kept, references, limits, method, own, methods)
    panels = by_facet(rows)
    titles = [own, *(each.title for each in methods)]
    write_results(config, rows, panels, limits, crossings, titles)
    print_report(config.out, rows, panels, len(slabs) - len(kept), method, references, limit)
    if methods:
        report_methods(rows, crossings, titles)
    if config.map:
        draw_phase_maps(config, panels, limits, crossings)
    add_crystals(config, panels)
    return stable_table(panels)


def rank_rows(kept, references, limits, method, own="", methods=()):
    """Rank slabs by their surface free energy.

    Args:
        kept: List of `(key, slab, known)`, whole slabs with energies.
        references: `References`.
        limits: Ends of dmu_O, eV.
        method: Calculator and correction of the energies.
        own: Title of that calculator.
        methods: List of `Method`, whose energies of the same slabs are compared.

    Returns:
        `(rows, crossings)`: a `Row` of each slab; the `method_agreement` of all facets.
    """
    rows = [row_of(key, slab, known, references) for key, slab, known in kept]
    rows = add_lines(separate_faces(rows), own, methods)
    rows, crossings = find_stable(rows, limits, own, methods)
    return mark_doubtful(rows, oxidised_error(method)), crossings


def find_stable(rows, limits, own, methods):
    """Find where rows are the most stable ones of their facet.

    Returns:
        `(rows, crossings)`: the rows with their ranges; the `method_agreement` of all facets.
    """
    ranges, labels, crossings = {}, {}, []
    for group in by_facet(rows).values():
        candidates = [row for row in group if not repeats_another(row, group)]
        for index, start, end in lower_envelope([row.line for row in candidates], *limits):
            ranges[candidates[index].key] = {"stable": (start, end)}
        stable = [row for row in group if row.key in ranges]
        labels |= distinct_labels(stable)
        for key, chosen in ranges_by_method(candidates, limits, own, methods).items():
            ranges.setdefault(key, {})["stable_by"] = chosen
    rows = [
        replace(row, label=labels.get(row.key, row.label), **ranges.get(row.key, {}))
        for row in rows
    ]
    for group in by_facet(rows).values():
        crossings += method_agreement(group, own, methods)
    return rows, crossings


def distinct_labels(stable):
    """Return keys of stable rows and their labels, with the names where several share one."""
    counts = Counter(row.label for row in stable)
    return {
        row.key: row.label if counts[row.label] == 1 else f"{row.label} ({row.name})"
        for row in stable
    }


def row_of(key, slab, known, references):
    """Return the `Row` of a slab before it is compared with others."""
    try:
        line = surface_line(slab, potential_energy(slab), references)
    except ConfigError as error:
        raise ConfigError(f"{slab.info['name']}: {error}") from None
    num_metal = int(np.sum(slab.symbols == references.species[0]))
    facet = facet_in(slab)
    words = ("termination", "variation")
    label = " ".join(str(slab.info[name]) for name in words if name in slab.info)
    return Row(
        key=key,
        name=slab.info["name"],
        facet=facet.name,
        label=label if 0 < len(label) <= LONGEST_LABEL else slab.info["name"],
        known=known,
        line=line,
        faces=EQUAL if equal_faces(slab) else MEAN,
        area=area(slab),
        num_metal=num_metal,
        num_oxygen=len(slab) - num_metal,
        slab=slab,
        contradicted=facet.label if facet.contradicted else "",
    )


def separate_faces(rows):
    """Return rows with the lower face taken out of the mean of two different ones, where known.

    Slabs of one `facet` and `termination` share their lower face: that of the most stable slab
    among them whose faces are equal and hold as much O, counted by bonds. Of a lower face that is
    less relaxed than that one, the difference counts for the upper face, which is then not made to
    look too stable.
    """
    symmetric, separated = {}, []
    for row in sorted((row for row in rows if row.faces == EQUAL), key=lambda row: row.line):
        symmetric.setdefault((row.facet, row.slab.info.get("termination")), []).append(row)
    for row in rows:
        named = row.slab.info.get("termination")
        if row.faces == MEAN and named is not None:
            known = symmetric.get((row.facet, named), [])
            lower = next((other for other in known if lies_below(other, row)), None)
            if lower is not None:
                line = upper_face(row.line, lower.line)
                row = replace(row, line=line, faces=UPPER, lower=lower.key)
        separated.append(row)
    return separated


def lies_below(other, row):
    """Say whether the lower face of `row` holds as much O as a face of `other`."""
    excess = termination_of(row.slab).lower.excess
    return abs(excess + other.line.slope) * row.area < SAME_EXCESS


def repeats_another(row, group):
    """Say whether a face of `row` is, within `SAME_FACE`, that of a slab with two equal faces.

    An O-rich slab with its outermost O gone on one side shows the stoichiometric face once more,
    a little off because of the slab's thickness; it is not a termination of its own.
    """
    return row.faces != EQUAL and any(
        other.faces == EQUAL
        and abs(other.line.slope - row.line.slope) < SAME_SLOPE
        and other.line.intercept < row.line.intercept + SAME_FACE
        for other in group
    )


def write_results(config, rows, panels, limits, crossings, titles):
    """Write the three files, and of several methods two more."""
    out = config.out
    several = len(titles) > 1
    write_phase_diagram_table(out / "phase_diagram.csv", rows, limits, several, config.pair[0])
    if several:
        write_methods(out, rows, limits)
        write_crossings(out, crossings, titles)
    stable = []
    for row in (row for group in panels.values() for row in group if row.stable):
        start, end = row.stable
        row.slab.info |= {"stable_from": start, "stable_to": end}
        stable.append(row.slab)
    write_frames(out / STABLE, stable)
    axes = [temperature_axis(pressure, limits) for pressure in config.pressures]
    marks = [
        (entry["first"].facet, entry["first"].stable[1], entry["first"].line, entry["at"])
        for entry in crossings
        if len(entry["at"]) > 1
    ]
    figure = phase_diagram.draw_phase_diagram(panels, limits, axes, methods=titles, crossings=marks)
    style.save_figure(figure, out / "phase_diagram.png", config.pair)


def write_phase_diagram_table(path, rows, limits, several, metal):
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


def temperature_axis(pressure, limits):
    """Return the title, the places and the labels of an axis of temperatures."""
    places = {kelvin: oxygen_potential(kelvin, pressure) for kelvin in TICKS}
    inside = {kelvin: place for kelvin, place in places.items() if limits[0] <= place <= limits[1]}
    title = f"T (K) at {pressure:g} bar O₂"
    return title, list(inside.values()), [str(kelvin) for kelvin in inside]
