"""What `discover` found: ranking, phase diagram, hand-off to DFT and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ase import Atoms

from keras_ruo2 import __version__, runs
from keras_ruo2.discovery.funnel import (
    count_stages,
    is_first_of_kind,
    is_rankable,
    median_rmsd,
)
from keras_ruo2.discovery.gallery import gallery_classes, group_slabs, write_gallery
from keras_ruo2.discovery.handoff import write_inputs
from keras_ruo2.discovery.page import NAMES, write_discovery_page
from keras_ruo2.discovery.pictures import draw_discovery_pictures
from keras_ruo2.discovery.ranking import (
    lines_to_beat,
    rank_candidates,
    references_of,
    worth_handing_over,
)
from keras_ruo2.discovery.ranking_table import write_ranking
from keras_ruo2.discovery.tables import (
    GENERATED,
    describe_best,
    distance,
    rank_again,
)
from keras_ruo2.io import messages
from keras_ruo2.io.paths import MODELS, shown
from keras_ruo2.io.workfolder import SETTINGS, read_settings
from keras_ruo2.structure.facets import facet_in, indices_of
from keras_ruo2.thermodynamics.references import method_of, method_text
from keras_ruo2.thermodynamics.surface import LOWEST, oxygen_range

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config import DiscoverConfig
    from keras_ruo2.discovery.ranking import Ranked
    from keras_ruo2.thermodynamics.surface import References


MOST_NAMED = 5  # structures in a note
MOST_SHOWN = 60  # generated structures in the gallery


class Results(NamedTuple):
    """What became of a method's structures.

    Args:
        method: Its name.
        screened: Every structure after the first screening.
        relaxed: Every relaxed structure after the second one.
    """

    method: str
    screened: list[Atoms]
    relaxed: list[Atoms]


def write_report(
    config: DiscoverConfig, results: Sequence[Results], known: Sequence[Atoms]
) -> None:
    """Rank what is left of every method and write ranking.csv, POSCAR folders and report.html.

    Args:
        config: `DiscoverConfig`.
        results: `Results` of each method.
        known: The reference slabs.
    """
    notes: list[str] = []
    left = [
        atoms
        for result in results
        for atoms in result.relaxed
        if is_rankable(atoms) and is_first_of_kind(atoms)
    ]
    comparable, rows, references, limits = rank_all(config, left, known, notes)
    warn_of_unknown_facets(rows, notes)
    near, folders = hand_over(config, rows)
    write_ranking(config.out / "ranking.csv", rows, limits, folders)
    pictures = draw_discovery_pictures(config, results, known, notes)
    add_gallery(config, results[0].screened, known, pictures)
    again, dft_pictures = (
        rank_again(config, config.dft, near, rows, notes) if config.dft else ([], [])
    )
    ranking = (rows, comparable, references)
    own, others = describe_best(config, results, ranking, limits, known)
    lines, beside_known = lines_to_beat([row.atoms for row in rows], comparable, references)
    methods = {result.method: funnel_of(result) for result in results}
    content = {
        "title": f"Structures discovered with {generator_name(config)}",
        "summary": discovery_summary(methods, rows, folders) + rest_sentence(near, folders),
        "methods": methods,
        "pictures": pictures + dft_pictures,
        "best": own,
        "others": others,
        "shown": config.shown,
        "lines": lines,
        "beside_known": beside_known,
        "limits": limits,
        "notes": notes,
        "provenance": provenance(config),
        "dft": again,
        "species": config.pair,
    }
    write_discovery_page(config.out / "report.html", content)
    messages.info(f"\n{content['summary']}\n{shown(config.out / 'report.html')} shows it all.")


def add_gallery(
    config: DiscoverConfig,
    screened: Sequence[Atoms],
    known: Sequence[Atoms],
    pictures: list[tuple[Path, str]],
) -> None:
    """Write the gallery of what the generator drew, and add its picture to `pictures`."""
    folder = config.out / "gallery"
    folder.mkdir(exist_ok=True)
    saved = runs.load(config.run) if config.run else None
    picture = write_gallery(
        folder,
        group_slabs(screened[:MOST_SHOWN], known, gallery_classes(saved)),
        title=f"Slabs of {generator_name(config)}",
        command=provenance(config)["Command"],
        species=config.pair,
        file=f"{GENERATED}/2_screened.extxyz",
    )
    if picture is not None:
        pictures.append((picture, "Generated slabs as drawn, by facet, and real ones."))


def hand_over(config: DiscoverConfig, rows: Sequence[Ranked]) -> tuple[list[Atoms], dict[str, str]]:
    """Write the POSCAR folders of what is worth DFT.

    Returns:
        `(near, folders)`: all structures near to being stable, the new ones first, of which the
        first ones were handed over; dict of their names to folders.
    """
    new, rest = worth_handing_over(rows)
    near = [row.atoms for row in (*new, *rest)]
    handed = near if config.hand_over == "all" else near[: len(new)]
    names = write_inputs(config.out / "poscar", handed, config.out, config.pair)
    known = (atoms.info["name"] for atoms in handed)
    return near, dict(zip(known, names, strict=True))


def rest_sentence(near: Sequence[Atoms], folders: Mapping[str, str]) -> str:
    """Return a sentence on what is near to being stable and was not handed over."""
    number = len(near) - len(folders)
    if not number:
        return ""
    return (
        f" {number} more lie as near to the best known slab, but equal known ones or did not "
        "converge; --hand_over=all hands them over too."
    )


def warn_of_unknown_facets(rows: Sequence[Ranked], notes: list[str]) -> None:
    """Note which structures were compared with slabs of every facet, for want of their own."""
    names = [row.atoms.info["name"] for row in rows if indices_of(facet_in(row.atoms).name) is None]
    if names:
        notes.append(
            f"The facet of {len(names)} structures is not recognised, so that they are compared "
            f"with the known slabs of all facets: {', '.join(names[:MOST_NAMED])}."
        )


def rank_all(
    config: DiscoverConfig, left: Sequence[Atoms], known: Sequence[Atoms], notes: list[str]
) -> tuple[list[Atoms], list[Ranked], References | None, tuple[float, float]]:
    """Rank what is left beside the known slabs, as far as they are of one calculator.

    Returns:
        `(comparable, rows, references, limits)`: known slabs of the same calculator, `Ranked`
        structures, the calculator's `References` (`None` if nothing is left) and the ends of
        dmu_O, eV.
    """
    if not left:
        notes.append("No structure was valid after relaxing: there is nothing to rank.")
        return [], [], None, (LOWEST, 0.0)
    method = method_of(left[0])
    references = references_of(config, method)
    comparable = [slab for slab in known if method_of(slab) == method]
    if not comparable:
        notes.append(
            f"The known slabs are by another calculator than {method_text(method)}: structures are "
            "compared with each other only, and the best one of each facet is 0 above itself. "
            "Relax the known slabs with it and give them as --known."
        )
    limits = oxygen_range(references)
    return comparable, rank_candidates(left, comparable, references, limits), references, limits


def funnel_of(result: Results) -> dict[str, Any]:
    """Return the counts, reasons and the median RMSD of a method."""
    counts, reasons = count_stages(result.screened, result.relaxed)
    return {"counts": counts, "reasons": reasons, "moved": median_rmsd(result.relaxed)}


def discovery_summary(
    methods: Mapping[str, Mapping[str, Any]], rows: Sequence[Ranked], folders: Mapping[str, str]
) -> str:
    """Return what came of it, in a few sentences."""
    parts = []
    for name, funnel in methods.items():
        counts = funnel["counts"]
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


def generator_name(config: DiscoverConfig) -> str:
    """Return what the structures are drawn with, for people: a model's name, a run or a file."""
    if config.run is not None and config.run.parent == MODELS:
        return f"the model {config.run.name}"
    return str(shown(config.run or config.samples or ""))


def provenance(config: DiscoverConfig) -> dict[str, str]:
    """Return the settings and inputs as texts."""
    begun = read_settings(config.out / SETTINGS, config.RENAMED)
    settings = {name: value for name, value in begun["config"].items() if value is not None}
    flags = " ".join(f"--{name}={value}" for name, value in settings.items())
    inputs = {f"Checksum of {name}": text for name, text in begun["inputs"].items()}
    return {
        "Command": f"python -m keras_ruo2 discover {flags}",
        **inputs,
        "keras_ruo2": __version__,
    }
