import ase.io
import numpy as np
import pytest

pytest.importorskip("dscribe")
pytest.importorskip("pymatgen.core")

from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.io.structures import read_structures
from keras_ruo2.screening.faces import KnownFaces, faces_of
from keras_ruo2.screening.matching import same_slab, slab_fingerprint
from keras_ruo2.screening.screening import known_slabs, screen
from keras_ruo2.screening.soap import worst_match
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab
from keras_ruo2.structure.variations import add_on_top
from tests.conftest import REALDATA

PBE = REALDATA / "ruo2_vasp_pbe.extxyz"


def build(name, **options):
    slab = build_slab(name, a=4.5, c=3.1, **options)
    slab.info["name"] = name
    return slab


@pytest.fixture(scope="module")
def known():
    """Every termination once, in as many layers as it is usually built of."""
    slabs = [build(name) for name in TERMINATIONS]
    return KnownFaces(slabs, list(range(len(slabs))), SPECIES)


@pytest.mark.parametrize("name", TERMINATIONS)
def test_a_termination_on_more_layers_is_known(name, known):
    slab = build(name, num_planes=TERMINATIONS[name].num_planes + 2).repeat((2, 1, 1))
    slab.rotate(30, "z", rotate_cell=True)
    slab.positions += np.random.default_rng(0).normal(scale=0.03, size=slab.positions.shape)
    found = known.find(slab)
    assert found is not None and found.new_thickness
    assert found.upper == found.lower == list(TERMINATIONS).index(name)


def test_as_many_layers_are_no_new_thickness(known):
    found = known.find(build("110-stoichiometric"))
    assert found is not None and not found.new_thickness


def test_a_new_face_on_a_thicker_slab_is_new(known, rng):
    thick = build("110-stoichiometric", num_planes=5).repeat((2, 1, 1))
    half = add_on_top(thick, rng)  # one O on every other Ru_cus
    assert known.find(half) is None


def test_a_fault_between_two_known_faces_is_new(known):
    """The upper half of a thick slab is moved along the rows by half a cell."""
    slab = build("110-stoichiometric", num_planes=7)
    upper = slab.positions[:, 2] > slab.positions[:, 2].mean() + 0.5
    slab.positions[upper] += 0.5 * slab.cell[1]
    assert not faces_of(slab).bulk
    assert known.find(slab) is None


def test_a_slab_too_thin_for_two_faces_has_none(known):
    assert faces_of(build("110-stoichiometric", num_planes=2)) is None
    assert known.find(build("110-stoichiometric", num_planes=2)) is None


def test_slabs_of_two_facets_are_never_one_whatever_their_kernel():
    """(101) in four layers and (110) in three have atoms that look alike, and no common cell."""
    one, other = build("101-stoichiometric", num_planes=4), build("110-stoichiometric")
    prints = slab_fingerprint(one), slab_fingerprint(other)
    kernel = worst_match(prints[0].environments, prints[1].environments)
    assert kernel > 0.985
    assert same_slab(*prints, kernel) == (False, np.inf)


def test_a_layer_more_or_less_is_no_equal_slab():
    one, other = (build("001-stoichiometric", num_planes=count) for count in (4, 5))
    verdict = screen([one], known_slabs([other]))[0]
    assert not verdict.equals_known and not verdict.novel and verdict.new_thickness


@pytest.mark.skipif(not PBE.exists(), reason="published slabs are not here")
def test_published_slabs_of_four_layers_are_known_terminations():
    slabs = [a for a in ase.io.iread(PBE, ":") if a.cell.lengths()[2] > 28]
    known = known_slabs(read_structures(BUNDLED_STRUCTURES))
    verdicts = dict(zip([a.info["name"] for a in slabs], screen(slabs, known), strict=True))
    assert len(verdicts) == 6 and all(verdict.valid for verdict in verdicts.values())
    new = {name for name, verdict in verdicts.items() if verdict.novel}
    # three of four Ru_cus of a (2x2) cell are covered: a coverage that the bundled slabs lack
    assert new == {"Ru32O71-RuO2-101-Ru-reference", "Ru32O67-RuO2-110-Ru-reference"}
    assert all(verdict.new_thickness for name, verdict in verdicts.items() if name not in new)
