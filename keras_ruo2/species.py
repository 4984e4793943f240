"""Pairs of elements: which one is the metal, and how the pair is named in flags and texts.

Everything here works for any two elements, the first in channel 0, the second in channel 1. What
builds or judges slabs takes the pair as that of a rutile crystal; `check_rutile` and `check_oxide`
are the doors to it.
"""

import logging
import re
from types import MappingProxyType

from keras_ruo2.errors import ConfigError

Pair = tuple[str, str]  # metal and anion
SPECIES: Pair = ("Ru", "O")
DEFAULT = ",".join(SPECIES)  # of the flag --species
# Formal charges of the elements that can be the anion of a pair, the most electronegative first
# (Pauling's scale): of two of them the first one is it, so that O is the anion of Si and of C.
ANIONS = MappingProxyType(
    dict(F=-1, O=-2, Cl=-1, N=-3, Br=-1, I=-1, S=-2, Se=-2, C=-4, H=-1, As=-3, P=-3)
    | dict(Te=-2, B=-3, Si=-4)
)
RUTILE_ANIONS = ("O", "F")  # rutile is the structure of many dioxides and difluorides


def species_in(text: str) -> Pair:
    """Return the two elements that a flag names, e.g. `("Ir", "O")` for `Ir,O`.

    Raises:
        ConfigError: If it does not name two different elements, the metal first.
    """
    species = tuple(part.strip() for part in text.split(","))
    if species == SPECIES:
        return species
    from ase.data import atomic_numbers  # only now: --help has no need of ASE

    known = [symbol for symbol in species if atomic_numbers.get(symbol, 0) > 0]
    if len(species) != 2 or len(set(known)) != 2:
        raise ConfigError(
            f"--species={text}: expected two elements, the metal and the anion, e.g. Ir,O."
        )
    first, second = (anion_rank(symbol) for symbol in species)
    if first < second:
        raise ConfigError(
            f"--species={text}: the metal comes first. Say --species={species[1]},{species[0]}."
        )
    return species


def anion_rank(symbol: str) -> int:
    """Return the place of an element among `ANIONS`, behind them for all others."""
    return list(ANIONS).index(symbol) if symbol in ANIONS else len(ANIONS)


def check_rutile(species: Pair, what: str) -> None:
    """Raise `ConfigError` unless `species` may be a rutile crystal, which `what` is about."""
    if species[1] not in RUTILE_ANIONS:
        raise ConfigError(
            f"--species={','.join(species)}: {what} rutile crystals, oxides and fluorides. For "
            "other pairs there are records, train, generate and backmap."
        )


def check_oxide(species: Pair, what: str) -> None:
    """Raise `ConfigError` unless `species` is an oxide, whose O2 gas `what` is about."""
    if species[1] != "O":
        raise ConfigError(
            f"--species={','.join(species)}: {what} oxygen gas. Give an oxide, e.g. Ir,O."
        )


def formula(species: Pair) -> str:
    """Return the formula unit of the rutile crystal, such as `IrO2`."""
    return f"{species[0]}{species[1]}2"


def assumption_note(species: Pair) -> None:
    """Say what is assumed of a pair that is not the project's own; nothing for Ru and O."""
    if species != SPECIES:
        logging.getLogger("keras_ruo2").info(
            f"{formula(species)} is taken as a rutile crystal. Bonds are scaled by covalent radii "
            "from those of RuO2; all other bounds are those measured on RuO2."
        )


def renamed(text: str, species: Pair) -> str:
    """Return a text about Ru, O and RuO2 with another pair's symbols, wherever they are words."""
    names = dict(zip(SPECIES, species, strict=True)) | {"".join(SPECIES): "".join(species)}
    return re.sub(r"\b(Ru|O)\b|\bRuO(?=2|₂|\$_2\$)", lambda match: names[match[0]], text)
