"""What `discover` found: ranking, phase diagram, hand-off to DFT and the page."""

import os
from typing import NamedTuple

from keras_ruo2 import __version__
from keras_ruo2.commands.discover_tables import LOWEST, describe_best, distance, rank_again
from keras_ruo2.commands.phase_diagram import main as phase_diagram
from keras_ruo2.commands.phase_diagram_input import method_of, named
from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.discovery.folder import SETTINGS, read_settings
from keras_ruo2.discovery.funnel import count, first, flag, moved, ranked, word
from keras_ruo2.discovery.handoff import write_inputs
from keras_ruo2.discovery.page import NAMES, write_page
from keras_ruo2.discovery.ranking import STABLE_RANGE, rank
from keras_ruo2.errors import ConfigError
from keras_ruo2.paths import shown
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.frames import write_frames
from keras_ruo2.tables import Writer
from keras_ruo2.thermodynamics import References, known_references, oxygen_poor_limit


class Results(NamedTuple):
    """What became of a method's structures.

    Args:
        method: Its name.
        screened: Every structure after the first screening.
        relaxed: Every relaxed structure after the second one.
    """

    method: str
    screened: list
    relaxed: list


def report(config, results, known):
    """Rank what is left of every method and write ranking.csv, POSCAR folders and report.html.

    Args:
        config: `DiscoverConfig`.
        results: `Results` of each method.
        known: The reference slabs.
    """
    notes = []
    left = [atoms for found in results for atoms in found.relaxed if ranked(atoms) and first(atoms)]
    comparable, rows, references, limits = [], [], None, (LOWEST, 0.0)
    if left:
        comparable, rows, references, limits = rank_all(config, left, known, notes)
    else:
        notes.append("No structure was valid after relaxing: there is nothing to rank.")
    handed = [row.atoms for row in rows if row.above <= STABLE_RANGE]
    folders = write_inputs(config.out / "poscar", handed, config.out, config.pair)
    write_ranking(config.out / "ranking.csv", rows, limits, folders)
    pictures = draw_pictures(config, results, comparable, notes)
    again, dft_pictures = rank_again(config, handed, rows, notes) if config.dft else ([], [])
    own, others = describe_best(config, results, (rows, comparable, references), limits)
    methods = {found.method: funnel_of(found) for found in results}
    content = {
        "title": f"Structures discovered with {config.run or config.samples}",
        "summary": summary(methods, rows, folders),
        "methods": methods,
        "pictures": pictures + dft_pictures,
        "best": own,
        "others": others,
        "shown": config.shown,
        "notes": notes,
        "provenance": provenance(config),
        "dft": again,
        "species": config.pair,
    }
    write_page(config.out / "report.html", content)
    print(f"\n{content['summary']}\n{shown(config.out / 'report.html')} shows it all.")


def rank_all(config, left, known, notes):
    """Rank what is left beside the known slabs, as far as they are of one calculator.

    Returns:
        `(comparable, rows, references, limits)`: known slabs of the same calculator, `Ranked`
        structures, the calculator's `References` and the ends of dmu_O, eV.
    """
    method = method_of(left[0])
    references = references_of(config, method)
    comparable = [slab for slab in known if method_of(slab) == method]
    if not comparable:
        notes.append(
            f"The known slabs are by another calculator than {named(method)}: structures are "
            "compared with each other only, and the best one of each facet is 0 above itself. "
            "Relax the known slabs with it and give them as --reference."
        )
    poor = oxygen_poor_limit(references)
    limits = (LOWEST if poor is None else poor, 0.0)
    return comparable, rank(left, comparable, references, limits), references, limits


def references_of(config, method):
    """Return the `References`: given, or those known for the calculator, or `None`."""
    if config.bulk_energy is not None:
        given = (config.bulk_energy, config.oxygen_energy, config.metal_energy)
        return References(*given, config.pair)
    return known_references(method, config.pair)


def funnel_of(found):
    """Return the counts, reasons and the median RMSD of a method."""
    counts, reasons = count(found.screened, found.relaxed)
    return {"counts": counts, "reasons": reasons, "moved": moved(found.relaxed)}


def write_ranking(path, rows, limits, folders):
    """Write a row for every ranked structure, the best first; energies in meV/Å^2."""
    partial = path.with_name(f".{path.name}.partial")
    with open(partial, "w", newline="") as file:
        writer = Writer(file)
        writer.writerow(
            "rank name method formula facet above_meV_A2 at_dmu_O_eV gamma_O_poor_meV_A2 "
            "gamma_O_rich_meV_A2 novel matched rmsd_A energy_eV calculator poscar".split()
        )
        for number, row in enumerate(rows):
            info = row.atoms.info
            writer.writerow(
                [
                    number + 1,
                    info["name"],
                    info["method"],
                    row.atoms.get_chemical_formula(),
                    info.get("facet", ""),
                    round(1000 * row.above, 2),
                    round(row.best_at, 3),
                    *(round(1000 * row.line(limit), 2) for limit in limits),
                    flag(row.atoms, "novel"),
                    word(row.atoms, "matched"),
                    info["rmsd"],
                    round(potential_energy(row.atoms), 5),
                    info["calculator"],
                    folders[number] if number < len(folders) else "",
                ]
            )
    os.replace(partial, path)


def draw_pictures(config, results, comparable, notes):
    """Return pictures with captions: samples, and the phase diagram of the generator's slabs."""
    pictures = []
    samples = config.out / "generated" / "pictured.png"
    if samples.exists():
        pictures.append((samples, "Generated grids, their highest densities along y and along z."))
    survivors = [atoms for atoms in results[0].relaxed if ranked(atoms) and first(atoms)]
    if not survivors:
        notes.append("None of the generator's structures is left for a phase diagram.")
        return pictures
    folder = config.out / "phase_diagram"
    written = config.out / "generated" / "survivors.extxyz"
    write_frames(written, survivors)
    energies = ("bulk_energy", "oxygen_energy", "metal_energy")
    given = {name: getattr(config, name) for name in energies}
    beside = {"reference": config.reference} if comparable else {}
    beside["species"] = ",".join(config.pair)
    try:
        phase_diagram(PhaseDiagramConfig(structures=written, out=folder, **given, **beside))
    except ConfigError as error:
        notes.append(f"No phase diagram: {error}")
        return pictures
    caption = "Surface free energies of the generator's relaxed slabs, known slabs dotted."
    return [(folder / "phase_diagram.png", caption), *pictures]


def summary(methods, rows, folders):
    """Return what came of it, in a few sentences."""
    parts = []
    for name, found in methods.items():
        counts = found["counts"]
        parts.append(
            f"{NAMES[name]}: of {counts['drawn']} drawn {counts['valid']} are valid, of "
            f"{counts['chosen']} relaxed {counts['valid_after']}, {counts['novel_after']} of them "
            "novel."
        )
    own = [row for row in rows if row.atoms.info["method"] == next(iter(methods))]
    best = ""
    if own:
        best = (
            f" The generator's best, {own[0].atoms.info['name']}, comes to lie {distance(own[0])}."
        )
    return " ".join(parts) + best + f" {len(folders)} handed over to DFT."


def provenance(config):
    """Return the settings and inputs as texts."""
    begun = read_settings(config.out / SETTINGS)
    settings = {name: value for name, value in begun["config"].items() if value is not None}
    told = " ".join(f"--{name}={value}" for name, value in settings.items())
    inputs = {f"Checksum of {name}": text for name, text in begun["inputs"].items()}
    return {"Command": f"python -m keras_ruo2 discover {told}", **inputs, "keras_ruo2": __version__}
