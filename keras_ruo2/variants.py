"""The table of variants: what is generated, and what is predicted along with it."""

from dataclasses import dataclass
from types import MappingProxyType

from keras_ruo2.errors import check_choice


@dataclass(frozen=True)
class Variant:
    """One model.

    Args:
        ndim: Dimensions of a grid.
        lattice: Whether both networks predict the lattice lengths.
        meaning: What it is for, in a few words.
    """

    ndim: int
    lattice: bool = False
    meaning: str = ""

    @property
    def num_lengths(self):
        """Lattice lengths that the networks predict."""
        return self.ndim if self.lattice else 0


VARIANTS = MappingProxyType(
    {
        "vanilla2d": Variant(ndim=2, meaning="slices of density grids"),
        "lattice2d": Variant(ndim=2, lattice=True, meaning="slices with their lattice lengths"),
    }
)


def get_variant(variant):
    """Return the `Variant` of a name; a `Variant` is returned as it is."""
    if isinstance(variant, Variant):
        return variant
    check_choice("variant", variant, VARIANTS)
    return VARIANTS[variant]
