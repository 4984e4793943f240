"""The configurations of `generate` and `variants`."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.backend import BACKENDS
from keras_ruo2.config.base import LATER, Config
from keras_ruo2.errors import ConfigError, check_choice, check_ending, check_file, check_range
from keras_ruo2.io.paths import run_or_model
from keras_ruo2.options import range_in

CHECKPOINTS = ("last", "best")
FACES_ASKED = ("any", "equal", "different")
NOT_ASKED = {  # flags that say which slabs are wanted, and what they are where nothing is
    **dict.fromkeys(("facet", "cell", "structures", "energy", "oxygen")),
    **{"faces": "any", "distinct": False, "novel": False, "candidates": 1},
}
JOININGS = ("splice", "constrained", "latent")
REPEATS = ("same", "each")


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
        energy: Energy per atom that samples should have, eV, instead of a class: classes near it
            are drawn, of models that are told energy classes.
        facet: Facet of all samples, e.g. 110, for architectures that place atoms.
        cell: Number of the surface unit cell of all samples, for architectures that place atoms; a
            number that there is not, e.g. 999, lists the cells.
        variety: For architectures that place atoms: how much more evenly than in training the sites
            are filled that some training slabs fill and others do not. 2 draws more new slabs,
            which follow the energy class less.
        oxygen: Least and largest number of O for each metal atom, e.g. 1.8,2; slabs are drawn until
            so many are there. For architectures that place atoms.
        distinct: Draw no slab twice, turned or mirrored ones included; for architectures that place
            atoms.
        novel: Draw no slab that occupies the sites of a training slab, turned and mirrored ones
            included; for architectures that place atoms.
        candidates: Draw so many slabs for each sample and keep the one whose energy fits its class
            best, as a linear model of the training slabs reads it off the atoms; of several that do
            the one that relaxing will change least, where the model reads that. For architectures
            that place atoms, told energy classes.
        faces: equal draws slabs whose two faces are equal, different draws each face by itself; any
            does both, as often as in the training data. For architectures that place atoms.
        structures: The slabs themselves (.extxyz or .db) in the samples' order, of generators that
            place atoms: backmap need not find them in the grids.
        keep: A slab (one structure in any file that ASE reads) whose lower part stays as it is, in
            its own cell: faces are drawn for it, for architectures that place atoms. Needs
            --structures and --frozen_layers or --keep_below; there are no grids, so no --out.
        frozen_layers: Layers of metal of that slab, from below, that stay with their O.
        keep_below: The z below which its atoms stay, Å, instead.
        joining: How a face is fitted to what is kept: constrained (sites below the cut hold an atom
            where the slab has one), splice (any drawn slab, cut and laid on), or latent (a search
            for noise whose lower part lies on what is kept).
        repeats: Where the slab of --keep is several unit cells of the model wide: same draws one
            face and repeats it, each draws one for each unit cell.
        interpolate: Draw so many samples along a path between two latent vectors instead, which
            turns one into the other.
        checkpoint: last, or best by the distance to held-out records.
        backend: Keras backend; by default the run's, or another where that is not installed.
        seed: Seed of the noise.
        shown: Samples in the picture; by default 36 slices, or 9 whole grids, which are larger.
    """

    run: Path = LATER
    model: str | None = None
    count: int = 1000
    out: Path | None = None
    label: int | None = None
    energy: float | None = None
    facet: str | int | None = None
    cell: int | None = None
    variety: float = 1.0
    oxygen: str | None = None
    distinct: bool = False
    novel: bool = False
    candidates: int = 1
    faces: str = "any"
    structures: Path | None = None
    keep: Path | None = None
    frozen_layers: int = 0
    keep_below: float | None = None
    joining: str = "constrained"
    repeats: str = "same"
    interpolate: int = 0
    checkpoint: str = "last"
    backend: str | None = None
    seed: int = 0
    shown: int | None = None

    def validate(self) -> None:
        object.__setattr__(self, "run", run_or_model(self.run, self.model))
        check_range("count", self.count, 1)
        check_range("seed", self.seed, 0)
        check_range("candidates", self.candidates, 1, 1000)
        check_range("variety", self.variety, 0.01, 100)
        if self.shown is not None:
            check_range("shown", self.shown, 1, 400)
        check_choice("checkpoint", self.checkpoint, CHECKPOINTS)
        check_choice("faces", self.faces, FACES_ASKED)
        if self.backend is not None:
            check_choice("backend", self.backend, BACKENDS)
        if self.interpolate:
            check_range("interpolate", self.interpolate, 2, 1000)
        for first, second in (("facet", "cell"), ("label", "energy")):
            if None not in (getattr(self, first), getattr(self, second)):
                raise ConfigError(f"--{first} and --{second} exclude each other. Give one of them.")
        if self.oxygen is not None:
            range_in("oxygen", self.oxygen)
        for name, rest in NOT_ASKED.items():
            if self.interpolate and getattr(self, name) != rest:
                raise ConfigError(
                    f"--interpolate and --{name} exclude each other. Give one of them."
                )
        if self.structures is not None:
            check_ending("structures", self.structures)
        self.validate_keep()
        if self.keep is None and self.out is None:
            raise ConfigError("--out is missing: where to write the samples (.npz).")
        if self.out is not None and self.out.suffix != ".npz":
            raise ConfigError(f"--out={self.out} must end in .npz.")

    @property
    def oxygen_range(self) -> tuple[float, float] | None:
        """Least and largest number of anions for each metal atom, or `None`."""
        return None if self.oxygen is None else range_in("oxygen", self.oxygen)

    def validate_keep(self) -> None:
        """Raise `ConfigError` unless the flags about a slab that stays go together."""
        check_choice("joining", self.joining, JOININGS)
        check_choice("repeats", self.repeats, REPEATS)
        check_range("frozen_layers", self.frozen_layers, 0)
        about = ("frozen_layers", "keep_below", "joining", "repeats")
        given = [name for name in about if name in self.given]
        if self.keep is None:
            if given:
                raise ConfigError(f"--{given[0]} goes with --keep, the slab that stays. Give it.")
            return
        check_file("keep", self.keep)
        if bool(self.frozen_layers) == (self.keep_below is not None):
            raise ConfigError(
                "--keep needs --frozen_layers (1 or more) or --keep_below, one of them: what stays."
            )
        if self.structures is None or self.out is not None:
            raise ConfigError(
                "--keep writes structures, no grids: give --structures (.extxyz) and no --out."
            )
        for name, rest in (NOT_ASKED | {"interpolate": 0}).items():
            if name not in ("structures", "cell") and getattr(self, name) != rest:
                raise ConfigError(f"--keep and --{name} exclude each other. Give one of them.")


@dataclass(frozen=True, kw_only=True)
class VariantsConfig(Config):
    """List the variants and the architectures.

    Args:
        json: Print them as JSON.
    """

    json: bool = False
