"""Maps of `phase_diagram`: temperature against pressure of O2, and the size of what they leave out.

What is left out of every surface free energy, and is estimated here by its size:

- Vibrations of the O that one termination has and the other lacks, less half the zero-point energy
  of the O2 that it came from. An Einstein crystal of `MODES` says how far they move a crossing;
  modes of Ru and of the crystal are taken to cancel.
- Configurational entropy: a crossing is where half of the sites are taken. Independent sites are
  taken by 10 to 90 % within 2.2 kT of it, and the mixture is at most kT ln 2 a site more stable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.io import messages
from keras_ruo2.io.tables import table_writer
from keras_ruo2.plotting import phase_map, style
from keras_ruo2.thermodynamics.methods import Crossing
from keras_ruo2.thermodynamics.oxygen_gas import (
    BOLTZMANN,
    oxygen_potential,
    temperature_of,
    vibrational_energy,
)
from keras_ruo2.thermodynamics.rows import Row, stable_ranges

# eV. Raman lines of RuO2's O sublattice lie at 65 to 89 meV (Eg, A1g, B2g), modes of O on top of Ru
# along the surface lower; three equal modes of these energies enclose them.
MODES = (0.04, 0.08)
GAS_ZERO_POINT = 0.049  # eV an O atom: O2's 1,580 cm^-1 are 0.196 eV, half of it for two atoms
KELVINS = (300, 600, 900)  # at which sizes are told
TENTH_OF_SITES = float(np.log(9))  # of kT, from half to a tenth of independent sites taken
RESOLUTION = 240  # points of a map along an axis


def draw_phase_maps(
    config: PhaseDiagramConfig,
    panels: Mapping[str, Sequence[Row]],
    limits: tuple[float, float],
    crossings: Sequence[Crossing],
) -> None:
    """Write map.csv and map.png and print the size of the missing terms.

    Args:
        config: `PhaseDiagramConfig`.
        panels: Dict of facets to rows of `phase_diagram`, of which the stable ones are known.
        limits: Ends of dmu_O, eV.
        crossings: What `methods.method_agreement` returns, of all facets.
    """
    write_boundaries(config.out / "map.csv", crossings, config.pressures)
    coldest, hottest = config.map_temperatures
    lowest, highest = np.log10(config.map_pressures)
    temperatures = np.linspace(coldest, hottest, RESOLUTION)
    decades = np.linspace(lowest, highest, RESOLUTION)
    potentials = potentials_of(temperatures, decades)
    drawn = {
        facet: {
            "stable": [(*ends, row.label, row.line.slope) for row, ends in stable_ranges(group)],
            "spreads": [
                (min(entry.at.values()), max(entry.at.values()))
                for entry in crossings
                if entry.first.facet == facet and len(entry.at) > 1
            ],
        }
        for facet, group in panels.items()
    }
    figure = phase_map.maps(drawn, temperatures, decades, potentials, limits)
    style.save_figure(figure, config.out / "map.png", config.pair)
    report_missing(panels)


def potentials_of(
    temperatures: NDArray[np.float64], decades: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return dmu_O, eV, shape `(len(temperatures), len(decades))`; `decades` is log10(p / bar)."""
    standard = oxygen_potential(temperatures, 1.0)
    return standard[:, None] + BOLTZMANN * temperatures[:, None] * np.log(10) * decades / 2


def write_boundaries(path: Path, crossings: Iterable[Crossing], pressures: Sequence[float]) -> None:
    """Write where stable structures give way to each other: dmu_O, and temperatures at pressures.

    Low and high are the ends of what all methods say; of one method they are left empty.
    """
    ends = [f"T_{end}K_at_{p:g}_bar" for p in pressures for end in ("", "low_", "high_")]
    with table_writer(path) as writer:
        writer.writerow(["facet", "first", "second", "dmu_O_eV", "low_eV", "high_eV", *ends])
        for entry in crossings:
            at, several = entry.where, len(entry.at) > 1
            low, high = (end(entry.at.values()) if several else None for end in (min, max))
            # a lower chemical potential is that of a higher temperature
            values = [kelvin(mu, p) for p in pressures for mu in (at, high, low)]
            told = [entry.first.facet, entry.first.name, entry.second.name]
            numbers = ["" if value is None else round(value, 4) for value in (at, low, high)]
            writer.writerow([*told, *numbers, *values])


def kelvin(delta_mu_o: float | None, pressure: float) -> int | str:
    """Return the temperature of a dmu_O as the table has it, empty where there is none."""
    found = np.nan if delta_mu_o is None else temperature_of(delta_mu_o, pressure)
    return "" if np.isnan(found) else round(found)


def vibrational_shift(temperature: float) -> tuple[float, float]:
    """Return by how much dmu_O of a crossing moves at least and at most, eV.

    A termination with more O is stable from a higher dmu_O on if it is positive.
    """
    shifts = [3 * vibrational_energy(mode, temperature) - GAS_ZERO_POINT for mode in MODES]
    return min(shifts), max(shifts)


def report_missing(panels: Mapping[str, Sequence[Row]]) -> None:
    """Print what surface free energies leave out, and its size."""
    shifts = [vibrational_shift(each) for each in KELVINS]
    told = ", ".join(
        f"{low:+.2f} to {high:+.2f} eV at {each} K"
        for each, (low, high) in zip(KELVINS, shifts, strict=True)
    )
    low, high = (1000 * each for each in MODES)
    messages.info(
        f"Left out: vibrations of added O (three modes of {low:.0f} to {high:.0f} meV, less O2's "
        f"zero-point energy), which move a crossing by {told};"
    )
    widths = ", ".join(
        f"{TENTH_OF_SITES * BOLTZMANN * each:.2f} eV at {each} K" for each in KELVINS
    )
    areas = [row.area for group in panels.values() for row in group]
    gain = 1000 * BOLTZMANN * KELVINS[1] * np.log(2) / min(areas)
    messages.info(
        "configurations, which spread it (10 to 90 % of independent sites taken) to either side "
        f"by {widths} and lower energies by {gain:.1f} meV/Å^2 a site at {KELVINS[1]} K at most."
    )
