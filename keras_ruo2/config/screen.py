"""The configuration of `screen`."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from keras_ruo2.config.base import FLAGS_BEFORE, Config, check_new
from keras_ruo2.errors import check_choice, check_ending
from keras_ruo2.io.paths import BUNDLED_STRUCTURES, check_structures
from keras_ruo2.species import DEFAULT, check_rutile

PARTS = ("valid", "unique", "novel")


@dataclass(frozen=True, kw_only=True)
class ScreenConfig(Config):
    """Say of each structure whether it is a slab of RuO2, or its like, unique in its file, and new.

    Nothing is dropped unless --only asks for it: the structures come back in the order of the file
    with what was found in their `info`, and as a table (.csv) and a funnel (.json) beside it.

    Args:
        structures: Any file that ASE reads, e.g. that of backmap or relax; or a folder or pattern.
        known: Known slabs; what equals one of them is not novel. By default the bundled ones.
        out: The structures, one extxyz file or an ASE database (.db).
        only: Write valid, unique (and valid) or novel (and unique) structures only.
        species: Metal and anion of the slabs, e.g. Ir,O.
        accept: Reasons that do not make a structure invalid, e.g. peroxo_groups.
        overwrite: Replace an existing output.
        json: Print the funnel as JSON; all else that is said goes to standard error.
    """

    RENAMED: ClassVar[dict[str, str]] = FLAGS_BEFORE
    structures: Path
    known: Path = BUNDLED_STRUCTURES
    out: Path
    only: str | None = None
    species: str = DEFAULT
    accept: str = ""
    overwrite: bool = False
    json: bool = False

    def validate(self) -> None:
        check_structures("structures", self.structures, self.out)
        check_structures("known", self.known)
        check_rutile(self.pair, "screen judges slabs of")
        if self.only is not None:
            check_choice("only", self.only, PARTS)
        check_ending("out", self.out)
        check_new(self.out, self.overwrite)
