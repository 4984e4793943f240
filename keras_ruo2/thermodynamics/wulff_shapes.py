"""Crystal shapes of `phase_diagram`, one for each chemical potential of oxygen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ase import Atoms

from keras_ruo2.config import PhaseDiagramConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.paths import shown
from keras_ruo2.io.tables import table_writer
from keras_ruo2.plotting import style, wulff
from keras_ruo2.species import SPECIES, Pair
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.facets import Miller, indices_of
from keras_ruo2.structure.orientation import lattice_of
from keras_ruo2.thermodynamics.oxygen_gas import temperature_of
from keras_ruo2.thermodynamics.rows import Row
from keras_ruo2.thermodynamics.wulff import (
    CrystalFace,
    area_fractions,
    family,
    miller_label,
    wulff_shape,
)

COLUMNS = "dmu_O_eV facet gamma_meV_A2 area_fraction name faces".split()


class Crystal(NamedTuple):
    """A crystal in equilibrium with oxygen.

    Args:
        delta_mu_o: Of the oxygen, eV.
        rows: Dict of families of facets to the row of `phase_diagram` that is most stable there.
        faces: List of `keras_ruo2.thermodynamics.wulff.CrystalFace`.
    """

    delta_mu_o: float
    rows: dict[Miller, Row]
    faces: list[CrystalFace]

    def table(self) -> list[tuple[str, float, float, Row]]:
        """Return `(facet, eV/Å^2, share of the surface, row)`, the largest share first."""
        shares = area_fractions(self.faces)
        found = [
            (miller_label(miller), row.line(self.delta_mu_o), shares.get(miller, 0.0), row)
            for miller, row in self.rows.items()
        ]
        return sorted(found, key=lambda entry: (-entry[2], entry[1]))


def check_potentials(potentials: Iterable[float], limits: tuple[float, float]) -> None:
    """Raise `ConfigError` where RuO2 is not stable at one of `potentials`, eV."""
    for delta_mu_o in potentials:
        if not limits[0] <= delta_mu_o <= limits[1]:
            raise ConfigError(
                f"--wulff={delta_mu_o:g} is outside the diagram. "
                f"Expected {limits[0]:.2f} to {limits[1]:.2f} eV."
            )


def add_crystals(config: PhaseDiagramConfig, panels: Mapping[str, Sequence[Row]]) -> None:
    """Write and report the crystal shapes of --wulff beside a diagram that is written already.

    Raises:
        ConfigError: If a shape does not exist; those that do are written before.
    """
    if not config.crystals:
        return
    crystals, failures = find_crystals(config.crystals, panels, config.pair)
    if crystals:
        write_crystals(config.out, crystals, config.pair)
        report_crystals(crystals, panels)
    if failures:
        raise ConfigError(f"{' '.join(failures)} The diagram is in {shown(config.out)}.")


def find_crystals(
    potentials: Iterable[float], panels: Mapping[str, Sequence[Row]], species: Pair = SPECIES
) -> tuple[list[Crystal], list[str]]:
    """Return a `Crystal` for each of `potentials`, as far as there is one.

    Angles between facets are those of the measured lattice, c / a = 0.691; a calculator's own
    lattice (CHGNet 0.700) changes shares by less than 0.01. Of other oxides the lattice is the
    mean of those inside the slabs.

    Args:
        potentials: dmu_O, eV.
        panels: Dict of facets to their rows, of which the stable ones are known.
        species: Metal and anion.

    Returns:
        `(crystals, failures)`: a list of `Crystal`, and a text for each of the others.

    Raises:
        ConfigError: If the lattice is not known.
    """
    crystals, failures, cell = [], [], crystal_of(panels, species).cell.array
    for delta_mu_o in potentials:
        rows = most_stable(panels, delta_mu_o)
        try:
            energies = {miller: row.line(delta_mu_o) for miller, row in rows.items()}
            crystals.append(Crystal(delta_mu_o, rows, wulff_shape(energies, cell)))
        except ConfigError as error:
            failures.append(f"--wulff={delta_mu_o:g}: {error}")
    return crystals, failures


def crystal_of(panels: Mapping[str, Sequence[Row]], species: Pair) -> Atoms:
    """Return the rutile crystal that slabs are cut out of, as far as its lattice goes."""
    if species == SPECIES:
        return rutile_ruo2()
    each = [lattice_of(row.slab) for group in panels.values() for row in group]
    found = [lattice for lattice in each if lattice]
    if not found:
        raise ConfigError(
            "--wulff: no slab has atoms inside that tell its lattice. Give thicker slabs."
        )
    a, c = np.mean(found, axis=0)
    return rutile_ruo2(a=a, c=c, species=species)


def most_stable(panels: Mapping[str, Sequence[Row]], delta_mu_o: float) -> dict[Miller, Row]:
    """Return the most stable row of each family of facets, as a dict."""
    found: dict[Miller, Row] = {}
    for facet, group in panels.items():
        indices = indices_of(facet)
        if indices is None:
            continue
        name = family(indices)
        inside = [
            row for row in group if row.stable and row.stable[0] <= delta_mu_o <= row.stable[1]
        ]
        inside += [found[name]] if name in found else []
        found[name] = min(inside, key=lambda row: row.line(delta_mu_o))
    return found


def write_crystals(out: Path, crystals: Iterable[Crystal], species: Pair = SPECIES) -> None:
    """Write wulff.csv and wulff.png."""
    with table_writer(out / "wulff.csv") as writer:
        writer.writerow(COLUMNS)
        for crystal in crystals:
            for facet, energy, share, row in crystal.table():
                numbers = (round(1000 * energy, 2), round(share, 5))
                writer.writerow([crystal.delta_mu_o, facet, *numbers, row.name, row.faces])
    figure = wulff.crystals([crystal_drawing(crystal) for crystal in crystals])
    style.save_figure(figure, out / "wulff.png", species)


def crystal_drawing(crystal: Crystal) -> dict[str, object]:
    """Return a crystal as `plotting.wulff.crystals` takes it."""
    kelvin = temperature_of(crystal.delta_mu_o, 1.0)
    at = "" if np.isnan(kelvin) else f"\n{kelvin:.0f} K at 1 bar O₂"
    potential = f"{crystal.delta_mu_o:.2f}".replace("-", "−")
    return {
        "title": rf"RuO$_2$ at $\Delta\mu_\mathrm{{O}}$ = {potential} eV{at}",
        "faces": [
            {"name": miller_label(face.family), "normal": face.normal, "corners": face.corners}
            for face in crystal.faces
        ],
        "table": [(facet, 1000 * energy, share) for facet, energy, share, _ in crystal.table()],
    }


def report_crystals(crystals: Iterable[Crystal], panels: Iterable[str]) -> None:
    """Print the shares of the facets, and which slabs have none."""
    for crystal in crystals:
        shares = [f"{share:.1%} {facet}" for facet, _, share, _ in crystal.table() if share]
        absent = [facet for facet, _, share, _ in crystal.table() if not share]
        without = f" No {', '.join(absent)}." if absent else ""
        messages.info(
            f"Crystal at dmu_O = {crystal.delta_mu_o:.2f} eV: {', '.join(shares)}.{without}"
        )
    others = [facet for facet in panels if indices_of(facet) is None]
    if others:
        messages.info(f"Not in the crystals, for want of Miller indices: {', '.join(others)}.")
