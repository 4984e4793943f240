import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from keras_ruo2.density.backmap import BOTTOM, BackmapFailure, backmap, backmap_slice
from keras_ruo2.density.gaussians import VoxelGrid, gaussian_slopes
from keras_ruo2.density.noise import likely_residual
from keras_ruo2.density.voxelise import periodic_gaussians, voxelise
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.recipes import RECIPES
from keras_ruo2.records.samples import rotate_and_translate
from keras_ruo2.records.survey import prepare_structure
from keras_ruo2.structure.cells import LARGEST_VOXEL, widest_gap
from tests.round_trips import distance, formula

SHAPE = (32, 32, 32)
ALPHA = RECIPES["gap2d"].alpha
CELL = [10.0, 11.0, 12.0]
EXACT = 1e-3  # Å, a tenth of what one step of the fit may leave


@pytest.fixture(scope="module")
def fine():
    """Bundled slabs with voxels below 0.6 Å, a fifth of them, anywhere in their cells."""
    rng = np.random.default_rng(1)
    prepared = [
        prepare_structure(slab, RECIPES["gap2d"]) for slab in read(BUNDLED_STRUCTURES, "::2")
    ]
    small = [box for box in prepared if box.cell.lengths().max() < LARGEST_VOXEL * 32]
    return [rotate_and_translate(box, rng, rotate=True) for box in small[::3]]


@pytest.fixture(scope="module")
def boxes(fine):
    return fine[:4]


# The limits are those that the project asks of the round trip.
@pytest.mark.parametrize(
    ("store", "limit"),
    [
        (lambda grid, rng: grid, 0.02),
        (lambda grid, rng: grid.astype(np.float16), 0.02),
        (lambda grid, rng: np.round(255 * grid).astype(np.uint8), 0.03),
        (lambda grid, rng: np.clip(grid + 0.05 * rng.normal(size=grid.shape), 0, 1), 0.05),
    ],
    ids=["float32", "float16", "uint8", "noise"],
)
def test_bundled_slabs_come_back(boxes, rng, store, limit):
    for box in boxes:
        grid = store(voxelise(box, SHAPE, alpha=ALPHA), rng)
        found = backmap(grid, box.cell.lengths(), alpha=ALPHA)
        assert formula(found) == formula(box)
        assert distance(box, found) < limit
        assert found.info["failures"] == "no"


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_the_composition_is_right_below_the_largest_voxel(fine, rng, noise):
    """The whole of them is in experiments/002_backmap."""
    for box in fine:
        grid = voxelise(box, SHAPE, alpha=ALPHA)
        grid = np.clip(grid + noise * rng.normal(size=grid.shape), 0, 1)
        assert formula(backmap(grid, box.cell.lengths(), alpha=ALPHA)) == formula(box)


def test_real_slabs_come_back(realdata):
    slabs = [atoms for atoms in read(realdata / "ruo2_vasp_pbe.extxyz", ":") if len(atoms) > 90]
    assert len(slabs) == 6
    for slab in slabs[::3]:
        box = prepare_structure(slab, RECIPES["gap2d"])
        found = backmap(voxelise(box, alpha=ALPHA), box.cell.lengths(), alpha=ALPHA)
        assert formula(found) == formula(box)
        assert distance(box, found) < 0.02


def test_the_vacuum_lies_on_top(slab):
    slab.positions[:, 2] += 9.3  # the slab crosses the boundary
    slab.wrap()
    found = backmap(voxelise(slab, alpha=ALPHA), slab.cell.lengths(), alpha=ALPHA)
    heights = found.positions[:, 2]
    assert heights.min() == pytest.approx(BOTTOM)
    gap, bottom = widest_gap(found)
    assert bottom == pytest.approx(BOTTOM)
    assert found.cell.lengths()[2] - heights.max() == pytest.approx(gap - BOTTOM)
    assert distance(slab, found) < EXACT


def test_a_crystal_without_vacuum_stays_where_it_is(rutile):
    found = backmap(voxelise(rutile, alpha=ALPHA), rutile.cell.lengths(), alpha=ALPHA)
    assert found.info["shift"] == 0
    assert formula(found) == formula(rutile)
    assert distance(rutile, found) < EXACT


# From a blob clipped to 1 (0.4 Å) through merged maxima to the bond of O2 and an octahedron's edge.
@pytest.mark.parametrize("alpha", [2.5, 5.0])
@pytest.mark.parametrize("bond", [0.4, 0.7, 0.9, 1.0, 1.21, 1.42, 2.4])
def test_overlapping_neighbours_are_two(rng, alpha, bond):
    for _ in range(3):
        direction = rng.normal(size=3)
        place = rng.uniform(size=3) * CELL
        ends = [place, place + bond * direction / np.linalg.norm(direction)]
        pair = Atoms("O2", ends, cell=CELL, pbc=True)
        grid = np.round(255 * voxelise(pair, alpha=alpha)).astype(np.uint8)
        found = backmap(grid, CELL, alpha=alpha)
        assert formula(found) == "O2"
        assert distance(pair, found) < 0.03


def test_a_peroxo_group_less_than_two_voxels_long_is_found():
    """Voxels of 0.69 Å, O atoms 1.28 Å apart: the lone Gaussian fitted first sees neither end."""
    cell = np.array([19.2, 19.0, 22.1])
    ends = [[0.604, 16.601, 6.475], [0.446, 16.461, 5.216]]
    pair = Atoms("O2", ends, cell=cell, pbc=True)
    found = backmap(voxelise(pair, alpha=ALPHA), cell, alpha=ALPHA)
    assert formula(found) == "O2"
    assert distance(pair, found) < EXACT


@pytest.mark.parametrize("place", [[0, 0, 0], [5, 5.5, 6], [0.15625, 5.5, 6], [9.99, 10.99, 0.01]])
def test_an_atom_on_between_or_across_voxels_is_one(place):
    atom = Atoms("Ru", [place], cell=CELL, pbc=True)
    for alpha in (0.5, 2.5, 8.0):
        grid = np.round(255 * voxelise(atom, alpha=alpha)).astype(np.uint8)
        found = backmap(grid, CELL, alpha=alpha)
        assert formula(found) == "Ru"
        assert distance(atom, found) < 0.01


@pytest.mark.parametrize(("share", "count"), [(0.35, 0), (0.65, 1), (1.0, 1)])
def test_atoms_are_counted_by_their_share_of_density(share, count):
    """A lone atom's density is an atom from one half on; a whole one stands beside it."""
    faint = voxelise(Atoms("O", [[3, 3, 3]], cell=CELL), alpha=ALPHA)
    whole = voxelise(Atoms("O", [[7, 7, 7]], cell=CELL), alpha=ALPHA)
    found = backmap(share * faint + whole, CELL, alpha=ALPHA)
    assert len(found) == 1 + count
    if count:
        own = np.argmin(found.positions[:, 2])
        assert found.arrays["reproduced"][own] == pytest.approx(share, abs=0.02)
        assert found.arrays["reproduced"].max() == pytest.approx(1, abs=0.02)


def test_density_between_one_and_two_atoms_goes_to_the_nearer_number():
    one = voxelise(Atoms("O", [[5, 5, 5]], cell=CELL), alpha=ALPHA)
    other = voxelise(Atoms("O", [[5, 5, 5.8]], cell=CELL), alpha=ALPHA)
    for share, count in ((0.2, 1), (0.9, 2)):
        assert len(backmap(np.minimum(one + share * other, 1), CELL, alpha=ALPHA)) == count


def test_a_perfect_grid_is_trusted_and_leaves_nothing(slab):
    found = backmap(voxelise(slab, alpha=ALPHA), slab.cell.lengths(), alpha=ALPHA)
    for name in ("confidence", "reproduced"):
        assert found.arrays[name].shape == (len(slab),)
        assert found.arrays[name].min() > 0.99
    assert found.info["residual"] < 1e-3


def test_noise_costs_reproduction_and_residual(slab, rng):
    grid = voxelise(slab, alpha=ALPHA)
    grid = np.clip(grid + 0.05 * rng.normal(size=grid.shape), 0, 1)
    found = backmap(grid, slab.cell.lengths(), alpha=ALPHA)
    assert 0.5 < found.arrays["reproduced"].mean() < 0.98
    assert found.info["residual"] > 0.1


def test_another_order_of_species_is_another_order_of_channels(slab):
    grid = voxelise(slab, alpha=ALPHA, species=("O", "Ru"))
    found = backmap(grid, slab.cell.lengths(), alpha=ALPHA, species=("O", "Ru"))
    assert formula(found) == formula(slab)
    assert found.get_chemical_symbols()[0] == "O"


def test_a_slice_gives_the_atoms_near_its_plane(boxes):
    box, index = boxes[0], 7
    lengths = box.cell.lengths()
    grid = voxelise(box, SHAPE, alpha=ALPHA)[:, index]
    found = backmap_slice(grid, lengths[[0, 2]], alpha=ALPHA)
    offset = box.positions[:, 1] - index * lengths[1] / 32
    offset = np.abs(offset - lengths[1] * np.round(offset / lengths[1]))
    near = offset < 0.5  # a Gaussian's height is then 0.29, well above the faintest
    assert near.any()
    for atom, height in zip(box[near], offset[near], strict=True):
        apart = found.positions - atom.position
        apart -= lengths * np.round(apart / lengths)
        gap = np.linalg.norm(apart[:, [0, 2]], axis=1) + 9 * (found.numbers != atom.number)
        assert gap.min() < 0.01
        assert found.arrays["offset"][np.argmin(gap)] == pytest.approx(height, abs=0.02)
    assert found.cell.rank == 2 and (found.positions[:, 1] == 0).all()


def test_slopes_are_the_derivatives_of_the_gaussians():
    places, step = np.array([0.3, 2.9]), 1e-5
    high, low = (periodic_gaussians(places + way, 3.0, 8, 0.7) for way in (step, -step))
    expected = (high - low) / (2 * step)
    np.testing.assert_allclose(gaussian_slopes(places, 3.0, 8, 0.7), expected, atol=1e-8)


def test_clipped_noise_pulls_a_right_rendering_nowhere_on_average(rng):
    """The derivative of a likelihood averages to zero at the truth."""
    for density in (0.0, 0.1, 0.5, 1.0):
        grid = np.clip(density + 0.1 * rng.normal(size=200_000), 0, 1)
        pull = likely_residual(grid, np.full(grid.shape, density), 0.1).mean()
        assert abs(pull) < 1e-3  # five standard errors of 0.1 / sqrt(200,000)


def test_distances_use_the_nearest_image():
    lattice = VoxelGrid(np.array(CELL), SHAPE, ALPHA)
    found = lattice.distances(np.array([[0.1, 0, 0]]), np.array([[9.9, 10.9, 0]]))
    assert found[0, 0] == pytest.approx(np.hypot(0.2, 0.1))


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        (np.zeros((*SHAPE, 2)), "empty"),
        (np.full((*SHAPE, 2), 0.1), "empty"),
        (np.ones((*SHAPE, 2)), "crowded"),
        (np.random.default_rng(0).uniform(size=(*SHAPE, 2)), "crowded"),
    ],
    ids=["nothing", "fog", "full", "noise"],
)
def test_grids_without_a_structure_are_failures_with_a_name(grid, reason):
    with pytest.raises(BackmapFailure) as caught:
        backmap(grid, CELL, alpha=ALPHA)
    assert caught.value.reason == reason
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"grid": np.zeros((8, 8, 2))}, r"has shape \(8, 8, 2\). Expected \(x, y, z, channel\)"),
        ({"grid": np.zeros((8, 8, 8, 3))}, "2 channels"),
        ({"grid": np.full((8, 8, 8, 2), np.nan)}, "not finite"),
        ({"grid": np.full((8, 8, 8, 2), 7.0)}, "from 7 to 7. Expected"),
        ({"grid": np.zeros((8, 8, 8, 2), dtype=int)}, "Expected floats"),
        ({"lengths": [10, 10]}, "Expected 3 between"),
        ({"lengths": [10, 10, -3]}, "Expected 3 between"),
        ({"lengths": [10, 10, np.nan]}, "Expected 3 between"),
        ({"alpha": 0.0}, "`alpha` is 0.0"),
    ],
)
def test_unusable_input_is_refused(values, message):
    arguments = {"grid": np.zeros((8, 8, 8, 2)), "lengths": CELL, "alpha": ALPHA} | values
    with pytest.raises(ConfigError, match=message):
        backmap(arguments["grid"], arguments["lengths"], alpha=arguments["alpha"])
