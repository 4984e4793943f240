"""The configuration of each command. Standard library only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_ruo2.config import Config
from keras_ruo2.config.base import check_new, check_workers
from keras_ruo2.errors import ConfigError, check_choice, check_ending, check_range
from keras_ruo2.io.paths import BUNDLED_STRUCTURES, RemoteFolder, structure_files
from keras_ruo2.options import check_trust
from keras_ruo2.recipes import (
    FEWEST_VOXELS,
    MOST_VOXELS,
    RECIPES,
    TRANSLATIONS,
    VOXEL_STEP,
    Recipe,
)
from keras_ruo2.species import DEFAULT, check_oxide, check_rutile, species_in


@dataclass(frozen=True, kw_only=True)
class GapConfig(Config):
    """Build the small dataset: 148 (1x1) RuO2 slabs of the five low-index facets, with energies.

    Every finished slab is kept in a partial file next to the output, so that an interrupted
    command goes on where it stopped.

    Args:
        out: The structures, one extxyz file.
        calculator: chgnet, sevennet:7net-0, or another of those that relax takes.
        trust: Take mace:FILE. Such a file is a pickle: reading it runs whatever its maker put in.
        species: Metal and anion of another rutile crystal, e.g. Ir,O.
        a: Lattice constant a of rutile in Å. Without it the calculator relaxes the bulk first.
        c: Lattice constant c of rutile in Å, together with --a.
        vacuum: Empty space between a slab and its periodic image, Å.
        count: Number of slabs; the first ones of the plan.
        seed: Seed of the random variations.
        overwrite: Replace an existing output.
    """

    out: Path
    calculator: str = "chgnet"
    trust: bool = False
    species: str = DEFAULT
    a: float | None = None
    c: float | None = None
    vacuum: float = 20.0
    count: int = 148
    seed: int = 100
    overwrite: bool = False

    def validate(self) -> None:
        check_trust(self.calculator, self.trust)
        check_rutile(self.pair, "slabs are cut out of")
        check_range("count", self.count, 1, 148)
        check_range("vacuum", self.vacuum, 5)
        check_range("seed", self.seed, 0)
        check_lattice(self.a, self.c)
        check_ending("out", self.out, (".extxyz",))
        if not self.partial.exists():  # else the command looks at it first
            check_new(self.out, self.overwrite)

    @property
    def partial(self) -> Path:
        """The file of what is finished."""
        return self.out.with_suffix(".partial.extxyz")


@dataclass(frozen=True, kw_only=True)
class BasinHoppingConfig(Config):
    """Search for surface structures by grand-canonical basin hopping; every snapshot is kept.

    A chain runs from every start at every --dmu_o. The slab's upper face is explored: its outer Ru
    planes are displaced and gain and lose O, those below relax along, the rest is frozen. Each
    trial is kept when it is finished: an interrupted command goes on where it stopped, and one
    with more --steps goes on further.

    Args:
        out: The snapshots, one extxyz file; the chains are kept in a folder beside it.
        scheduler: Address of a Dask scheduler whose workers make the trials, tcp://HOST:8786.
        workers: Number of processes on this machine that make them, instead of this one.
        steps: Trials of each chain.
        start: Terminations as in the small dataset (110-stoichiometric), separated by commas;
            source for the thesis's four, all for all 17; or a file of slabs, whole ones where
            they are frozen, which is left as it is until the search is over.
        dmu_o: Chemical potential of O relative to half an O2, eV per O; several with commas.
        chains: Chains of each start at each --dmu_o.
        calculator: chgnet, sevennet:7net-0, or another of those that relax takes.
        trust: Take mace:FILE. Such a file is a pickle: reading it runs whatever its maker put in.
        species: Metal and anion of another rutile oxide, e.g. Ir,O.
        size: Least length of the supercell along x and along y, Å.
        height: Largest length along z, Å; the vacuum is cut down to 6 where it would be exceeded.
        vacuum: Empty space above the start, Å.
        planes: Ru planes of the slab, if not the termination's own number.
        displaced: Ru planes of the displacement layer; two, or one or two in slabs of 3 or 4.
        buffer: Ru planes of the buffer layer; two, or one in slabs of 3 or 4.
        length: Largest Cartesian component of a displacement, Å.
        share: Share of the delocalised internal coordinates in a displacement.
        exchange: Probability of inserting or removing an O instead.
        temperature: Pseudo-temperature of the acceptance, K.
        fmax: Largest force at which a relaxation stops, eV/Å.
        relax_steps: Steps after which it stops in any case.
        oxygen_energy: Energy of half an O2, eV; by default the calculator's own.
        a: Lattice constant a of rutile in Å. Without it the calculator relaxes the bulk first.
        c: Lattice constant c of rutile in Å, together with --a.
        seed: Seed of all random numbers.
        overwrite: Replace an existing output; the chains beside it stay and are continued.
    """

    out: Path
    steps: int
    start: str = "source"
    dmu_o: float | str = -0.5
    chains: int = 1
    calculator: str = "chgnet"
    trust: bool = False
    species: str = DEFAULT
    size: float = 9.0
    height: float = 17.0
    vacuum: float = 8.0
    planes: int | None = None
    displaced: int | None = None
    buffer: int | None = None
    length: float = 1.2
    share: float = 0.25
    exchange: float = 0.25
    temperature: float = 1000.0
    fmax: float = 0.1
    relax_steps: int = 100
    oxygen_energy: float | None = None
    a: float | None = None
    c: float | None = None
    seed: int = 100
    overwrite: bool = False
    scheduler: str | None = None
    workers: int | None = None

    def validate(self) -> None:
        check_trust(self.calculator, self.trust)
        check_oxide(self.pair, "the search exchanges oxygen with")
        check_workers(self.scheduler, self.workers)
        ranges = {
            "steps": (0, None),
            "chains": (1, 1000),
            "size": (3, 100),
            "height": (9, 200),
            "vacuum": (6, 100),
            "planes": (3, 50),
            "displaced": (1, 48),
            "buffer": (1, 48),
            "length": (0.01, 3),
            "share": (0.01, 1),
            "exchange": (0, 1),
            "temperature": (0, 1e5),
            "fmax": (1e-4, 10),
            "relax_steps": (0, 10_000),
            "seed": (0, None),
        }
        for name, (low, high) in ranges.items():
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), low, high)
        for value in self.potentials:
            check_range("dmu_o", value, -10, 10)
        check_lattice(self.a, self.c)
        check_extxyz(self.out, self.overwrite)

    @property
    def potentials(self) -> tuple[float, ...]:
        """The chemical potentials, eV, in the order given."""
        try:
            return tuple(dict.fromkeys(float(part) for part in str(self.dmu_o).split(",")))
        except ValueError:
            raise ConfigError(
                f"--dmu_o is {self.dmu_o!r}. Expected numbers in eV, separated by commas."
            ) from None

    @property
    def search(self) -> dict[str, Any]:
        """The fields that a trial needs."""
        names = ("temperature", "length", "share", "exchange", "fmax", "relax_steps")
        return {name: getattr(self, name) for name in names}


def check_lattice(a: float | None, c: float | None) -> None:
    """Raise `ConfigError` unless both lattice constants of rutile are given, or neither."""
    if (a is None) != (c is None):
        raise ConfigError("--a and --c belong together. Give both or neither.")
    if a is not None and c is not None:
        check_range("a", a, 3, 7)
        check_range("c", c, 2, 5)


def check_extxyz(out: Path, overwrite: bool) -> None:
    """Raise `ConfigError` unless `out` is a new extxyz file, or may be replaced."""
    check_ending("out", out, (".extxyz",))
    check_new(out, overwrite)


@dataclass(frozen=True, kw_only=True)
class RecordsConfig(Config):
    """Voxelise structures and write them as TFRecords.

    Args:
        structures: Any file that ASE reads, or a folder or pattern of such files; by default the
            bundled slabs.
        recipe: What becomes of the structures, a row of keras_ruo2.recipes.RECIPES.
        species: The two elements of the structures, the metal first, e.g. Ir,O: any two.
        out: Folder for the shards, or s3://bucket/folder; by default tfrecords/<recipe>, or
            tfrecords/<recipe>_<N> for grids of N voxels.
        num_voxels: Voxels along each direction, a multiple of 8 from 8 to 64 as the networks take
            them; by default the recipe's. Fewer are quick to train on, for trials: cells are then
            repeated less often, and atoms merge all the same.
        num_classes: Number of energy classes; 0 for structures without energies.
        holdout: Share of the structures that is kept from training; of a search whole chains, where
            there are enough.
        translate: Move each copy at random along xyz, or along xy only, so that the slab stays
            at its height: extended cells have it in the middle, half of the vacuum above.
        skip_foreign: Leave out structures that cannot be used (other elements, other units, vacuum
            along x or y, partial occupancies, damage), counted and listed, instead of ending at
            the first.
        skip_damaged: Another name of --skip_foreign.
        seed: Seed of translations, rotations and of the choice of held-out structures.
        overwrite: Replace an existing folder of records.
        scheduler: Address of a Dask scheduler whose workers write the shards, tcp://HOST:8786;
            they must see the same files.
        workers: Number of processes on this machine that write them, instead of this one.
    """

    structures: Path = BUNDLED_STRUCTURES
    recipe: str = "gap2d"
    species: str = DEFAULT
    out: Path | RemoteFolder | None = None
    num_voxels: int | None = None
    num_classes: int = 10
    holdout: float = 0.1
    translate: str = "xyz"
    skip_foreign: bool = False
    seed: int = 100
    overwrite: bool = False
    skip_damaged: bool = False
    scheduler: str | None = None
    workers: int | None = None

    def validate(self) -> None:
        check_workers(self.scheduler, self.workers)
        check_choice("recipe", self.recipe, RECIPES)
        species_in(self.species)
        if self.num_voxels is not None:
            check_range("num_voxels", self.num_voxels, FEWEST_VOXELS, MOST_VOXELS)
            if self.num_voxels % VOXEL_STEP:
                raise ConfigError(
                    f"--num_voxels is {self.num_voxels}. Expected a multiple of {VOXEL_STEP}."
                )
        check_range("num_classes", self.num_classes, 0, 1000)
        check_range("holdout", self.holdout, 0, 0.5)
        check_choice("translate", self.translate, TRANSLATIONS)
        check_range("seed", self.seed, 0)
        structure_files("structures", self.structures)

    @property
    def rules(self) -> Recipe:
        """The `Recipe`, for grids of the wanted size."""
        return RECIPES[self.recipe].at(self.num_voxels)

    @property
    def folder_name(self) -> str:
        """Name of the folder of records, if no other is given."""
        size = self.rules.num_voxels
        return self.recipe if self.rules == RECIPES[self.recipe] else f"{self.recipe}_{size}"


@dataclass(frozen=True, kw_only=True)
class TableConfig(Config):
    """Print the slabs, facet by termination, with the coordination of their surface atoms.

    Args:
        structures: Any file that ASE reads, or a folder or pattern of such files; by default the
            bundled slabs.
        species: Metal and anion of the slabs, e.g. Ir,O.
        each: Print a row for every structure instead of one for each termination and variation.
        json: Print the table as JSON; all else that is said goes to standard error.
    """

    structures: Path = BUNDLED_STRUCTURES
    species: str = DEFAULT
    each: bool = False
    json: bool = False

    def validate(self) -> None:
        check_rutile(self.pair, "the table judges slabs of")
        structure_files("structures", self.structures)
