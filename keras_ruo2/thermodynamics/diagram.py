"""A phase diagram as a value: its rows, its stable slabs and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.validity import broken
from keras_ruo2.thermodynamics.methods import Crossing, Method, slab_keys
from keras_ruo2.thermodynamics.oxygen_gas import oxygen_potential
from keras_ruo2.thermodynamics.ranking import rank_rows
from keras_ruo2.thermodynamics.references import (
    check_vacuum,
    common_method,
    method_text,
    usable_slabs,
)
from keras_ruo2.thermodynamics.rows import Key, Row, by_facet, stable_rows
from keras_ruo2.thermodynamics.surface import References, known_references, oxygen_range

if TYPE_CHECKING:
    from keras_ruo2.plotting.style import Figure

ADVICE = "To leave out what cannot be used: skip_damaged=True"
TICKS = (300, 600, 900, 1200, 1500)  # K


@dataclass(frozen=True)
class PhaseDiagram:
    """Slabs ranked by their surface free energy.

    Args:
        rows: A `Row` of each slab.
        limits: O-poor and O-rich limit of dmu_O, eV.
        references: `References` that the energies are relative to.
        method: Calculator and correction of the energies.
        titles: Names of the methods that are compared, that of the energies themselves first.
        crossings: What `methods.method_agreement` says of all facets.
        num_broken: Slabs that were left out.
    """

    rows: tuple[Row, ...]
    limits: tuple[float, float]
    references: References
    method: tuple[str, str]
    titles: tuple[str, ...] = ()
    crossings: tuple[Crossing, ...] = ()
    num_broken: int = 0

    @property
    def panels(self) -> dict[str, list[Row]]:
        """Facets and their rows."""
        return by_facet(self.rows)

    @property
    def stable(self) -> dict[str, list[Row]]:
        """Facets and their stable rows, from the O-poor to the O-rich limit."""
        return {facet: stable_rows(group) for facet, group in self.panels.items()}

    def plot(
        self, path: str | Path | None = None, pressures: Sequence[float] = (1.0, 1e-12)
    ) -> Figure:
        """Draw a panel for each facet.

        Args:
            path: Where to save the picture, if wished.
            pressures: Of O2, bar, for the axes of temperature.

        Returns:
            matplotlib figure.
        """
        from keras_ruo2.plotting import phase_diagram, style

        axes = [temperature_axis(pressure, self.limits) for pressure in pressures]
        marks = [
            (crossing.first.facet, crossing.where, crossing.first.line, crossing.at)
            for crossing in self.crossings
            if len(crossing.at) > 1
        ]
        figure = phase_diagram.draw_phase_diagram(
            self.panels, self.limits, axes, methods=self.titles, crossings=marks
        )
        if path is not None:
            style.save_figure(figure, Path(path), self.references.species)
        return figure


class Chosen(NamedTuple):
    """Slabs of one method that can be ranked.

    Args:
        kept: `(key, slab, known)` of each.
        method: Calculator and correction of their energies.
        num_broken: Slabs that were left out.
    """

    kept: list[tuple[Key, Atoms, bool]]
    method: tuple[str, str]
    num_broken: int


def choose_slabs(
    slabs: Sequence[Atoms],
    known: Sequence[Atoms],
    species: tuple[str, str],
    keep_broken: bool = False,
    advice: str = "keep_broken=True shows them anyway.",
) -> Chosen:
    """Return the slabs that can be ranked with each other.

    Args:
        slabs: What `references.usable_slabs` returned.
        known: The same, of slabs to show beside them.
        species: Metal and anion.
        keep_broken: Keep slabs with peroxo groups, floating O or disconnected layers.
        advice: What to do where all are broken, for the message.

    Raises:
        ConfigError: If one is no slab, their energies are of several calculators, or none is left.
    """
    given = [*slabs, *known]
    check_vacuum(given, species)
    kept = [
        (key, slab, number >= len(slabs))
        for number, (key, slab) in enumerate(zip(slab_keys(given), given, strict=True))
        if keep_broken or not broken(slab)
    ]
    if not kept:
        raise ConfigError(f"All {len(given)} slabs are broken. {advice}")
    return Chosen(kept, common_method(given), len(given) - len(kept))


def rank_chosen(
    chosen: Chosen, references: References, own: str = "", methods: Sequence[Method] = ()
) -> PhaseDiagram:
    """Return the `PhaseDiagram` of slabs.

    Args:
        chosen: What `choose_slabs` returned.
        references: Of their calculator.
        own: Title of that calculator.
        methods: Whose energies of the same slabs are compared.
    """
    limits = oxygen_range(references)
    rows, crossings = rank_rows(chosen.kept, references, limits, chosen.method, own, methods)
    titles = (own, *(method.title for method in methods))
    measured = (tuple(rows), limits, references, chosen.method)
    return PhaseDiagram(*measured, titles, tuple(crossings), chosen.num_broken)


def rank_slabs(
    slabs: Sequence[Atoms],
    known: Sequence[Atoms] = (),
    *,
    references: References | None = None,
    species: tuple[str, str] = SPECIES,
    keep_broken: bool = False,
    skip_damaged: bool = False,
) -> PhaseDiagram:
    """Return the `PhaseDiagram` of slabs; see `keras_ruo2.phase_diagram`."""
    own = usable_slabs("slabs", copies(slabs), skip_damaged, advice=ADVICE)
    beside = usable_slabs("known", copies(known), skip_damaged, advice=ADVICE) if known else []
    chosen = choose_slabs(own, beside, species, keep_broken)
    found = references or known_references(chosen.method, species)
    if found is None:
        raise ConfigError(
            f"No reference energies are known for the calculator {method_text(chosen.method)}. "
            "Give references=References(bulk, oxygen, metal) by it, in eV."
        )
    return rank_chosen(chosen, found)


def copies(slabs: Sequence[Atoms]) -> list[Atoms]:
    """Return copies that still have their energies."""
    found = []
    for slab in slabs:
        copied = slab.copy()
        copied.calc = slab.calc
        found.append(copied)
    return found


def temperature_axis(
    pressure: float, limits: tuple[float, float]
) -> tuple[str, list[float], list[str]]:
    """Return the title, the places and the labels of an axis of temperatures."""
    places = {kelvin: oxygen_potential(kelvin, pressure) for kelvin in TICKS}
    inside = {kelvin: place for kelvin, place in places.items() if limits[0] <= place <= limits[1]}
    title = f"T (K) at {pressure:g} bar O₂"
    return title, list(inside.values()), [str(kelvin) for kelvin in inside]
