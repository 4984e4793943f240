"""The configuration of `relax`."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.config.base import Config, check_new, check_workers
from keras_ruo2.errors import check_choice, check_ending, check_range
from keras_ruo2.io.paths import check_structures
from keras_ruo2.options import OPTIMISERS, check_trust


@dataclass(frozen=True, kw_only=True)
class RelaxConfig(Config):
    """Relax structures in their cells with any ASE calculator, in the order of the file.

    Every finished structure is kept in a partial file next to the output, so that an interrupted
    command goes on where it stopped. Structures that cannot be relaxed stay in the file as they
    were, without energy; what went wrong is in `relax_failures` and counted at the end.

    Args:
        structures: Any file that ASE reads, e.g. that of backmap; or a folder or pattern of such.
        out: The relaxed structures with energies and forces, one extxyz file or ASE database (.db).
        calculator: chgnet, sevennet:7net-0, sevennet:7net-mf-0@PBE, mace, mace:FILE, quippy:FILE
            (a GAP), or module:callable.
        trust: Take mace:FILE. Such a file is a pickle: reading it runs whatever its maker put in.
        optimiser: fire, fire2, bfgs, bfgs_line_search, lbfgs, lbfgs_line_search, gpmin or mdmin.
        fmax: Largest force at which a structure counts as relaxed, eV/Å.
        steps: Steps for each structure at most.
        seconds: Time for each structure at most, s; looked at after each step. A step that has not
            ended after twice this time (and 10 s more than it) is ended: calculator_hung.
        frozen_layers: Layers of Ru, from below, that stay where they are with their O. Atoms that
            the file itself fixes stay as well.
        trajectories: Folder for every step of each structure (.traj); by default none are kept.
        count: Number of structures, the first ones; by default all.
        overwrite: Replace an existing output.
        scheduler: Address of a Dask scheduler whose workers relax, a structure each at any time.
        workers: Processes on this machine that relax, if there is no scheduler.
    """

    structures: Path
    out: Path
    calculator: str = "chgnet"
    trust: bool = False
    optimiser: str = "fire"
    fmax: float = 0.05
    steps: int = 200
    seconds: float = 600.0
    frozen_layers: int = 0
    trajectories: Path | None = None
    count: int | None = None
    overwrite: bool = False
    scheduler: str | None = None
    workers: int | None = None

    def validate(self) -> None:
        check_trust(self.calculator, self.trust)
        check_structures("structures", self.structures, self.out)
        check_choice("optimiser", self.optimiser, OPTIMISERS)
        check_workers(self.scheduler, self.workers)
        check_range("fmax", self.fmax, 1e-6)
        check_range("steps", self.steps, 0)
        check_range("seconds", self.seconds, 0)
        check_range("frozen_layers", self.frozen_layers, 0)
        if self.count is not None:
            check_range("count", self.count, 1)
        check_ending("out", self.out)
        if not remains(self.out):  # else the command looks at them first
            self.check_new()

    def check_new(self) -> None:
        """Raise `ConfigError` if the output exists and is not to be replaced."""
        check_new(self.out, self.overwrite)


def remains(out: Path) -> list[Path]:
    """Return the files beside an output that a command which has not ended well leaves."""
    partial = out.with_suffix(".partial.extxyz")
    beside = (partial.with_name(f"{partial.name}.seals"), partial.with_suffix(".json"))
    lock = out.with_name(f".{out.name}.lock")
    return [path for path in (partial, *beside, lock) if path.exists()]
