import numpy as np
import pytest
from ase.build import bulk, surface
from ase.io import read

from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.orientation import (
    FACETS,
    facet_of,
    inner_neighbours,
    num_surface_cells,
)
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab

WHOLE = [slab for slab in read(BUNDLED_STRUCTURES, ":") if slab.info["broken"] == "no"]


def test_facets_of_whole_bundled_slabs_are_recognised():
    assert {slab.info["name"]: facet_of(slab) for slab in WHOLE} == {
        slab.info["name"]: slab.info["facet"] for slab in WHOLE
    }


def test_rattled_slabs_are_recognised_or_unknown_never_another_facet(rng):
    found = []
    for slab in WHOLE[::4]:
        slab = slab.copy()
        slab.positions += rng.normal(scale=0.1, size=slab.positions.shape)
        found.append(facet_of(slab) == slab.info["facet"])
        assert facet_of(slab) in (slab.info["facet"], "unknown")
    assert sum(found) > 0.95 * len(found)


@pytest.mark.parametrize("name", ["110-O-rich", "111-stoichiometric", "101-O-poor"])
def test_cells_turned_repeated_and_upside_down_keep_their_facet(name):
    slab = build_slab(name, a=4.5, c=3.1)
    turned = slab.copy()
    turned.rotate(33, "z", rotate_cell=True)
    over = slab.copy()
    over.rotate(180, "x", rotate_cell=True)
    for other in (turned, over, slab.repeat((2, 3, 1))):
        assert facet_of(other) == f"({name[:3]})"


def test_other_facets_and_the_metal_are_unknown():
    high_index = surface(rutile_ruo2(), (2, 1, 0), 4, vacuum=10, periodic=True)
    assert facet_of(high_index) == "unknown"
    metal = surface(bulk("Ru", a=2.7, c=4.28), (0, 0, 1), 6, vacuum=10, periodic=True)
    assert facet_of(metal) == "unknown"


@pytest.mark.parametrize("name", TERMINATIONS)
def test_surface_cells_are_counted_whatever_the_lattice_constants(name):
    slab = build_slab(name, a=4.55, c=3.17)
    for repeats in ((1, 1, 1), (2, 1, 1), (4, 7, 1)):
        large = slab.repeat(repeats)
        facet = facet_of(large)
        assert facet == f"({name[:3]})"
        assert num_surface_cells(facet, large) == np.prod(repeats)


def thin(miller, layers):
    """A slab of whole crystal planes whose broken bonds are left as they are."""
    return surface(rutile_ruo2(), miller, layers, vacuum=10, periodic=True)


def test_a_slab_too_thin_for_ten_neighbours_has_its_facet_even_stretched():
    slab = thin((0, 0, 1), 2)  # four planes of Ru; any Ru has nine Ru neighbours at most
    assert not len(inner_neighbours(slab))
    stretched = slab.copy()
    stretched.positions[:, 2] *= 1.15
    for atoms in (slab, stretched, slab.repeat((2, 3, 1))):
        assert facet_of(atoms) == "(001)"
        assert num_surface_cells("(001)", atoms) == len(atoms) // len(slab)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("miller", [(2, 1, 0), (2, 2, 1), (3, 1, 0), (3, 0, 1), (1, 1, 2)])
def test_thin_slabs_of_other_facets_are_unknown(miller, layers):
    assert facet_of(thin(miller, layers)) == "unknown"


@pytest.mark.parametrize("miller", FACETS)
def test_thin_slabs_have_their_own_facet_or_none(miller):
    found = {facet_of(thin(miller, layers)) for layers in (1, 2, 3)}
    assert found <= {"({}{}{})".format(*miller), "unknown"}


def test_oxygen_alone_has_no_facet():
    slab = build_slab("110-O-rich", a=4.5, c=3.1)
    assert facet_of(slab[slab.numbers == 8]) == "unknown"
