"""Equilibrium shapes of rutile crystals from the surface free energies of their facets.

The shape of least surface energy at its volume is all that lies below every facet, whose distance
from the centre is proportional to its surface free energy.

Source: G. Wulff, Z. Kristallogr. 34, 449 (1901); proof: C. Herring, Phys. Rev. 82, 87 (1951).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from ase.spacegroup import Spacegroup
from numpy.typing import NDArray
from scipy.spatial import HalfspaceIntersection

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.facets import Miller

# pymatgen's WulffShape is as exact, slower, and takes negative energies without a word.
RUTILE = 136  # P4_2/mnm
SAME_POINT = 1e-7  # of the largest distance from the centre: rounding, not geometry


class CrystalFace(NamedTuple):
    """A face of a crystal.

    Args:
        family: Miller indices that stand for it and its symmetry equivalents.
        normal: Outward unit vector, `(3,)`.
        corners: In order around the face, `(n, 3)`.
        area: In the square of the corners' unit.
    """

    family: Miller
    normal: np.ndarray
    corners: np.ndarray
    area: float


def wulff_shape(energies: Mapping[Miller, float], cell: NDArray[np.float64]) -> list[CrystalFace]:
    """Return the faces of the equilibrium shape of a rutile crystal.

    Args:
        energies: Dict of Miller indices to surface free energies, eV/Å^2; only their ratios matter.
            Each stands for all its equivalents in P4_2/mnm; of two of these the lower one counts.
        cell: Cell vectors of the crystal in rows, `(3, 3)`; only their ratios matter.

    Returns:
        List of `CrystalFace`, of those facets that appear. Corners are in the unit of the energies:
        a face's distance from the centre is its surface free energy.

    Raises:
        ConfigError: If an energy is not positive, so that faces would grow without end, or the
            facets do not enclose a crystal.
    """
    lowest: dict[Miller, float] = {}
    for miller, energy in energies.items():
        if not (np.isfinite(energy) and energy > 0):
            raise ConfigError(
                f"{miller_label(miller)} has a surface free energy of {1000 * energy:.1f} meV/Å^2. "
                "A crystal has a shape only where all are positive. Choose another dmu_O."
            )
        name = family(miller)
        lowest[name] = min(energy, lowest.get(name, np.inf))
    families = [name for name in lowest for _ in equivalents(name)]
    indices = np.array([miller for name in lowest for miller in equivalents(name)]).reshape(-1, 3)
    if not len(indices) or np.linalg.matrix_rank(indices) < 3:  # NumPy 1 asks for a row
        given = ", ".join(map(miller_label, lowest)) or "none"
        raise ConfigError(
            f"These facets do not enclose a crystal: {given}. Add slabs of others, e.g. (101)."
        )
    normals = indices @ np.linalg.inv(cell).T
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    heights = np.array([lowest[name] for name in families], dtype=float)
    # Qhull's tolerances are absolute, so it works on a crystal of about unit size.
    planes = np.column_stack([normals, -heights / heights.min()])
    corners = HalfspaceIntersection(planes, np.zeros(3)).intersections * heights.min()
    faces = [
        face(name, normal, corners, height)
        for name, normal, height in zip(families, normals, heights, strict=True)
    ]
    return [found for found in faces if found is not None]


def face(
    name: Miller, normal: NDArray[np.float64], corners: NDArray[np.float64], height: float
) -> CrystalFace | None:
    """Return the `CrystalFace` that a plane has on a crystal of these corners, or `None`."""
    reach = np.linalg.norm(corners, axis=1).max()
    own = corners[np.abs(corners @ normal - height) < SAME_POINT * reach]
    if len(own) < 3:
        return None
    centre = own.mean(axis=0)
    across = np.linalg.svd(own - centre)[2][0]  # in the face, along its longest extent
    turned = (own - centre) @ np.column_stack([across, np.cross(normal, across)])
    order = np.argsort(np.arctan2(turned[:, 1], turned[:, 0]))
    (x, y), own = turned[order].T, own[order]
    area = float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)
    # A plane that only touches an edge or a corner is no face.
    return CrystalFace(name, normal, own, area) if area > SAME_POINT * reach**2 else None


def area_fractions(faces: Iterable[CrystalFace]) -> dict[Miller, float]:
    """Return the share that each family of facets has in a crystal's surface, as a dict."""
    whole = sum(found.area for found in faces)
    shares: dict[Miller, float] = {}
    for found in faces:
        shares[found.family] = shares.get(found.family, 0.0) + found.area / whole
    return shares


def equivalents(miller: Miller) -> list[Miller]:
    """Return the Miller indices of all facets that rutile's symmetry makes equal to one."""
    return [tuple(map(int, row)) for row in Spacegroup(RUTILE).equivalent_reflections([miller])]


def family(miller: Miller) -> Miller:
    """Return the one of `equivalents` that stands for them: `(1, 0, 1)` of `(0, -1, 1)`."""
    return max(equivalents(tuple(np.array(miller) // np.gcd.reduce(miller))))


def miller_label(miller: Miller) -> str:
    """Return Miller indices as slabs' `facet` has them: `"(110)"`."""
    return "({}{}{})".format(*miller)
