import numpy as np
import pytest
from ase.io import read

from keras_ruo2.structure.bonds import RU_O_BOND, coordination
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab
from keras_ruo2.structure.validity import broken

A, C = 4.5, 3.1
RU_LAYERS = {"001": 1, "100": 1, "101": 2, "110": 2, "111": 1}  # Ru in an outermost plane

# By hand from the crystal: O neighbours of the outermost Ru.
OUTERMOST = {
    "001-O-poor": [3],
    "001-stoichiometric": [4],
    "001-O-rich": [6],
    "100-O-poor": [3],
    "100-stoichiometric": [5],
    "100-O-rich": [6],
    "101-O-poor": [3, 3],
    "101-stoichiometric": [5, 5],
    "101-O-rich": [6, 6],
    "110-O-poor": [4, 5],
    "110-stoichiometric": [5, 6],
    "110-O-rich": [6, 6],
    "111-O-poor": [3],
    "111-stoichiometric": [3],
    "111-stoichiometric-2": [4],
    "111-O-rich": [6],
    "111-super-O-rich": [6],
}


def faces(slab):
    """Return the coordination numbers around the slab's two faces, from outside in."""
    z = slab.positions[:, 2]
    numbers = coordination(slab, "Ru", "O", RU_O_BOND) + coordination(slab, "O", "Ru", RU_O_BOND)
    for side in (1, -1):
        depth = np.round(side * z.max() - side * z if side > 0 else z - z.min(), 2)
        order = np.lexsort((numbers, slab.numbers, depth))[: len(slab) // 2]
        yield list(zip(depth[order], slab.numbers[order], numbers[order], strict=True))


@pytest.mark.parametrize("name", TERMINATIONS)
def test_stoichiometry_is_exact(name):
    slab = build_slab(name, a=A, c=C)
    num_ruthenium = (slab.numbers == 44).sum()
    assert (slab.numbers == 8).sum() - 2 * num_ruthenium == 2 * TERMINATIONS[name].excess
    assert num_ruthenium == TERMINATIONS[name].num_planes * RU_LAYERS[name[:3]]


@pytest.mark.parametrize("name", TERMINATIONS)
def test_both_faces_are_equal(name):
    upper, lower = faces(build_slab(name, a=A, c=C))
    assert upper == lower


@pytest.mark.parametrize("name", OUTERMOST)
def test_outermost_ruthenium_has_the_coordination_of_crystallography(name):
    slab = build_slab(name, a=A, c=C)
    z = slab.positions[:, 2]
    ruthenium = slab.numbers == 44
    outermost = ruthenium & (z > z[ruthenium].max() - 0.1)
    counted = coordination(slab, "Ru", "O", RU_O_BOND)[outermost]
    assert sorted(counted.tolist()) == OUTERMOST[name]


# Ru neighbours of the outermost O, and how many are so bonded on a face: on-top 1, bridging 2.
SURFACE_OXYGEN = {
    "001-O-poor": {2: 1},
    "001-stoichiometric": {2: 2},
    "001-O-rich": {1: 2, 2: 2},
    "100-O-poor": {},
    "100-stoichiometric": {2: 1},
    "100-O-rich": {1: 1, 2: 1},
    "101-O-poor": {},
    "101-stoichiometric": {2: 2},
    "101-O-rich": {1: 2, 2: 2},
    "110-O-poor": {},
    "110-stoichiometric": {2: 1},
    "110-O-rich": {1: 1, 2: 1},
}


@pytest.mark.parametrize("name", SURFACE_OXYGEN)
def test_surface_oxygen_is_bonded_as_crystallography_says(name):
    slab = build_slab(name, a=A, c=C)
    upper = (slab.numbers == 8) & (slab.positions[:, 2] > slab.positions[:, 2].mean())
    counted = coordination(slab, "O", "Ru", RU_O_BOND)[upper]
    found = {number: int(np.sum(counted == number)) for number in (1, 2)}
    assert {number: count for number, count in found.items() if count} == SURFACE_OXYGEN[name]


@pytest.mark.parametrize("name", TERMINATIONS)
def test_the_inner_octahedra_are_whole(name):
    slab = build_slab(name, a=A, c=C)
    z = slab.positions[:, 2]
    ruthenium = np.flatnonzero(slab.numbers == 44)
    middle = ruthenium[np.argmin(np.abs(z[ruthenium] - z.mean()))]
    assert coordination(slab, "Ru", "O", RU_O_BOND)[middle] == 6
    assert coordination(slab, "Ru", "O", RU_O_BOND).max() == 6
    assert coordination(slab, "O", "Ru", RU_O_BOND).max() == 3


@pytest.mark.parametrize("name", [name for name in TERMINATIONS if name.endswith("O-rich")])
def test_oxygen_rich_terminations_have_only_whole_octahedra(name):
    slab = build_slab(name, a=A, c=C)
    assert set(coordination(slab, "Ru", "O", RU_O_BOND)[slab.numbers == 44]) == {6}


@pytest.mark.parametrize("name", TERMINATIONS)
def test_every_termination_is_whole_and_has_the_vacuum(name):
    slab = build_slab(name, a=A, c=C, vacuum=17.0)
    assert broken(slab) == ()
    assert slab.cell.lengths()[2] - np.ptp(slab.positions[:, 2]) == pytest.approx(17)


def test_lateral_cells_are_those_of_rutile():
    expected = {
        "001": (A, A),
        "100": (C, A),
        "101": (A, np.hypot(A, C)),
        "110": (C, A * np.sqrt(2)),
        "111": (np.hypot(A, C),) * 2,
    }
    for name in TERMINATIONS:
        lengths = sorted(build_slab(name, a=A, c=C).cell.lengths()[:2])
        np.testing.assert_allclose(lengths, expected[name[:3]], atol=1e-6)


def test_terminations_agree_with_published_dft_slabs(realdata):
    """Composition per area and coordination of the upper face, (110) and (101) by others."""
    ours = {"110-stoichiometric": [5, 6], "110-O-rich": [6, 6], "101-stoichiometric": [5, 5]}
    compared = set()
    for slab in read(realdata / "ruo2_vasp_pbe.extxyz", ":"):
        num_excess = (slab.numbers == 8).sum() - 2 * (slab.numbers == 44).sum()
        kind = {0: "stoichiometric", 4: "O-rich"}.get(num_excess)
        name = f"{slab.info['facet']}-{kind}"
        if name not in ours or len(slab) < 90:
            continue
        z = slab.positions[:, 2]
        ruthenium = slab.numbers == 44
        outermost = ruthenium & (z > z[ruthenium].max() - 0.6)
        counted = coordination(slab, "Ru", "O", RU_O_BOND)[outermost]
        assert sorted(set(counted.tolist())) == sorted(set(ours[name]))
        compared.add(name)
    assert compared == set(ours)
