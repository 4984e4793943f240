"""Command line: `python -m keras_ruo2 <command> --flag=value`."""

from __future__ import annotations

from keras_ruo2.cli import start
from keras_ruo2.config import (
    BackmapConfig,
    DiscoverConfig,
    DoctorConfig,
    EvaluateConfig,
    GalleryConfig,
    GenerateConfig,
    PhaseDiagramConfig,
    RelaxConfig,
    ScreenConfig,
    TrainConfig,
    VariantsConfig,
)
from keras_ruo2.config.base import Command

OUT = ("out",)
COMMANDS = {
    "doctor": Command(DoctorConfig, "keras_ruo2.commands.doctor:main"),
    "variants": Command(VariantsConfig, "keras_ruo2.commands.variants:main"),
    "train": Command(TrainConfig, "keras_ruo2.commands.train:main"),
    "generate": Command(GenerateConfig, "keras_ruo2.generation.batch:main", ("out", "structures")),
    "evaluate": Command(EvaluateConfig, "keras_ruo2.commands.evaluate:main", OUT),
    "backmap": Command(BackmapConfig, "keras_ruo2.density.batch:main", OUT),
    "relax": Command(RelaxConfig, "keras_ruo2.relaxation.batch:main"),
    "screen": Command(ScreenConfig, "keras_ruo2.screening.batch:main", OUT),
    "phase_diagram": Command(
        PhaseDiagramConfig, "keras_ruo2.thermodynamics.phase_diagram:main", OUT
    ),
    "discover": Command(DiscoverConfig, "keras_ruo2.discovery.pipeline:main"),
    "gallery": Command(GalleryConfig, "keras_ruo2.discovery.gallery_run:main", OUT),
}


def main() -> None:
    """Run the command line of the process: also the console script `keras_ruo2`."""
    start("keras_ruo2", COMMANDS)


if __name__ == "__main__":
    main()
