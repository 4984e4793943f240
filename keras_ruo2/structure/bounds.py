"""Every bound that a structure is judged by, once, with where its number comes from.

Who judges by it follows from `validity.REASONS` and the subsets of them.
"""

from types import MappingProxyType
from typing import NamedTuple


class Bound(NamedTuple):
    """A number that a structure is judged by.

    Args:
        value: The number, or the lowest and the highest one.
        unit: Its unit.
        source: Where it comes from.
    """

    value: float | tuple[float, float]
    unit: str
    source: str


RADII = "of the sum of two covalent radii (Ru 1.46, O 0.66 Å)"
BUNDLED = "bundled slabs without flaw"
BOUNDS = MappingProxyType(
    {
        "atoms": Bound(2, "atoms at least", "a metal and an anion"),
        "from_origin": Bound(1e4, "Å from the origin", "ours; damage, no structure"),
        "vector": Bound(
            (1.0, 200.0),
            "Å, length of a cell vector",
            "ours; those of bundled slabs have 3.1 to 34.2 Å",
        ),
        "thickness": Bound(
            0.3,
            "Å between opposite planes of a cell",
            "ours; neighbours would be in thousands of images of a flatter one",
        ),
        "cell_volume": Bound(1.0, "Å^3 of a cell", "ours; an atom of RuO2 has 10.4"),
        "volume_of_an_atom": Bound(
            (3.0, 20_000.0), "Å^3 of the cell for each atom", "ours; RuO2 has 10.4"
        ),
        "energy_of_an_atom": Bound(1e6, "eV for each atom", "all electrons of Ru have 1.2e5"),
        "spacing": Bound(
            (0.4, 1.6),
            "nearest neighbours (median) over the sum of covalent radii",
            "oxides have 0.9 to 1.0, RuO2 0.93",
        ),
        "occupancy": Bound(0.999, "from which on a site is full", "ours; rounding"),
        "contact": Bound(0.5, "Å", "the bond of H2 has 0.74 Å"),
        "false_well": Bound(
            0.6,
            RADII,
            "nearer atoms are no place to relax from: potentials have false wells, CHGNet from "
            "0.55, SevenNet from 0.45 on (experiments/013_potentials); O2 is at 0.92",
        ),
        "merged": Bound(0.7, RADII, f"shortest bonds of {BUNDLED}: Ru-O 0.74, Ru-Ru 0.80; O2 0.92"),
        "ru_neighbours": Bound(
            (2, 6), "O around a Ru", "2 in corners of O-poor (001), 6 in the crystal"
        ),
        "o_neighbours": Bound((0, 4), "Ru around an O", "3 in the crystal, 4 in a few whole slabs"),
        "oxygen_per_ruthenium": Bound((1.0, 3.0), "", f"{BUNDLED}: 1.17 to 2.86"),
        "largest_excess": Bound(
            0.14, "O beyond RuO2 for each face, Å^-2", f"{BUNDLED}: -0.105 to 0.104"
        ),
        "slab_gap": Bound(
            4.0,
            "Å of empty space across the slab",
            "ours; the bundled slabs were made with 20 Å of vacuum",
        ),
        "fragment_kept": Bound(
            0.5, "share of the atoms of the largest fragment", "ours; less fell apart"
        ),
        "farthest": Bound(
            10.0, "Å that an atom moves", "ours; what moves farther has left the slab"
        ),
    }
)


def bound(name: str) -> float:
    """Return the value of a row of `BOUNDS` that is one number."""
    value = BOUNDS[name].value
    if isinstance(value, tuple):
        raise TypeError(f"{name} is a range: `bound_range`")
    return value


def bound_range(name: str) -> tuple[float, float]:
    """Return the lowest and the highest value of a row of `BOUNDS`."""
    value = BOUNDS[name].value
    if not isinstance(value, tuple):
        raise TypeError(f"{name} is one number: `bound`")
    return value
