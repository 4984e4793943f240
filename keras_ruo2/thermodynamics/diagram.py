"""A phase diagram as a value: its rows, its stable slabs and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.validity import broken
from keras_ruo2.thermodynamics.methods import slab_keys
from keras_ruo2.thermodynamics.phase_diagram import rank_rows, temperature_axis
from keras_ruo2.thermodynamics.references import (
    check_vacuum,
    common_method,
    method_text,
    usable_slabs,
)
from keras_ruo2.thermodynamics.rows import Row, by_facet, stable_rows
from keras_ruo2.thermodynamics.surface import References, known_references, oxygen_range

if TYPE_CHECKING:
    from keras_ruo2.plotting.style import Figure

ADVICE = "To leave out what cannot be used: skip_damaged=True"


@dataclass(frozen=True)
class PhaseDiagram:
    """Slabs ranked by their surface free energy.

    Args:
        rows: A `Row` of each slab.
        limits: O-poor and O-rich limit of dmu_O, eV.
        references: `References` that the energies are relative to.
        method: Calculator and correction of the energies.
    """

    rows: tuple[Row, ...]
    limits: tuple[float, float]
    references: References
    method: tuple[str, str]

    @property
    def stable(self) -> dict[str, list[Row]]:
        """Facets and their stable rows, from the O-poor to the O-rich limit."""
        return {facet: stable_rows(group) for facet, group in by_facet(list(self.rows)).items()}

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
        figure = phase_diagram.draw_phase_diagram(by_facet(list(self.rows)), self.limits, axes)
        if path is not None:
            style.save_figure(figure, Path(path), self.references.species)
        return figure


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
    sets = {"slabs": slabs, "known": known} if known else {"slabs": slabs}
    pairs = [
        (slab, name == "known")
        for name, structures in sets.items()
        for slab in usable_slabs(name, copies(structures), skip_damaged, advice=ADVICE)
    ]
    given = [slab for slab, _ in pairs]
    check_vacuum(given, species)
    method = common_method(given)
    found = references or known_references(method, species)
    if found is None:
        raise ConfigError(
            f"No reference energies are known for the calculator {method_text(method)}. Give "
            "references=References(bulk, oxygen, metal) by it, in eV."
        )
    kept = [
        (key, *pair)
        for key, pair in zip(slab_keys(given), pairs, strict=True)
        if keep_broken or not broken(pair[0])
    ]
    if not kept:
        raise ConfigError(f"All {len(pairs)} slabs are broken. keep_broken=True shows them anyway.")
    limits = oxygen_range(found)
    rows, _ = rank_rows(kept, found, limits, method)
    return PhaseDiagram(tuple(rows), limits, found, method)


def copies(slabs: Sequence[Atoms]) -> list[Atoms]:
    """Return copies that still have their energies."""
    found = []
    for slab in slabs:
        copied = slab.copy()
        copied.calc = slab.calc
        found.append(copied)
    return found
