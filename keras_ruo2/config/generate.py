"""The configurations of `generate` and `variants`."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.backend import BACKENDS
from keras_ruo2.config.base import Config
from keras_ruo2.errors import ConfigError, check_choice, check_ending, check_range
from keras_ruo2.io.paths import run_or_model

CHECKPOINTS = ("last", "best")


@dataclass(frozen=True, kw_only=True)
class GenerateConfig(Config):
    """Draw samples from a trained generator, and a picture of them beside real ones.

    Args:
        run: Folder of a run.
        model: A model that comes with the package, instead of a run; joint3d where neither is
            given.
        count: Number of samples.
        out: The samples (.npz); the picture takes the same name with .png.
        label: Class of all samples, for labelled variants; without it, classes come in the
            proportions of the training data.
        facet: Facet of all samples, e.g. 110, for architectures that place atoms.
        cell: Number of the cell of all samples, for these architectures; a wrong one lists them.
        variety: How much more freely than in training generators that place atoms fill the sites
            that some training slabs fill and others do not: 2 draws more new slabs, which follow
            the class less.
        structures: The slabs themselves (.extxyz or .db) in the samples' order, of generators that
            place atoms: backmap need not find them in the grids.
        interpolate: Draw so many samples on a spherical path between two latent vectors instead.
        checkpoint: last, or best by the distance to held-out records.
        backend: Keras backend; by default the run's, or another where that is not installed.
        seed: Seed of the noise.
        shown: Samples in the picture; by default 36 slices, or 9 whole grids, which are larger.
    """

    run: Path | None = None
    model: str | None = None
    count: int = 1000
    out: Path
    label: int | None = None
    facet: str | int | None = None
    cell: int | None = None
    variety: float = 1.0
    structures: Path | None = None
    interpolate: int = 0
    checkpoint: str = "last"
    backend: str | None = None
    seed: int = 0
    shown: int | None = None

    def validate(self):
        object.__setattr__(self, "run", run_or_model(self.run, self.model))
        check_range("count", self.count, 1)
        check_range("seed", self.seed, 0)
        check_range("variety", self.variety, 0.01, 100)
        if self.shown is not None:
            check_range("shown", self.shown, 1, 400)
        check_choice("checkpoint", self.checkpoint, CHECKPOINTS)
        if self.backend is not None:
            check_choice("backend", self.backend, BACKENDS)
        if self.interpolate:
            check_range("interpolate", self.interpolate, 2, 1000)
        if self.facet is not None and self.cell is not None:
            raise ConfigError("--facet and --cell exclude each other. Give one of them.")
        for name in ("facet", "cell", "structures"):
            if self.interpolate and getattr(self, name) is not None:
                raise ConfigError(
                    f"--interpolate and --{name} exclude each other. Give one of them."
                )
        if self.structures is not None:
            check_ending("structures", self.structures)
        if self.out.suffix != ".npz":
            raise ConfigError(f"--out={self.out} must end in .npz.")


@dataclass(frozen=True, kw_only=True)
class VariantsConfig(Config):
    """List the variants and the architectures."""
