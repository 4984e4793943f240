"""What every command's configuration shares: a field is a flag. Standard library only."""

import dataclasses
import types
import typing
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from keras_ruo2.errors import ConfigError, check_range
from keras_ruo2.io.locks import clear_lock
from keras_ruo2.io.paths import RemoteFolder, folder_at, is_address, path_of
from keras_ruo2.species import DEFAULT, Pair, species_in

PLACES = (Path, RemoteFolder)
LATER: Any = None  # of a field that `validate` fills where it is not given
FLAGS_BEFORE = {"reference": "known"}  # of screen, phase_diagram and discover; and names today


class Command(NamedTuple):
    """What a command is made of.

    Args:
        config: Subclass of `Config`; its fields are the flags, its docstring the help.
        function: `module:name` of the function that takes the config, imported when it runs.
        outputs: Fields of the files or folders that are held for this command while it runs; none
            where the function holds them itself.
    """

    config: "type[Config]"
    function: str
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Config:
    """Check the type of every field, then what must fit together.

    `given` holds the names that were given, even if they equal their defaults. `RENAMED` maps
    names that flags had before to those of fields.
    """

    RENAMED: typing.ClassVar[dict[str, str]] = {}
    given: typing.ClassVar[frozenset[str]] = frozenset()  # each config has its own

    def __new__(cls, **values: Any) -> Self:
        config = super().__new__(cls)
        object.__setattr__(config, "given", frozenset(values))
        return config

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not LATER or field.default is not LATER:
                value = convert(field.name, value, hints[field.name])
            object.__setattr__(self, field.name, value)
        self.validate()

    def validate(self) -> None:
        """Raise `ConfigError` if values cannot be used together; subclasses override."""

    @property
    def pair(self) -> Pair:
        """The two elements of --species, the metal first; Ru and O where it is not given."""
        return species_in(getattr(self, "species", None) or DEFAULT)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {
            name: str(value) if isinstance(value, PLACES) else value
            for name, value in values.items()
        }


def check_workers(scheduler: str | None, workers: int | None) -> None:
    """Raise `ConfigError` unless --scheduler and --workers can be used."""
    if scheduler is not None and workers is not None:
        raise ConfigError("--scheduler and --workers exclude each other. Give one of them.")
    if workers is not None:
        check_range("workers", workers, 1, 1000)


def check_new(out: Path, overwrite: bool) -> None:
    """Raise `ConfigError` if an output exists and is not to be replaced."""
    if out.exists() and not overwrite:
        clear_lock(out)
        raise ConfigError(f"--out={out} exists. Choose another file or add --overwrite.")


def flag_of(field: str) -> str:
    """Return the flag of a field: names that Python keeps to itself end in `_` (`from_`)."""
    return field.rstrip("_")


def field_names(kind: type[Config]) -> set[str]:
    """Return the names of a config's fields."""
    return {field.name for field in dataclasses.fields(kind)}


def convert(name: str, value: Any, hint: Any) -> Any:
    """Return `value` as the type `hint`, or raise `ConfigError`.

    Fire types a value by its looks, so `--run=20240601` arrives as an int: paths and names must
    be text, floats may be written as integers, and nothing else is guessed.
    """
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    wanted = [typing.get_origin(kind) or kind for kind in kinds]
    if Path in wanted and isinstance(value, (str, *PLACES)) and is_address(value):
        return address(name, value, wanted)
    for kind in wanted:
        if kind is Path and isinstance(value, (str, Path)) and str(value):
            return path_of(value)
        if kind is str and isinstance(value, (tuple, list)):  # Fire reads a,b as a tuple
            return ",".join(map(str, value))
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if type(value) is kind:
            return value
    asked = [kind for kind in wanted if kind is not RemoteFolder]
    names = " or ".join("nothing" if kind is type(None) else kind.__name__ for kind in asked)
    name = flag_of(name)
    advice = f""" Quote it: --{name}='"{value}"'.""" if {str, Path} & set(wanted) else ""
    raise ConfigError(f"--{name} takes {names}, got {value!r} ({type(value).__name__}).{advice}")


def address(name: str, value: Any, wanted: Collection[Any]) -> Path | RemoteFolder:
    """Return an address as `RemoteFolder`, or raise `ConfigError` where only paths are taken."""
    if RemoteFolder in wanted:
        return folder_at(value, name)
    raise ConfigError(
        f"--{name}={value}: expected a path on this machine. Only folders of records may lie in "
        "object storage: train and evaluate --records=s3://..., data_prep records --out=s3://..."
    )
