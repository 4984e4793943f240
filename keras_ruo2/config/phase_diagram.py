"""The configuration of `phase_diagram`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from keras_ruo2.config.base import FLAGS_BEFORE, Config
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import BUNDLED_STRUCTURES, check_structures, path_of
from keras_ruo2.species import DEFAULT, check_oxide

STABLE = "stable.extxyz"  # the stable slabs, in --out
TEMPERATURES = (100.0, 1500.0)  # K, of the table of O2
PRESSURES = (1e-30, 1e3)  # bar; beyond the higher one O2 is no ideal gas


def check_ends(name: str, ends: Sequence[float], bounds: tuple[float, float], unit: str) -> None:
    """Raise `ConfigError` unless `ends` are two ascending numbers within `bounds`."""
    numbers = len(ends) == 2 and all(type(end) in (int, float) for end in ends)
    if not numbers or not bounds[0] <= ends[0] < ends[1] <= bounds[1]:
        raise ConfigError(
            f"--{name}={','.join(map(str, ends))}: expected two ascending numbers in {unit} within "
            f"{bounds[0]:g} to {bounds[1]:g}."
        )


@dataclass(frozen=True, kw_only=True)
class PhaseDiagramConfig(Config):
    """Rank slabs by their surface free energy against the chemical potential of oxygen.

    Writes phase_diagram.csv (a row for every slab), stable.extxyz (the stable ones) and
    phase_diagram.png (a panel for each facet; temperatures at two pressures) into --out; with
    --wulff also wulff.csv (surface free energy and share of each facet) and wulff.png.

    A slab with two different faces is given by its upper one if its `facet` and `termination` name
    a slab with two equal faces in the same files, which then stands for its lower face; else by the
    mean of both, which never lies below the better one.

    With --compare the same slabs by other calculators or models give the diagram error bars: bands
    from the lowest to the highest surface free energy, each by its own references, and how far
    apart the methods see the stable structures change. Then methods.csv (every slab by every
    method) and crossings.csv are written as well.

    Args:
        structures: Slabs with energies, any file that ASE reads, or a folder or pattern of such,
            e.g. 'runs/*/relaxed.extxyz'.
        compare: The same slabs, found by their names, with energies of another calculator or model
            (or of DFT); several files, folders or patterns with commas.
        known: Known slabs to draw beside them, e.g. those of the training.
        references: Bulk RuO2, an O2 molecule and, if wished, hcp Ru, each with its energy by the
            slabs' calculator; those of --compare's calculators in the same file. Not needed where
            the calculator's references are known (CHGNet, SevenNet's models of PBE).
        species: Metal and anion of another rutile oxide, e.g. Ir,O; bulk RuO2 and hcp Ru below
            are then that oxide and its metal.
        bulk_energy: Of bulk RuO2 instead, eV per formula unit.
        oxygen_energy: Of half an O2 molecule, eV, together with it.
        metal_energy: Of hcp Ru, eV per atom: where the O-poor limit lies.
        pressures: Two pressures of O2 for the axes of temperature, bar.
        map: Also draw the stable terminations against temperature and pressure of O2 (map.png),
            write temperatures of the boundaries (map.csv), and say how large what is left out is.
        map_temperatures: Ends of its axis of temperature, K, within 100 to 1500.
        map_pressures: Ends of its axis of pressure, bar.
        wulff: dmu_O at which to draw the shape of a crystal in equilibrium, eV; several with
            commas, e.g. -1.5,-0.5. Only facets of the given slabs can appear.
        broken: Keep slabs with peroxo groups, floating O or disconnected layers.
        skip_damaged: Leave out structures whose numbers cannot be meant (atoms on top of each
            other, energies that are not finite, absurd cells), and list them, instead of ending.
        out: Folder of the results.
        json: Print who is stable where as JSON; all else that is said goes to standard error.
    """

    RENAMED: ClassVar[dict[str, str]] = FLAGS_BEFORE
    structures: Path = BUNDLED_STRUCTURES
    compare: str = ""
    known: Path | None = None
    references: Path | None = None
    species: str = DEFAULT
    bulk_energy: float | None = None
    oxygen_energy: float | None = None
    metal_energy: float | None = None
    pressures: tuple[float, ...] = (1.0, 1e-12)
    map: bool = False
    map_temperatures: tuple[float, ...] = (300.0, 1300.0)
    map_pressures: tuple[float, ...] = (1e-14, 100.0)
    wulff: tuple[float, ...] | float = ()
    broken: bool = False
    skip_damaged: bool = False
    out: Path
    json: bool = False

    def validate(self) -> None:
        for name in ("structures", "known", "references"):
            if getattr(self, name) is not None:
                check_structures(name, getattr(self, name), self.out / STABLE)
        check_oxide(self.pair, "surface free energies are relative to")
        for path in self.compared:
            check_structures("compare", path, self.out / STABLE)
        if self.compared and self.bulk_energy is not None:
            raise ConfigError(
                "--bulk_energy is of one calculator. With --compare give --references, a file with "
                "those of each."
            )
        if (self.bulk_energy is None) != (self.oxygen_energy is None):
            raise ConfigError("--bulk_energy and --oxygen_energy belong together. Give both.")
        if self.metal_energy is not None and self.bulk_energy is None:
            raise ConfigError("--metal_energy goes with --bulk_energy and --oxygen_energy.")
        if self.references is not None and self.bulk_energy is not None:
            raise ConfigError("--references and --bulk_energy exclude each other. Give one.")
        numbers = all(type(value) in (int, float) and value > 0 for value in self.pressures)
        if not numbers or len(self.pressures) != 2:
            raise ConfigError(f"--pressures={self.pressures}: expected two, in bar, e.g. 1,1e-12.")
        check_ends("map_temperatures", self.map_temperatures, TEMPERATURES, "K")
        check_ends("map_pressures", self.map_pressures, PRESSURES, "bar")
        if any(type(value) not in (int, float) for value in self.crystals):
            raise ConfigError(f"--wulff={self.wulff}: expected dmu_O in eV, e.g. -1.5,-0.5.")

    @property
    def compared(self) -> tuple[Path, ...]:
        """The files of --compare, as a tuple."""
        return tuple(path_of(name.strip()) for name in self.compare.split(",") if name.strip())

    @property
    def crystals(self) -> tuple[float, ...]:
        """The values of --wulff, one or several, as a tuple."""
        return self.wulff if isinstance(self.wulff, tuple) else (self.wulff,)
