import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.thermodynamics.wulff import area_fractions, equivalents, family, wulff_shape

CUBE = np.eye(3)
RUTILE = np.diag([4.49, 4.49, 3.11])
FACETS = {(1, 1, 0): 0.043, (1, 0, 1): 0.053, (1, 0, 0): 0.059, (0, 0, 1): 0.072, (1, 1, 1): 0.06}


def volume(faces):
    """A third of distance times area, summed over the faces."""
    return sum(face.normal @ face.corners[0] * face.area for face in faces) / 3


def test_equal_energies_of_the_cube_faces_give_a_cube():
    faces = wulff_shape({(1, 0, 0): 0.5, (0, 0, 1): 0.5}, CUBE)
    assert len(faces) == 6
    assert [face.area for face in faces] == pytest.approx([1.0] * 6)
    assert area_fractions(faces) == pytest.approx({(1, 0, 0): 4 / 6, (0, 0, 1): 2 / 6})
    assert volume(faces) == pytest.approx(1)


def test_octagonal_prism_has_the_edges_that_geometry_demands():
    """Half an edge of a face is (neighbour's distance * sqrt 2 - own distance)."""
    square, diagonal, end = 1.0, 1.1, 2.0
    faces = wulff_shape({(1, 0, 0): square, (1, 1, 0): diagonal, (0, 0, 1): end}, RUTILE)
    shares = area_fractions(faces)
    own = 2 * (np.sqrt(2) * diagonal - square)
    other = 2 * (np.sqrt(2) * square - diagonal)
    assert shares[1, 1, 0] / shares[1, 0, 0] == pytest.approx(other / own)
    assert sum(face.area for face in faces if face.family == (1, 0, 0)) == pytest.approx(
        4 * own * 2 * end
    )


def test_the_cell_tilts_the_normals():
    """(101) leans from c by the angle whose tangent is c / a."""
    (leaning, *_) = wulff_shape({(1, 0, 1): 1.0}, RUTILE)
    tangent = np.hypot(*leaning.normal[:2]) / abs(leaning.normal[2])
    assert tangent == pytest.approx(3.11 / 4.49)


def test_a_facet_of_huge_energy_does_not_appear():
    shares = area_fractions(wulff_shape(FACETS | {(0, 0, 1): 50.0}, RUTILE))
    assert (0, 0, 1) not in shares and shares[1, 1, 0] > 0


@pytest.mark.parametrize("touching", [np.sqrt(2), np.sqrt(2) * (1 + 1e-9)])
def test_a_plane_that_only_touches_an_edge_is_no_face(touching):
    cube = {(1, 0, 0): 1.0, (0, 0, 1): 1.0}
    assert set(area_fractions(wulff_shape(cube | {(1, 1, 0): touching}, CUBE))) == set(cube)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e6])
def test_only_the_ratios_of_energies_and_lengths_matter(scale):
    shares = area_fractions(wulff_shape(FACETS, RUTILE))
    assert sum(shares.values()) == pytest.approx(1)
    scaled = {miller: scale * energy for miller, energy in FACETS.items()}
    assert area_fractions(wulff_shape(scaled, RUTILE)) == pytest.approx(shares)
    assert area_fractions(wulff_shape(FACETS, scale * RUTILE)) == pytest.approx(shares)


def test_the_surface_is_closed_and_its_faces_are_convex(rng):
    for energies in rng.uniform(0.5, 1.0, (20, 5)):
        faces = wulff_shape(dict(zip(FACETS, energies, strict=True)), RUTILE)
        outward = sum(face.area * face.normal for face in faces)
        np.testing.assert_allclose(outward, 0, atol=1e-7)
        corners = np.concatenate([face.corners for face in faces])
        for face in faces:
            height = face.normal @ face.corners[0]
            assert (corners @ face.normal).max() == pytest.approx(height, abs=1e-7)


def test_no_other_shape_of_the_facets_has_less_surface_energy(rng):
    """Wulff's theorem, at equal volume."""
    best = wulff_shape(FACETS, RUTILE)
    least = sum(FACETS[face.family] * face.area for face in best) / volume(best) ** (2 / 3)
    for factors in rng.uniform(0.9, 1.1, (20, 5)):
        tried = {m: f * FACETS[m] for m, f in zip(FACETS, factors, strict=True)}
        faces = wulff_shape(tried, RUTILE)
        energy = sum(FACETS[face.family] * face.area for face in faces) / volume(faces) ** (2 / 3)
        assert energy > least


def test_equivalent_facets_are_one_family_and_the_lower_energy_counts():
    assert family((0, -1, 1)) == (1, 0, 1) and family((0, 0, -2)) == (0, 0, 1)
    assert len(equivalents((1, 1, 0))) == 4 and len(equivalents((1, 1, 1))) == 8
    assert (0, 1, 1) in equivalents((1, 0, 1)) and (1, 1, 0) not in equivalents((1, 0, 1))
    twice = wulff_shape(FACETS | {(0, 1, -1): FACETS[1, 0, 1] + 0.01}, RUTILE)
    assert area_fractions(twice) == pytest.approx(area_fractions(wulff_shape(FACETS, RUTILE)))


@pytest.mark.parametrize("energy", [0.0, -0.01, np.nan])
def test_energies_that_are_not_positive_are_refused(energy):
    with pytest.raises(ConfigError, match=r"\(110\) has .* only where all are positive"):
        wulff_shape(FACETS | {(1, 1, 0): energy}, RUTILE)


@pytest.mark.parametrize("facets", [[], [(1, 1, 0)], [(0, 0, 1)], [(1, 1, 0), (1, 0, 0)]])
def test_facets_that_leave_the_crystal_open_are_refused(facets):
    with pytest.raises(ConfigError, match="do not enclose a crystal"):
        wulff_shape(dict.fromkeys(facets, 1.0), RUTILE)


def test_pymatgen_finds_the_same_shape():
    wulff = pytest.importorskip("pymatgen.analysis.wulff")
    from pymatgen.core import Lattice

    # pymatgen takes the point group from the bare lattice: 4/mmm here, that of rutile too.
    found = wulff.WulffShape(Lattice(RUTILE), list(FACETS), list(FACETS.values()))
    shares = area_fractions(wulff_shape(FACETS, RUTILE))
    expected = {m: share for m, share in found.area_fraction_dict.items() if share > 1e-9}
    assert shares == pytest.approx(expected, abs=1e-5)
