"""Reference crystals, each with its source."""

from ase import Atoms
from ase.spacegroup import crystal

from keras_ruo2.species import SPECIES, Pair


def rutile_ruo2(
    a: float = 4.49307, c: float = 3.10639, x: float = 0.3056, species: Pair = SPECIES
) -> Atoms:
    """Return the two-formula-unit cell of rutile RuO2 (P4_2/mnm, no. 136), or of its like.

    Args:
        a: Edge of the square base, Å.
        c: Edge along the octahedra chains, Å.
        x: Oxygen coordinate, fraction of `a`.
        species: Metal and anion; of other crystals than RuO2 the lengths are only a start.

    Returns:
        `ase.Atoms` with 2 metal atoms and 4 anions, periodic in all three directions.

    Source:
        Neutron powder diffraction at ambient pressure, "Neutron Diffraction Study of the
        Ambient-Pressure, Rutile-Type and the High-Pressure, CaCl2-Type Phases of Ruthenium
        Dioxide" (1997).
    """
    return crystal(
        list(species), [(0, 0, 0), (x, x, 0)], spacegroup=136, cellpar=[a, a, c, 90, 90, 90]
    )
