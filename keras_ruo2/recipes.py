"""What becomes of structures on their way to records, written as data."""

from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True)
class Recipe:
    """How structures become records.

    Args:
        alpha: Inverse square width of the Gaussians, Å^-2.
        translations: Random translations and rotations of each structure.
        positions: Slice positions along x and y; empty for whole 3D grids.
        whole_only: Leave out structures that the filter finds broken.
        extend: Repeat cells in x and y until they are nearly cubes, and cut the vacuum.
        vacuum: Empty space that is left along z when extended, Å.
        rotate: Turn each copy by a random multiple of 90 degrees about z.
        num_voxels: Voxels along each direction.
    """

    alpha: float
    translations: int
    positions: tuple[int, ...] = ()
    whole_only: bool = False
    extend: bool = True
    vacuum: float = 12.0
    rotate: bool = True
    num_voxels: int = 32

    @property
    def ndim(self) -> int:
        """Dimensions of the grids: 2 for slices, 3 for whole grids."""
        return 2 if self.positions else 3

    @property
    def grid_shape(self) -> tuple[int, ...]:
        """Shape of a grid without its channels."""
        return (self.num_voxels,) * self.ndim

    @property
    def records_per_structure(self) -> int:
        """Records that a structure gives if no slice is empty."""
        return self.translations * max(1, 2 * len(self.positions))

    def at(self, num_voxels: int | None) -> "Recipe":
        """Return this recipe for grids of another size; `None` leaves it as it is.

        Slices at every second voxel stay at every second voxel, others at their fraction of the
        cell.
        """
        if num_voxels is None:
            return self
        positions = tuple(range(0, num_voxels, 2))
        if self.positions != EVEN:
            scaled = {position * num_voxels // self.num_voxels for position in self.positions}
            positions = tuple(sorted(scaled))
        return replace(self, num_voxels=num_voxels, positions=positions)


EVEN = tuple(range(0, 32, 2))
# The critic halves a grid three times, so grids are multiples of 8, and 8 is the
# coarsest grid. The finest has voxels of 0.35 Å in the largest cells of the small dataset, half as
# wide as its narrower Gaussians; a batch of 32 in 3D takes 270 MB for eight channels there.
VOXEL_STEP, FEWEST_VOXELS, MOST_VOXELS = 8, 8, 64
TRANSLATIONS = ("xyz", "xy")  # axes along which copies may be moved at random

# Alpha, and translations and positions in 2D, are the source's (sections 3.1.1 and 3.2). It has no
# 3D records of the small dataset: ten copies of 148 slabs are 1,480 grids of 131 kB, 194 MB, which
# still fit into the page cache of a small machine, and every quarter turn is there 2.5 times.
# Cells of a search are supercells with little vacuum already and stay as they are; the source moved
# them at random once and did not turn them.
SEARCHED = Recipe(alpha=5.0, translations=1, extend=False, rotate=False)
RECIPES = MappingProxyType(
    {
        "gap2d": Recipe(alpha=5.0, translations=4, positions=EVEN),
        "gap2d_clean": Recipe(alpha=5.0, translations=4, positions=EVEN, whole_only=True),
        "gap2d_small": Recipe(alpha=2.5, translations=4, positions=EVEN, extend=False),
        "gap3d": Recipe(alpha=5.0, translations=10),
        "gap3d_clean": Recipe(alpha=5.0, translations=10, whole_only=True),
        "basin_hopping2d": replace(SEARCHED, positions=(10,)),
        "basin_hopping3d": SEARCHED,
    }
)
