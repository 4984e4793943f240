import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.kept import base_of, join_face
from keras_ruo2.structure.registration import register
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.structure.validity import reasons_against

A, C = 4.5, 3.1


def whole(name, num_planes=None, a=A, c=C):
    return build_slab(name, a=a, c=c, num_planes=num_planes)


def sites_of(slab):
    """Return a slab's atoms as the sites of a frame."""
    base = base_of(slab, SPECIES, frozen_layers=1)
    return base.places, base.channels, base.lengths[:2]


def laid_on(base, slab):
    """Return what comes of laying a slab's face on a base, in both ways up."""
    made = []
    for found in register(base, *sites_of(slab)):
        shape = found.partners.shape
        made.append(join_face(base, found, np.zeros((*shape, 3)), np.ones(shape, bool)))
    return made


@pytest.mark.parametrize("name", ["110", "101", "100", "001"])
def test_the_face_of_the_same_crystal_gives_the_same_slab_again(name):
    slab = whole(f"{name}-stoichiometric")
    base = base_of(slab, SPECIES, frozen_layers=2)
    made = laid_on(base, slab)
    assert len(made) == 2
    for atoms in made:
        assert atoms.get_chemical_formula() == slab.get_chemical_formula()
        assert atoms.info["misfit"] < 1e-6 and atoms.info["disagreeing"] == 0
        apart = atoms.get_all_distances(mic=True)
        np.testing.assert_allclose(
            np.sort(apart, axis=None),
            np.sort(slab.get_all_distances(mic=True), axis=None),
            atol=0.2,
        )
        assert not reasons_against(atoms)


def test_kept_atoms_and_the_cell_stay_to_the_last_bit_and_are_fixed():
    slab = whole("110-stoichiometric")
    slab.positions += np.random.default_rng(0).normal(scale=0.03, size=slab.positions.shape)
    base = base_of(slab, SPECIES, frozen_layers=1)
    for atoms in laid_on(base, whole("110-O-rich", a=4.56, c=3.07)):
        assert atoms.positions[: len(base.kept)].tobytes() == slab.positions[base.kept].tobytes()
        assert atoms.cell.array.tobytes() == slab.cell.array.tobytes()
        assert atoms.constraints[0].index.tolist() == list(range(len(base.kept)))
        oxygen = len(atoms) - atoms.symbols.count("Ru")
        assert oxygen == slab.symbols.count("O") + 1  # of the upper face only


def test_a_larger_cell_is_tiled_and_may_lie_anywhere():
    slab = whole("100-stoichiometric").repeat((1, 2, 1))
    shifted = slab.copy()
    shifted.positions += [1.3, 2.2, 0.7 * slab.cell[2, 2]]
    shifted.wrap()
    for atoms in (slab, shifted):
        base = base_of(atoms, SPECIES, frozen_layers=2)
        found = register(base, *sites_of(whole("100-stoichiometric")))
        assert {one.tiles for one in found} == {(1, 2)} or {one.tiles for one in found} == {(2, 1)}
        (first, *_) = laid_on(base, whole("100-stoichiometric"))
        assert len(first) == len(atoms) and not reasons_against(first)


def test_other_facets_and_strained_cells_find_no_place():
    base = base_of(whole("110-stoichiometric"), SPECIES, frozen_layers=1)
    assert not register(base, *sites_of(whole("101-stoichiometric")))
    assert not register(base, *sites_of(whole("110-stoichiometric", a=4.9)))


def test_more_planes_than_the_frame_has_find_no_place():
    base = base_of(whole("110-stoichiometric", 7), SPECIES, frozen_layers=1)
    assert base.planes == 6
    assert not register(base, *sites_of(whole("110-stoichiometric", 3)))


def test_planes_are_cut_by_their_height_too():
    slab = whole("110-stoichiometric")
    by_layers = base_of(slab, SPECIES, frozen_layers=1)
    by_height = base_of(slab, SPECIES, keep_below=by_layers.cut)
    np.testing.assert_array_equal(by_height.kept, by_layers.kept)
    assert by_height.planes == by_layers.planes == 2


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"frozen_layers": 9}, "has 3 layers of Ru, 9 of which cannot be frozen"),
        (
            {"keep_below": 99.0},
            "--keep_below=99 lies above all atoms of the slab, which has z from",
        ),
        ({"keep_below": -9.0}, "lies below all atoms"),
    ],
)
def test_a_cut_that_leaves_nothing_is_refused(flags, message):
    with pytest.raises(ConfigError, match=message):
        base_of(whole("110-stoichiometric"), SPECIES, **flags)


def test_slabs_that_no_face_fits_are_refused():
    slab = whole("110-stoichiometric")
    other = slab.copy()
    other.symbols[0] = "Ir"
    oblique = slab.copy()
    oblique.set_cell(slab.cell.array + [[0, 0, 0], [1, 0, 0], [0, 0, 0]])
    thick = slab.copy()
    thick.cell[2, 2] -= 18.5
    for atoms, message in (
        (other, "is of Ir, O, Ru, the model makes Ru and O"),
        (oblique, "angles of .* degrees. Expected 90, 90, 90"),
        (thick, "Å of vacuum along its third cell vector, at least 4 Å are needed"),
    ):
        with pytest.raises(ConfigError, match=message):
            base_of(atoms, SPECIES, frozen_layers=1)
    across = slab.copy()
    across.positions[:, 2] -= slab.positions[:, 2].mean()
    across.wrap()
    with pytest.raises(ConfigError, match="lies across the top of its cell"):
        base_of(across, SPECIES, keep_below=1.0)
