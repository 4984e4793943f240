"""What the values of a run's config.json may be: they come from a file, and networks are built of
them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase.data import chemical_symbols

from keras_ruo2.config import TrainConfig
from keras_ruo2.config.base import field_names
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.fields import (
    ANY_DICT,
    Kind,
    check_fields,
    integer,
    listed,
    mapped,
    number,
    one_of,
    optional,
    text,
)

PARTS = {"config", "resolved", "data", "versions", "environment"}
SYMBOL = one_of(chemical_symbols[1:])
LENGTHS = listed(number(0, 1e4), most=3)
SOURCE = {
    "lateral_repeats": optional(mapped(integer())),
    "translate": one_of(("xyz", "xy")),
    "file": text(),
    "sha256": text(),
}
DATA = {
    "records": text(),
    "fingerprint": text(64),
    "grid_shape": listed(integer(1, 512), least=3, most=4),
    "alpha": number(1e-3, 1e3),
    "species": listed(SYMBOL, least=2, most=2),
    "lattice_minimum": LENGTHS,
    "lattice_maximum": LENGTHS,
    "class_edges": listed(number(), most=1001),
    "class_counts": listed(integer(), most=1000),
    "class_names": listed(text(), most=1000),
    "counts": mapped(integer()),
    "source": ANY_DICT,
}
BUILT = ("variant", "arch", "latent_size")  # what no network can be built without


def looks_unsealed(values: Mapping[str, Any]) -> bool:
    """Say whether an earlier version may have written a config.json with these parts."""
    return {"config", "resolved", "data"} <= set(values) <= PARTS


def check_run(saved: Mapping[str, Any], where: object, advice: str) -> None:
    """Raise `ConfigError` unless everything in a config.json is something that a run may have.

    Args:
        saved: Its content.
        where: The file, for messages.
        advice: What to do: a sentence.
    """
    check_fields(saved, dict.fromkeys(("config", "resolved", "data"), ANY_DICT), where, advice)
    for part in ("config", "resolved"):
        check_settings(saved[part], f"{where}, {part}", advice)
    check_fields(saved["resolved"], {n: record_of(n) for n in BUILT}, where, advice)
    check_fields(saved["data"], DATA, f"{where}, data", advice)
    names = saved["data"]["class_names"], saved["data"]["class_counts"]
    if len(names[0]) != len(names[1]):
        raise ConfigError(
            f"{where}, data, cannot be used: classes and their counts differ. {advice}"
        )
    source = saved["data"]["source"]
    check_fields(source, SOURCE, f"{where}, data, source", advice, may_lack=SOURCE)
    if not all(key.isdecimal() and len(key) < 7 for key in source.get("lateral_repeats") or ()):
        raise ConfigError(
            f"{where}, data, source, cannot be used: `lateral_repeats` are no numbers. {advice}"
        )
    check_fields(saved, {"versions": ANY_DICT}, where, advice, may_lack=("versions",))


def record_of(name: str) -> Kind:
    """Return what a setting without which nothing can be built must be."""
    return integer(1) if name == "latent_size" else text(64)


def check_settings(values: Mapping[str, Any], where: object, advice: str) -> None:
    """Raise `ConfigError` unless the settings among `values` that are flags of train may be given.

    Those that are none, of another version, are left to whoever uses them.
    """
    known = {name: value for name, value in values.items() if name in field_names(TrainConfig)}
    try:
        TrainConfig(**known)
    except ConfigError as error:
        raise ConfigError(f"{where} cannot be used: {error} {advice}") from None
