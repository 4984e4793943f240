import ase.io
import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.basin_hopping.starts import CHECKERBOARD, SOURCE, make_starts, start_words
from keras_ruo2.basin_hopping.trial import faults_of
from keras_ruo2.config.preparation import BasinHoppingConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import LARGEST_VOXEL, widest_gap
from keras_ruo2.structure.layers import BUFFER, DISPLACED, FROZEN, layer_of
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab

A, C = 4.5162, 3.1643


def config(tmp_path, **values):
    return BasinHoppingConfig(out=tmp_path / "found.extxyz", steps=1, **values)


def starts(tmp_path, **values):
    return make_starts(config(tmp_path, **values), A, C)


def test_every_termination_is_a_start_that_32_voxels_resolve(tmp_path):
    found = starts(tmp_path, start="all")
    assert [slab.info["start"] for slab in found] == list(TERMINATIONS)
    for slab in found:
        lengths = slab.cell.lengths()
        assert np.all((lengths > 8.8) & (lengths < 17.01)) and lengths.max() / 32 < LARGEST_VOXEL
        assert widest_gap(slab)[0] >= 6 - 1e-6
        assert set(layer_of(slab)) == {FROZEN, BUFFER, DISPLACED}
        np.testing.assert_allclose(slab.cell.angles(), 90)
        assert 0 < slab.positions[:, 2].min() and slab.positions[:, 2].max() < lengths[2]


def test_the_thesis_had_four_starts_two_of_them_with_every_second_outermost_oxygen(tmp_path):
    poor, stoichiometric, half_poor, half_rich = starts(tmp_path, start="source")
    assert (
        tuple(slab.info["start"] for slab in (poor, stoichiometric, half_poor, half_rich)) == SOURCE
    )

    def ratio(slab):
        return (np.sum(slab.numbers == 8) - 2 * np.sum(slab.numbers == 44)) / np.sum(
            slab.numbers == 44
        )

    # Four planes; the lower face keeps its oxygen: 0 at the stoichiometric one, 1 at the rich one.
    assert ratio(stoichiometric) == 0 and ratio(poor) == pytest.approx(-2 / 4)
    assert ratio(half_poor) == pytest.approx(-0.5 / 4)
    assert ratio(half_rich) == pytest.approx(1.5 / 4)


def test_the_checkerboard_repeats_after_two_cells_and_along_diagonals(tmp_path):
    (slab,) = starts(tmp_path, start="100-c2x2-O-poor")
    oxygen = slab.positions[slab.numbers == 8]
    top = oxygen[oxygen[:, 2] > oxygen[:, 2].max() - 0.1]
    cells = slab.cell.lengths()[:2] / (2, 4)
    assert len(top) == 4
    sums = np.round((top[:, :2] - top[0, :2]) / cells).sum(axis=1)
    np.testing.assert_array_equal(sums % 2, 0)


def test_supercells_of_a_wanted_size_and_thickness(tmp_path):
    (slab,) = starts(tmp_path, start="100-stoichiometric", size=18.0, planes=8, height=40.0)
    x, y, _ = slab.cell.lengths()
    assert 17.6 < x < 22.6 and 17.6 < y < 21.2
    assert [
        len(set(slab.positions[(slab.numbers == 44) & (layer_of(slab) == k), 2].round(2)))
        for k in (DISPLACED, BUFFER, FROZEN)
    ] == [2, 2, 4]


def test_a_file_of_slabs_can_be_started_from(tmp_path):
    slab = build_slab("111-stoichiometric", a=A, c=C, vacuum=9)  # an oblique cell
    slab.positions[:, 2] += 12  # across the top of the cell
    slab.wrap()
    slab.info["name"] = "mine"
    ase.io.write(tmp_path / "slabs.extxyz", slab)
    (found,) = starts(tmp_path, start=str(tmp_path / "slabs.extxyz"))
    assert found.info["start"] == "mine" and found.info["facet"] == "unknown"
    assert widest_gap(found)[0] == pytest.approx(9, abs=0.01)
    assert layer_of(found)[np.argmax(found.positions[:, 2])] == DISPLACED
    assert len(found) == 84 and np.ptp(found.positions[:, 2]) < 9


@pytest.mark.parametrize(
    ("word", "match"),
    [
        ("110-stoichimetric", "Did you mean '110-stoichiometric'"),
        ("nowhere/slabs.extxyz", "no such file"),
        ("", "--start is empty"),
    ],
)
def test_an_unknown_start_is_refused(word, match):
    with pytest.raises(ConfigError, match=match):
        start_words(word)


def test_a_file_without_a_vacuum_or_with_foreign_elements_is_refused(tmp_path, rutile):
    ase.io.write(tmp_path / "bulk.extxyz", rutile)
    with pytest.raises(ConfigError, match="Start bulk-0: the widest gap along z is 1.6 Å"):
        starts(tmp_path, start=str(tmp_path / "bulk.extxyz"))
    rutile.symbols[0] = "Ti"
    ase.io.write(tmp_path / "bulk.extxyz", rutile)
    with pytest.raises(ConfigError, match=r"structure 0 \(bulk-0\).* holds Ti"):
        starts(tmp_path, start=str(tmp_path / "bulk.extxyz"))


def test_a_thin_slab_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match="Start 110-O-poor: .* has 3 Ru planes, but 2 displaced"):
        starts(tmp_path, start="110-O-poor", displaced=2)


@pytest.mark.parametrize("name", [*TERMINATIONS, *CHECKERBOARD])
@pytest.mark.parametrize(("a", "c"), [(4.3, 2.95), (4.7, 3.3)])
def test_no_termination_has_a_fault(tmp_path, name, a, c):
    for size in (3.0, 9.0):
        (found,) = make_starts(config(tmp_path, start=name, size=size), a, c)
        assert not list(faults_of(found))


@pytest.mark.parametrize(
    ("side", "distances", "fault"),
    [
        (-1, (2.0, 3.4), "clustered oxygen among its frozen atoms .2 of"),
        (1, (4.5,), "desorbed oxygen among its frozen atoms .1 of"),
        (-1, (4.5,), "desorbed oxygen among its frozen atoms .1 of"),
        (1, (4.5, 5.7), "molecular oxygen among its frozen atoms .2 of"),
    ],
)
def test_a_start_that_no_trial_can_mend_is_refused_by_name(tmp_path, side, distances, fault):
    write_with_oxygen(tmp_path / "slab.extxyz", side, distances)
    with pytest.raises(ConfigError, match=f"Start mine: it has {fault}"):
        starts(tmp_path, start=str(tmp_path / "slab.extxyz"), size=3.0)


def test_a_peroxo_group_on_the_explored_face_may_be_mended(tmp_path):
    write_with_oxygen(tmp_path / "slab.extxyz", 1, (2.0, 3.4))
    (found,) = starts(tmp_path, start=str(tmp_path / "slab.extxyz"), size=3.0)
    ((fault, atoms),) = faults_of(found)
    assert fault == "clustered_oxygen" and set(layer_of(found)[atoms]) == {DISPLACED}


def write_with_oxygen(path, side, distances):
    """Write a slab with O above (`side` 1) or below (-1) its outermost Ru, at distances in Å."""
    slab = build_slab("110-stoichiometric", a=A, c=C, vacuum=15)
    outermost = max(slab.positions[slab.numbers == 44], key=lambda place: side * place[2])
    for distance in distances:
        slab += Atoms("O", [outermost + [0, 0, side * distance]])
    slab.wrap()
    slab.info = {"name": "mine"}
    ase.io.write(path, slab)


def test_real_slabs_can_be_started_from(tmp_path, realdata):
    slabs = [s for s in ase.io.read(realdata / "ruo2_vasp_pbe.extxyz", ":") if widest_gap(s)[0] > 6]
    ase.io.write(tmp_path / "real.extxyz", slabs[:1])
    (found,) = starts(tmp_path, start=str(tmp_path / "real.extxyz"), size=6.0)
    assert (layer_of(found) == DISPLACED).any()
