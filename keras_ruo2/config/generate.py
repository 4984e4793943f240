"""The configurations of `generate` and `variants`."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.config.base import Config
from keras_ruo2.errors import ConfigError, check_range


@dataclass(frozen=True, kw_only=True)
class GenerateConfig(Config):
    """Draw samples from a trained generator, and a picture of them beside real ones.

    Args:
        run: Folder of a run.
        count: Number of samples.
        out: The samples (.npz); the picture takes the same name with .png.
        seed: Seed of the noise.
        shown: Samples in the picture.
    """

    run: Path
    count: int = 1000
    out: Path
    seed: int = 0
    shown: int = 36

    def validate(self):
        check_range("count", self.count, 1)
        check_range("seed", self.seed, 0)
        check_range("shown", self.shown, 1, 400)
        if self.out.suffix != ".npz":
            raise ConfigError(f"--out={self.out} must end in .npz.")


@dataclass(frozen=True, kw_only=True)
class VariantsConfig(Config):
    """List the variants and the architectures."""
