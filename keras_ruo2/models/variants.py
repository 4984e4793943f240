"""The table of variants: what is generated, how it is labelled and what is predicted with it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from keras_ruo2.errors import check_choice

LABEL_SIZES = MappingProxyType(
    {"integer": 206, "onehot": 200, "embedding": 50}
)  # the source's best


@dataclass(frozen=True)
class Variant:
    """One model.

    Args:
        ndim: Dimensions of a grid.
        label: How an energy label enters both networks: a key of `LABEL_SIZES`, or `None`.
        lattice: Whether both networks predict the lattice lengths.
        meaning: What it is for, in a few words.
    """

    ndim: int
    label: str | None = None
    lattice: bool = False
    meaning: str = ""

    @property
    def num_lengths(self) -> int:
        """Lattice lengths that the networks predict."""
        return self.ndim if self.lattice else 0


VARIANTS = MappingProxyType(
    {
        "vanilla2d": Variant(2, meaning="slices of density grids"),
        "integer2d": Variant(2, "integer", meaning="slices of a class, given as a repeated number"),
        "onehot2d": Variant(2, "onehot", meaning="slices of a class, given as a block of ones"),
        "embedding2d": Variant(2, "embedding", meaning="slices of a class, given as a vector"),
        "lattice2d": Variant(2, lattice=True, meaning="slices with their lattice lengths"),
        "integer_lattice2d": Variant(2, "integer", True, "integer2d with lattice lengths"),
        "onehot_lattice2d": Variant(2, "onehot", True, "onehot2d with lattice lengths"),
        "joint2d": Variant(2, "embedding", True, "embedding2d with lattice lengths"),
        "vanilla3d": Variant(3, meaning="whole density grids"),
        "integer3d": Variant(3, "integer", meaning="grids of a class, given as a repeated number"),
        "onehot3d": Variant(3, "onehot", meaning="grids of a class, given as a block of ones"),
        "embedding3d": Variant(3, "embedding", meaning="grids of a class, given as a vector"),
        "lattice3d": Variant(3, lattice=True, meaning="grids with their lattice lengths"),
        "integer_lattice3d": Variant(3, "integer", True, "integer3d with lattice lengths"),
        "onehot_lattice3d": Variant(3, "onehot", True, "onehot3d with lattice lengths"),
        "joint3d": Variant(3, "embedding", True, "embedding3d with lattice lengths"),
    }
)


def get_variant(variant: str | Variant) -> Variant:
    """Return the `Variant` of a name; a `Variant` is returned as it is."""
    if isinstance(variant, Variant):
        return variant
    check_choice("variant", variant, VARIANTS)
    return VARIANTS[variant]
