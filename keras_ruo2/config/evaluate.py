"""The configuration of `evaluate`."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.config.base import LATER, Config
from keras_ruo2.errors import ConfigError, check_file, check_range
from keras_ruo2.io.paths import RemoteFolder, check_structures, run_or_model


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(Config):
    """Measure samples of a run against its records: metrics.json, pictures and evaluation.html.

    Args:
        run: Folder of a run.
        model: A model that comes with the package, instead of a run; joint3d where neither is
            given.
        samples: Samples to evaluate (.npz); without them the run draws them.
        out: Folder for the results.
        records: Folder of records, or s3://bucket/folder; by default those that the run was
            trained on.
        count: Samples that are drawn, or used of --samples.
        compared: Samples compared with every training record by structural similarity, and
            held-out records compared likewise.
        structures: Samples of this run that were mapped back and relaxed, with energies; they are
            compared with the energy classes that were asked for.
        align: Move the records to where they correlate best with a sample before comparing.
        seed: Seed of the samples and of every choice.
    """

    run: Path = LATER
    model: str | None = None
    samples: Path | None = None
    out: Path
    records: Path | RemoteFolder | None = None
    count: int = 1000
    compared: int = 205
    structures: Path | None = None
    align: bool = False
    seed: int = 0

    def validate(self) -> None:
        object.__setattr__(self, "run", run_or_model(self.run, self.model))
        check_range("count", self.count, 1)
        check_range("compared", self.compared, 1)
        check_range("seed", self.seed, 0)
        if self.samples is not None:
            check_file("samples", self.samples)
        if self.structures is not None:
            check_structures("structures", self.structures)
        if self.out.is_file():
            raise ConfigError(f"--out={self.out} is a file. Choose a folder.")
