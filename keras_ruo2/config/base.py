"""What every command's configuration shares: a field is a flag. Standard library only."""

import dataclasses
import types
import typing
from dataclasses import dataclass
from pathlib import Path

from keras_ruo2.errors import ConfigError
from keras_ruo2.species import DEFAULT, species_in


@dataclass(frozen=True, kw_only=True)
class Config:
    """Check the type of every field, then what must fit together.

    `given` holds the names that were given, even if they equal their defaults.
    """

    def __new__(cls, **values):
        config = super().__new__(cls)
        object.__setattr__(config, "given", frozenset(values))
        return config

    def __post_init__(self):
        hints = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            value = convert(field.name, getattr(self, field.name), hints[field.name])
            object.__setattr__(self, field.name, value)
        self.validate()

    def validate(self):
        """Raise `ConfigError` if values cannot be used together; subclasses override."""

    @property
    def pair(self):
        """The two elements of --species, the metal first; Ru and O where it is not given."""
        return species_in(self.species or DEFAULT)

    def as_dict(self):
        """Return the fields as JSON can hold them."""
        values = dataclasses.asdict(self)
        return {
            name: str(value) if isinstance(value, Path) else value for name, value in values.items()
        }


def convert(name, value, hint):
    """Return `value` as the type `hint`, or raise `ConfigError`.

    Fire types a value by its looks, so `--run=20240601` arrives as an int: paths and names must
    be text, floats may be written as integers, and nothing else is guessed.
    """
    wanted = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in wanted:
        if kind is Path and isinstance(value, (str, Path)) and str(value):
            return Path(value)
        if kind is str and isinstance(value, (tuple, list)):  # Fire reads a,b as a tuple
            return ",".join(map(str, value))
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if type(value) is kind:
            return value
    names = " or ".join("nothing" if kind is type(None) else kind.__name__ for kind in wanted)
    advice = f""" Quote it: --{name}='"{value}"'.""" if {str, Path} & set(wanted) else ""
    raise ConfigError(f"--{name} takes {names}, got {value!r} ({type(value).__name__}).{advice}")
