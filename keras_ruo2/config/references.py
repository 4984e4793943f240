"""The configuration of `references`. Standard library only."""

from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.config import Config
from keras_ruo2.config.preparation import check_extxyz
from keras_ruo2.options import check_trust
from keras_ruo2.species import DEFAULT, check_oxide


@dataclass(frozen=True, kw_only=True)
class ReferencesConfig(Config):
    """Compute what surface energies are relative to: a bulk oxide, O2 and the metal.

    phase_diagram takes the file with --references; discover takes the numbers that are printed.

    Args:
        out: The relaxed structures with their energies, one extxyz file.
        species: Metal and anion of the rutile oxide, e.g. Ir,O.
        calculator: chgnet, sevennet:7net-0, mace, mace:FILE, quippy:FILE or module:callable.
        trust: Take mace:FILE. Such a file is a pickle: reading it runs whatever its maker put in.
        overwrite: Replace an existing output.
    """

    out: Path
    species: str = DEFAULT
    calculator: str = "chgnet"
    trust: bool = False
    overwrite: bool = False

    def validate(self) -> None:
        check_trust(self.calculator, self.trust)
        check_oxide(self.pair, "references are")
        check_extxyz(self.out, self.overwrite)
