"""Generated slabs by facet and energy class, real ones beside them: a page and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ase import Atoms

from keras_ruo2.discovery.funnel import info_flag, info_text
from keras_ruo2.io.structures import name_of
from keras_ruo2.pages.render import write_html
from keras_ruo2.plotting import gallery as plotting_gallery
from keras_ruo2.plotting import style
from keras_ruo2.plotting.viewer import viewer_data
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.energies import energy_class
from keras_ruo2.structure.facets import facet_in, periodic
from keras_ruo2.structure.repeats import smallest_cell
from keras_ruo2.structure.terminations import termination_of
from keras_ruo2.structure.validity import broken

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.species import Pair


PAGE, PICTURE = "gallery.html", "gallery.png"
NO_SLAB = "no valid slab"
REAL_IN_ROW = 3  # real slabs beside the generated ones of a facet and class
NO_CLASS = -1
NOTHING_ASKED = "no energy class was asked for"


@dataclass(frozen=True)
class Classes:
    """The energy classes of a generator.

    Args:
        names: What each holds, for people; none where the generator is told no classes.
        edges: Their edges, eV per atom; none where classes are no energies.
    """

    names: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()

    def of_energy(self, atoms: Atoms) -> int:
        """Return the class of a real slab, `NO_CLASS` where its energy is not known."""
        energy = potential_energy(atoms)
        if energy is None or not len(self.edges):
            return NO_CLASS
        return int(energy_class(energy / len(atoms), self.edges))

    def name(self, number: int) -> str:
        """Return what a class holds."""
        return self.names[number] if 0 <= number < len(self.names) else NOTHING_ASKED


@dataclass
class Group:
    """Slabs of one facet and energy class.

    Args:
        facet: Name of the facet, or `NO_SLAB`.
        number: Of the class.
        name: What the class holds.
        made: Generated slabs, dicts of `card`.
        real: Real ones.
    """

    facet: str
    number: int
    name: str
    made: list[dict[str, Any]] = field(default_factory=list)
    real: list[dict[str, Any]] = field(default_factory=list)


def gallery_classes(saved: Mapping[str, Any] | None) -> Classes:
    """Return the `Classes` of a run, given what `runs.load` returned; `None` stands for none."""
    if saved is None:
        return Classes()
    names = tuple(saved["data"].get("class_names", ()))
    by_energy = bool(names) and saved["resolved"].get("label_by") == "energy"
    return Classes(names, tuple(saved["data"]["class_edges"]) if by_energy else ())


def group_slabs(
    structures: Sequence[Atoms], known: Sequence[Atoms], classes: Classes
) -> list[Group]:
    """Group generated slabs and put real ones beside them.

    Args:
        structures: `ase.Atoms` as `screen` annotates them, the class that was asked for in
            `info["label"]`.
        known: Real slabs.
        classes: `Classes`.

    Returns:
        List of `Group` by facet and class; slabs that are not valid come last.
    """
    groups: dict[tuple[str, int], Group] = {}
    for number, atoms in enumerate(structures):
        facet = info_text(atoms, "recognised_facet") if info_flag(atoms, "valid") else NO_SLAB
        label = int(atoms.info.get("label", NO_CLASS)) if classes.names else NO_CLASS
        group = groups.setdefault((facet, label), Group(facet, label, classes.name(label)))
        if len(atoms):
            group.made.append(card(atoms, f"generated-{number:04d}", True))
    for number, atoms in enumerate(known):
        if broken(atoms):
            continue
        label = classes.of_energy(atoms) if classes.names else NO_CLASS
        row = groups.get((facet_in(atoms).name, label))
        if row and len(row.real) < min(REAL_IN_ROW, len(row.made)):
            row.real.append(card(atoms, name_of(atoms, number), False))
    filled = [group for group in groups.values() if group.made]
    return sorted(filled, key=lambda group: (group.facet == NO_SLAB, group.facet, group.number))


def card(atoms: Atoms, name: str, is_made: bool) -> dict[str, Any]:
    """Return what the page and the picture say of a slab, and what draws it."""
    slab = smallest_cell(atoms) if is_made and info_flag(atoms, "valid") else atoms
    if is_made and not info_flag(atoms, "valid"):
        faces, said = info_text(atoms, "reasons").replace(" ", ", "), NO_SLAB
    else:
        faces = termination_of(periodic(slab)).label
        said = novelty(atoms) if is_made else "real"
    return {
        "name": name,
        "formula": slab.get_chemical_formula(mode="metal"),
        "faces": faces,
        "said": said,
        "drawing": viewer_data(slab),
    }


def novelty(atoms: Atoms) -> str:
    """Say in a word or two whether a slab is new."""
    if info_flag(atoms, "novel"):
        return "new"
    if info_text(atoms, "matched_by") == "slab":
        return f"as {info_text(atoms, 'matched')}"
    return "known faces" + (", new thickness" if info_flag(atoms, "new_thickness") else "")


def write_gallery(
    folder: Path,
    groups: Sequence[Group],
    *,
    title: str,
    command: str,
    species: Pair,
    file: str = "slabs.extxyz",
) -> Path | None:
    """Write the page and the picture.

    Args:
        folder: Where to.
        groups: Of `group_slabs`.
        title: Of the page.
        command: What made it.
        species: Metal and anion.
        file: Where people find the structures themselves.

    Returns:
        Path of the picture; `None` where no sample holds an atom.
    """
    if not groups:
        return None
    facets: dict[str, list[Group]] = {}
    for group in groups:
        facets.setdefault(group.facet, []).append(group)
    cards = [entry for group in groups for entry in (*group.made, *group.real)]
    for number, entry in enumerate(cards):
        entry["number"] = number
    write_html(
        folder / PAGE,
        "gallery.html",
        title=title,
        summary=gallery_summary(groups),
        facets=facets,
        drawings=[entry["drawing"] for entry in cards],
        command=command,
        species=species,
        file=file,
    )
    valid = {facet: members for facet, members in facets.items() if facet != NO_SLAB}
    style.save_figure(plotting_gallery.gallery(valid or facets), folder / PICTURE, species)
    return folder / PICTURE


def gallery_summary(groups: Sequence[Group]) -> str:
    """Return how many slabs there are, in a sentence."""
    made = [entry for group in groups for entry in group.made]
    valid = [entry for group in groups if group.facet != NO_SLAB for entry in group.made]
    new = sum(entry["said"] == "new" for entry in valid)
    facets = sorted({group.facet for group in groups} - {NO_SLAB})
    return (
        f"{len(made)} generated structures, {len(valid)} of them valid slabs of "
        f"{', '.join(facets) or 'no facet'}, {new} new. As drawn, not relaxed: the energy class is "
        "the one that was asked of the generator. Real slabs stand in the class of their energy."
    )
