"""The configuration of the commands that look at a search. Standard library only."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.config import Config
from keras_ruo2.errors import ConfigError, check_range
from keras_ruo2.io.paths import PACKED, STRUCTURE_ENDINGS, check_structures


@dataclass(frozen=True, kw_only=True)
class ThinConfig(Config):
    """Choose a small, diverse set of the snapshots of a search, and write it compactly.

    Dropped are the relaxation of a start that other chains have as well, snapshots far above the
    relaxed end of their trial, and those next to one that is kept. The end of a trial is kept
    unless another trial ended there too. The search may still be running: its files are only read.

    Args:
        structures: A search's snapshots: its extxyz file, its folder of chains, or one chain.
        out: A folder, for parts of up to --part_size (part-000.extxyz.xz, ...), or one file that
            ends in .extxyz, .extxyz.gz or .extxyz.xz.
        count: Number of snapshots, spread evenly over chains, moves and energies; without it all
            that the rules leave.
        limit: Largest energy above the lowest snapshot of the trial, eV per atom.
        least: Least displacement of the atom that moves most between neighbours of a trial, Å.
        part_size: Largest size of a part, MB.
        overwrite: Replace an existing output.
        json: Print what was dropped as JSON; all else that is said goes to standard error.
    """

    structures: Path
    out: Path
    count: int | None = None
    limit: float = 0.13
    least: float = 0.03
    part_size: float = 4.8
    overwrite: bool = False
    json: bool = False

    def validate(self) -> None:
        check_structures("structures", self.structures, self.out)
        if self.count is not None:
            check_range("count", self.count, 1)
        check_range("limit", self.limit, 1e-3, 100)
        check_range("least", self.least, 0, 10)
        check_range("part_size", self.part_size, 0.001)
        if not self.one_file and self.out.suffix in (*STRUCTURE_ENDINGS, *PACKED):
            raise ConfigError(
                f"--out={self.out} must be a folder, or end in .extxyz, .extxyz.gz or .extxyz.xz."
            )

    @property
    def one_file(self) -> bool:
        """Whether the output is one file."""
        return self.out.name.endswith((".extxyz", ".extxyz.gz", ".extxyz.xz"))


@dataclass(frozen=True, kw_only=True)
class SearchReportConfig(Config):
    """Show what a search has done: tables and pictures. It may still be running.

    Writes report.md (chains, outcomes of moves, energy classes), the same with all pictures as one
    page (report.html), chains.csv and pictures: energies
    by class, composition against dmu_O, acceptance along the chains with the reasons against
    trials, grand potentials along the chains, structures from the side with their layers coloured.

    Args:
        structures: A search's snapshots: its extxyz file, its folder of chains, or a thinned set.
        out: Folder for tables and pictures.
    """

    structures: Path
    out: Path

    def validate(self) -> None:
        check_structures("structures", self.structures)


@dataclass(frozen=True, kw_only=True)
class ReplayConfig(Config):
    """Replay a chain of a search from its file: its accepted structures in turn.

    The search may still be running: its files are only read.

    Args:
        structures: One chain's extxyz file; or a folder of chains or a joined file, with --chain.
        out: A .gif (an animation), a .png (a strip of pictures) or an .extxyz (the structures).
        chain: Number of the chain.
        count: Number of structures to show, at equal distances along the chain.
        speed: Structures per second of the animation.
    """

    structures: Path
    out: Path
    chain: int | None = None
    count: int | None = None
    speed: float = 2.0

    def validate(self) -> None:
        check_structures("structures", self.structures, self.out)
        if self.out.resolve() == self.structures.resolve():
            raise ConfigError(f"--out={self.out} is what is read. Choose another file.")
        if self.out.suffix not in (".gif", ".png", ".extxyz"):
            raise ConfigError(f"--out={self.out} must end in .gif, .png or .extxyz.")
        check_range("speed", self.speed, 0.1, 30)
        if self.count is not None:
            check_range("count", self.count, 2)
