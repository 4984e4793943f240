"""Kinds of values, and whether a dict that was read from a file has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from keras_ruo2.errors import ConfigError

MOST_TEXT = 10_000  # characters of a name, path or note
MANY = 10_000_000


class Kind(NamedTuple):
    """What a value must be.

    Args:
        words: For messages.
        fits: Function that says whether a value is of this kind.
    """

    words: str
    fits: Callable[[Any], bool]


def integer(low: int = 0, high: float = 2**53) -> Kind:
    """Integers from `low` to `high`."""
    return Kind(f"an integer from {low} to {high}", lambda v: type(v) is int and low <= v <= high)


def number(low: float = -1e9, high: float = 1e9) -> Kind:
    """Finite numbers from `low` to `high`."""
    return Kind(
        f"a number from {low:g} to {high:g}",
        lambda v: type(v) in (int, float) and math.isfinite(v) and low <= v <= high,
    )


def text(most: int = MOST_TEXT) -> Kind:
    """Texts without control characters."""
    return Kind(
        "a line of text",
        lambda v: isinstance(v, str) and len(v) <= most and (v.isprintable() or not v),
    )


def one_of(choices: Iterable[str]) -> Kind:
    """One of some names."""
    names = tuple(choices)
    return Kind(f"one of {', '.join(map(str, names))}", lambda v: isinstance(v, str) and v in names)


def listed(kind: Kind, least: int = 0, most: int = MANY) -> Kind:
    """Lists of one kind."""
    return Kind(
        f"a list of {least} to {most} of: {kind.words}",
        lambda v: (
            isinstance(v, (list, tuple)) and least <= len(v) <= most and all(map(kind.fits, v))
        ),
    )


def mapped(kind: Kind) -> Kind:
    """Dicts of names to one kind."""
    return Kind(
        f"names, each with {kind.words}",
        lambda v: isinstance(v, dict) and all(map(kind.fits, v.values())),
    )


def record(kinds: Mapping[str, Kind]) -> Kind:
    """Dicts that have at least the names of `kinds`."""
    return Kind(
        f"a dict of {', '.join(kinds)}",
        lambda v: isinstance(v, dict) and all(n in v and k.fits(v[n]) for n, k in kinds.items()),
    )


def optional(kind: Kind) -> Kind:
    """A kind, or nothing."""
    return Kind(f"{kind.words}, or nothing", lambda v: v is None or kind.fits(v))


FLAG = Kind("true or false", lambda v: isinstance(v, bool))
ANY_DICT = Kind("a dict", lambda v: isinstance(v, dict))


def check_fields(
    values: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    where: object,
    advice: str,
    may_lack: Collection[str] = (),
) -> None:
    """Raise `ConfigError` unless a dict has the kinds of values that it should.

    Args:
        values: Dict that was read from a file.
        kinds: Dict of names to `Kind`.
        where: File, for messages.
        advice: What to do: a sentence.
        may_lack: Names that need not be there.
    """
    for name, kind in kinds.items():
        if name not in values:
            if name in may_lack:
                continue
            raise ConfigError(f"{where} lacks `{name}`. {advice}")
        if not kind.fits(values[name]):
            shown = repr(values[name])
            shown = shown if len(shown) <= 60 else f"{shown[:60]}..."
            raise ConfigError(
                f"{where} cannot be used: `{name}` is {shown}, expected {kind.words}. {advice}"
            )
