"""The smallest cell that a grid repeats: what a record remembers of the atoms behind its grid."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from keras_ruo2.species import Pair

NUM_HEADERS = 5  # three lengths and two repeats, before four numbers of each atom


@dataclass(frozen=True)
class Motif:
    """Atoms of an orthogonal cell and how often it was repeated.

    Args:
        lengths: Lengths of the cell, shape `(3,)`, Å.
        repeats: How often it stands in the grid along x and y, shape `(2,)`.
        positions: Of its atoms, shape `(n, 3)`, Å.
        channels: Channel of each atom, 0 for the metal and 1 for the anion, shape `(n,)`.
    """

    lengths: np.ndarray
    repeats: np.ndarray
    positions: np.ndarray
    channels: np.ndarray

    def __len__(self) -> int:
        return len(self.channels)

    def to_bytes(self) -> bytes:
        """Return it as a record stores it: float32 numbers."""
        atoms = np.column_stack([self.positions, self.channels]).ravel()
        return np.concatenate([self.lengths, self.repeats, atoms]).astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Motif":
        """Invert `to_bytes`.

        Raises:
            ValueError: If `stored` is not what `to_bytes` returned.
        """
        values = np.frombuffer(stored, "<f4").astype(float)
        if len(values) < NUM_HEADERS or (len(values) - NUM_HEADERS) % 4:
            raise ValueError(f"motif of {len(values)} numbers, expected 5 and 4 for each atom")
        atoms = values[NUM_HEADERS:].reshape(-1, 4)
        repeats = values[3:NUM_HEADERS].round().astype(int)
        return cls(values[:3], repeats, atoms[:, :3], atoms[:, 3].astype(int))

    def to_atoms(self, species: Pair) -> Atoms:
        """Return it as `ase.Atoms` of the given metal and anion, periodic, not repeated."""
        symbols = [species[channel] for channel in self.channels]
        return Atoms(symbols, self.positions, cell=self.lengths, pbc=True)


def motif_of(box: Atoms, species: Pair) -> Motif:
    """Return the `Motif` of a structure as a recipe has prepared it.

    Args:
        box: `ase.Atoms` in an orthogonal cell; `info["lateral_repeats"]` says how often it was
            repeated along x and y by `Atoms.repeat`, which puts the original atoms first.
        species: Metal and anion, in channel order.
    """
    repeats = np.array(box.info.get("lateral_repeats", (1, 1)), dtype=int)
    first = box[: len(box) // int(repeats.prod())]
    symbols = np.array(first.get_chemical_symbols())
    lengths = box.cell.lengths() / (*repeats, 1)
    return Motif(lengths, repeats, first.positions, (symbols == species[1]).astype(int))
