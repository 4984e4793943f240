from math import inf

import numpy as np
import pytest
from ase.io import read

pytest.importorskip("dscribe")
pytest.importorskip("pymatgen.core")

from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.screening import matching
from keras_ruo2.screening.matching import displacement, same_slab, slab_fingerprint
from keras_ruo2.screening.soap import worst_match
from keras_ruo2.structure.faces import standing
from keras_ruo2.structure.variations import add_on_top

BUNDLED = {slab.info["name"]: slab for slab in read(BUNDLED_STRUCTURES, ":")}
# Of every facet one; asymmetric faces, oblique cells (111).
CHOSEN = [
    "001-O-rich-vacancy",
    "100-stoichiometric-extra-oxygen",
    "101-stoichiometric-relaxed",
    "110-O-poor-vacancy",
    "111-stoichiometric-2-extra-oxygen",
]


def shifted(slab):
    slab.positions += 0.37 * slab.cell[0] + 0.71 * slab.cell[1] + [0, 0, 6.0]
    slab.wrap()
    return slab


def upside_down(slab):
    slab.rotate(180, "x", rotate_cell=True)
    return slab


def mirrored_in_z(slab):
    slab.positions[:, 2] = slab.cell[2, 2] - slab.positions[:, 2]
    return slab


def rotated(slab):
    slab.rotate(37, "z", rotate_cell=True)
    return slab


def axes_exchanged(slab):
    swapped = slab.copy()
    swapped.set_cell(slab.cell.array[[1, 0, 2]])
    return swapped


def shuffled(slab):
    return slab[np.random.default_rng(1).permutation(len(slab))]


def thin_pair(slab):
    return standing(slab, 9.0).repeat((1, 2, 1))


EQUAL = {
    "shifted": shifted,
    "supercell": lambda slab: slab.repeat((2, 1, 1)),
    "large supercell": lambda slab: slab.repeat((2, 3, 1)),
    "upside down": upside_down,
    "mirrored in z": mirrored_in_z,
    "rotated": rotated,
    "axes exchanged": axes_exchanged,
    "wide vacuum": lambda slab: standing(slab, 33.0),
    "narrow vacuum": lambda slab: standing(slab, 6.0),
    "other order of atoms": shuffled,
    "all": lambda slab: shuffled(
        rotated(upside_down(shifted(standing(slab, 9).repeat((1, 2, 1)))))
    ),
}


def compare(one, other):
    first, second = slab_fingerprint(one), slab_fingerprint(other)
    kernel = worst_match(first.environments, second.environments)
    return (*same_slab(first, second, kernel), kernel)


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("change", EQUAL.values(), ids=EQUAL.keys())
def test_slabs_are_equal_however_they_are_written_down(name, change):
    same, apart, kernel = compare(BUNDLED[name], change(BUNDLED[name].copy()))
    assert same
    assert apart < 1e-3
    assert kernel == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 2, 1)])
def test_small_random_displacements_do_not_make_another_slab(name, repeats, rng):
    slab = BUNDLED[name]
    rattled = slab.repeat(repeats)
    rattled.positions += rng.normal(scale=0.05, size=rattled.positions.shape)
    same, apart, _ = compare(slab, rattled)
    assert same and 0.05 < apart < 0.3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("110-stoichiometric-relaxed", "110-O-rich-relaxed"),
        ("110-stoichiometric-relaxed", "110-stoichiometric-vacancy"),
        ("110-O-poor-vacancy", "110-O-poor-extra-oxygen"),
        ("110-stoichiometric-relaxed", "101-stoichiometric-relaxed"),
        ("110-stoichiometric-relaxed", "100-stoichiometric-relaxed"),
        ("100-O-rich-relaxed", "101-O-rich-relaxed"),
        ("111-stoichiometric-relaxed", "111-stoichiometric-2-relaxed"),
        ("001-stoichiometric-extra-oxygen", "001-stoichiometric-peroxo"),
        ("110-stoichiometric-relaxed", "110-stoichiometric-shifted-row"),
    ],
)
def test_other_terminations_facets_and_minima_are_different(one, other):
    assert not compare(BUNDLED[one], BUNDLED[other])[0]


@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 3, 1)])
def test_one_more_oxygen_is_another_slab(slab, repeats, rng):
    large = slab.repeat(repeats)
    assert not compare(large, add_on_top(large, rng))[0]


def test_two_names_of_one_structure_are_found():
    # Half the O on top, on either face: taken from two or added to none.
    same, apart, kernel = compare(
        BUNDLED["110-O-rich-vacancy"], BUNDLED["110-stoichiometric-extra-oxygen"]
    )
    assert same and apart < 0.05 and kernel > 0.999


def test_patterns_of_one_composition_are_different(slab):
    """Two of four O_bridge gone: from one row or from two."""
    large = slab.repeat((1, 4, 1))
    top = np.flatnonzero(large.positions[:, 2] > large.positions[:, 2].max() - 0.1)
    top = top[np.argsort(large.positions[top, 1])]
    side_by_side, apart = large.copy(), large.copy()
    del side_by_side[top[:2].tolist()]
    del apart[top[::2].tolist()]
    assert not compare(side_by_side, apart)[0]


def test_noisy_supercells_become_primitive(slab, rng):
    large = slab.repeat((2, 3, 1))
    large.positions += rng.normal(scale=0.04, size=large.positions.shape)
    assert len(slab_fingerprint(large).structure) == len(slab)


def test_cells_of_other_multiples_are_compared_by_their_kernel_alone(slab, rng, monkeypatch):
    monkeypatch.setattr(matching, "PRIMITIVE", 1e-3)  # as if they did not become primitive
    two, three = slab.repeat((2, 1, 1)), slab.repeat((1, 3, 1))
    for large in (two, three):
        large.positions += rng.normal(scale=0.03, size=large.positions.shape)
    same, apart, kernel = compare(two, three)
    assert same and apart == inf and kernel > 0.985
    assert displacement(slab_fingerprint(two), slab_fingerprint(three)) == inf
