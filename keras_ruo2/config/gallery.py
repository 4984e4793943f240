"""The configuration of `gallery`."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.config.base import LATER, Config
from keras_ruo2.config.generate import CHECKPOINTS
from keras_ruo2.errors import ConfigError, check_choice, check_range
from keras_ruo2.io.paths import BUNDLED_STRUCTURES, check_structures, run_or_model


@dataclass(frozen=True, kw_only=True)
class GalleryConfig(Config):
    """Show generated slabs by facet and energy class beside real ones: a page and a picture.

    Draws samples, maps them back, screens them, and writes gallery.html (one file, no network),
    gallery.png (for talks) and slabs.extxyz, where `info` says what the page says. Nothing is
    relaxed: the energy class is the one that was asked of the generator.

    Args:
        run: Folder of a run of a 3D variant.
        model: A model that comes with the package, instead of a run; joint3d where neither is
            given.
        out: Folder of the results.
        count: Slabs that are drawn.
        label: Class of all slabs, for labelled variants; without it, classes come in the
            proportions of the training data.
        checkpoint: last, or best by the distance to held-out records.
        known: Real slabs: those beside the generated ones, and what is not new.
        seed: Seed of the noise.
    """

    run: Path = LATER
    model: str | None = None
    out: Path
    count: int = 60
    label: int | None = None
    checkpoint: str = "last"
    known: Path = BUNDLED_STRUCTURES
    seed: int = 0

    def validate(self) -> None:
        object.__setattr__(self, "run", run_or_model(self.run, self.model))
        check_structures("known", self.known)
        check_range("count", self.count, 1, 500)
        check_range("seed", self.seed, 0)
        check_choice("checkpoint", self.checkpoint, CHECKPOINTS)
        if self.out.is_file():
            raise ConfigError(f"--out={self.out} is a file. Give a folder.")
