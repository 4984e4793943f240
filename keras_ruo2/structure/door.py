"""The door that structures of users come in by, the same for every command."""

from collections.abc import Callable, Iterable

from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.structures import name_of
from keras_ruo2.structure.validity import DOOR, sentence_against

ADVICE = "To leave out what cannot be used: --skip_damaged"
MOST_NAMED = 5  # structures that a message names


def check_structure(atoms: Atoms, names: Iterable[str] = DOOR) -> None:
    """Raise `ConfigError` for a structure that cannot be meant as it is, or cannot be one."""
    if why := sentence_against(names, atoms):
        raise ConfigError(why)


def check_energy(atoms: Atoms) -> None:
    """Raise `ConfigError` if the energy of a crystal or molecule cannot be one."""
    check_structure(atoms, ("absurd_energy",))


def usable_structures(
    path: object,
    frames: Iterable[Atoms],
    *,
    skip: bool = False,
    check: Callable[[Atoms], None] = check_structure,
    advice: str = ADVICE,
) -> list[Atoms]:
    """Return the structures that can be used, refuse the first other one or leave all others out.

    Args:
        path: Where they come from, for messages.
        frames: `ase.Atoms`.
        skip: Leave out what cannot be used, and list it on standard error.
        check: Function that raises `ConfigError` for what cannot be used.
        advice: What is said to do about the first one.

    Raises:
        ConfigError: For the first structure that cannot be used, or if none can.
    """
    kept, left_out = [], []
    for number, atoms in enumerate(frames):
        try:
            check(atoms)
        except ConfigError as error:
            reason = f"structure {number} ({name_of(atoms, number)}): {error}"
            if not skip:
                raise ConfigError(f"{path}, {reason} {advice}") from None
            left_out.append(reason)
        else:
            kept.append(atoms)
    if left_out:
        warn_of_listed(f"{path}: skipped {len(left_out)} structures", left_out)
    if not kept:
        raise ConfigError(f"{path}: none of {len(left_out)} structures can be used.")
    return kept


def warn_of_listed(text: str, listed: list[str]) -> None:
    """Print a text with the first of a list of sentences."""
    more = len(listed) - MOST_NAMED
    lines = listed[:MOST_NAMED] + ([f"and {more} more"] if more > 0 else [])
    messages.warning("\n    ".join([f"{text}:", *lines]))
