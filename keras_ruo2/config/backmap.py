"""The configuration of `backmap`."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.config.base import Config, check_new
from keras_ruo2.errors import ConfigError, check_ending, check_file, check_range
from keras_ruo2.recipes import RECIPES
from keras_ruo2.species import species_in


@dataclass(frozen=True, kw_only=True)
class BackmapConfig(Config):
    """Turn generated grids back into atoms: one structure a sample, in the samples' order.

    Slices give the atoms in and near their plane, in cells without a second vector, which no other
    command takes for a structure. Samples without a structure are kept as frames without atoms;
    what is wrong with a sample is in its `failures` and counted at the end.

    Args:
        samples: Samples (.npz) of generate.
        out: The structures, one extxyz file or an ASE database (.db).
        alpha: Inverse square width of the Gaussians that the records were made with, Å^-2.
        species: The two elements, the metal first, e.g. Ir,O, where the file does not name them.
        lengths: Lattice lengths of all samples, e.g. 18,18,20, in Å, where the file has none.
        count: Number of samples, the first ones; by default all.
        picture: A picture of the first samples with the atoms found in them, .png.
        overwrite: Replace an existing output.
    """

    samples: Path
    out: Path
    alpha: float = RECIPES["gap2d"].alpha
    species: str | None = None
    lengths: tuple[float, ...] | None = None
    count: int | None = None
    picture: Path | None = None
    overwrite: bool = False

    def validate(self) -> None:
        check_file("samples", self.samples)
        check_range("alpha", self.alpha, 0.01, 1000)
        if self.species is not None:
            species_in(self.species)
        if self.count is not None:
            check_range("count", self.count, 1)
        for length in self.lengths or ():
            if isinstance(length, bool) or not isinstance(length, (int, float)) or not length > 0:
                raise ConfigError(
                    f"--lengths={self.lengths}: expected lengths in Å, e.g. 18,18,20."
                )
        check_ending("out", self.out)
        if self.picture is not None and self.picture.suffix != ".png":
            raise ConfigError(f"--picture={self.picture} must end in .png.")
        check_new(self.out, self.overwrite)
