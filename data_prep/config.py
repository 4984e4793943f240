"""The configuration of each command. Standard library only."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.config import Config
from keras_ruo2.errors import ConfigError, check_choice, check_file, check_range
from keras_ruo2.paths import BUNDLED_STRUCTURES
from keras_ruo2.recipes import (
    FEWEST_VOXELS,
    MOST_VOXELS,
    RECIPES,
    TRANSLATIONS,
    VOXEL_STEP,
)


@dataclass(frozen=True, kw_only=True)
class GapConfig(Config):
    """Build the small dataset: 148 (1x1) RuO2 slabs of the five low-index facets, with energies.

    Every finished slab is kept in a partial file next to the output, so that an interrupted
    command goes on where it stopped.

    Args:
        out: The structures, one extxyz file.
        calculator: chgnet, or module:callable for any ASE calculator.
        a: Lattice constant a of rutile in Å. Without it the calculator relaxes the bulk first.
        c: Lattice constant c of rutile in Å, together with --a.
        vacuum: Empty space between a slab and its periodic image, Å.
        count: Number of slabs; the first ones of the plan.
        seed: Seed of the random variations.
        overwrite: Replace an existing output.
    """

    out: Path
    calculator: str = "chgnet"
    a: float | None = None
    c: float | None = None
    vacuum: float = 20.0
    count: int = 148
    seed: int = 100
    overwrite: bool = False

    def validate(self):
        check_range("count", self.count, 1, 148)
        check_range("vacuum", self.vacuum, 5)
        if (self.a is None) != (self.c is None):
            raise ConfigError("--a and --c belong together. Give both or neither.")
        if self.a is not None:
            check_range("a", self.a, 3, 7)
            check_range("c", self.c, 2, 5)
        if self.out.suffix != ".extxyz":
            raise ConfigError(f"--out={self.out} must end in .extxyz.")
        if self.out.exists() and not self.overwrite:
            raise ConfigError(f"--out={self.out} exists. Choose another file or add --overwrite.")


@dataclass(frozen=True, kw_only=True)
class RecordsConfig(Config):
    """Voxelise structures and write them as TFRecords.

    Args:
        structures: Any file that ASE reads; by default the bundled slabs.
        recipe: What becomes of the structures, a row of keras_ruo2.recipes.RECIPES.
        out: Folder for the shards; by default tfrecords/<recipe>, or tfrecords/<recipe>_<N> for
            grids of N voxels.
        num_voxels: Voxels along each direction, a multiple of 8 from 8 to 64 as the networks take
            them; by default the recipe's. Fewer are quick to train on, for trials: cells are then
            repeated less often, and atoms merge all the same.
        num_classes: Number of energy classes; 0 for structures without energies.
        holdout: Share of the structures that is kept from training.
        translate: Move each copy at random along xyz, or along xy only, so that the slab stays
            at its height: extended cells have it in the middle, half of the vacuum above.
        seed: Seed of translations, rotations and of the choice of held-out structures.
        overwrite: Replace an existing folder of records.
    """

    structures: Path = BUNDLED_STRUCTURES
    recipe: str = "gap2d"
    out: Path | None = None
    num_voxels: int | None = None
    num_classes: int = 10
    holdout: float = 0.1
    translate: str = "xyz"
    seed: int = 100
    overwrite: bool = False

    def validate(self):
        check_choice("recipe", self.recipe, RECIPES)
        if self.num_voxels is not None:
            check_range("num_voxels", self.num_voxels, FEWEST_VOXELS, MOST_VOXELS)
            if self.num_voxels % VOXEL_STEP:
                raise ConfigError(
                    f"--num_voxels is {self.num_voxels}. Expected a multiple of {VOXEL_STEP}."
                )
        check_range("num_classes", self.num_classes, 0, 1000)
        check_range("holdout", self.holdout, 0, 0.5)
        check_choice("translate", self.translate, TRANSLATIONS)
        check_file("structures", self.structures)

    @property
    def rules(self):
        """The `Recipe`, for grids of the wanted size."""
        return RECIPES[self.recipe].at(self.num_voxels)

    @property
    def folder_name(self):
        """Name of the folder of records, if no other is given."""
        size = self.rules.num_voxels
        return self.recipe if self.rules == RECIPES[self.recipe] else f"{self.recipe}_{size}"


@dataclass(frozen=True, kw_only=True)
class TableConfig(Config):
    """Print the slabs, facet by termination, with the coordination of their surface atoms.

    Args:
        structures: Any file that ASE reads; by default the bundled slabs.
        each: Print a row for every structure instead of one for each termination and variation.
    """

    structures: Path = BUNDLED_STRUCTURES
    each: bool = False

    def validate(self):
        check_file("structures", self.structures)
