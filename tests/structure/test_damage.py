import ase.io
import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.structure import damage
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.damage import fault_of_places, fault_of_size
from keras_ruo2.structure.door import check_structure
from keras_ruo2.structure.plausible import partial_occupancies, spacing
from keras_ruo2.structure.validity import DAMAGED
from tests import plain_boxes


def changed(**values):
    def change(slab):
        for name, value in values.items():
            setattr(slab, name, value)
        return slab

    return change


def move(slab, place=(0, 0), to=np.nan):
    slab.positions[place] = to
    return slab


def on_top(slab):
    slab.positions[3] = slab.positions[7] + 0.1
    return slab


def across(slab):
    """Two atoms on both sides of the cell's boundary."""
    slab.positions[0] = (0.05, 0, 5)
    slab.positions[1] = (slab.cell[0, 0] - 0.05, 0, 5)
    return slab


def longer(length):
    def change(slab):
        slab.cell[2, 2] = length
        return slab

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda slab: slab[:0], "it has 0 atoms"),
        (lambda slab: slab[:1], "it has 1 atoms"),
        (move, "positions are not finite"),
        (lambda slab: move(slab, to=np.inf), "positions are not finite"),
        (lambda slab: move(slab, to=1e9), "1e\\+09 Å from the origin"),
        (longer(np.nan), "cell is not finite"),
        (longer(1e5), "Å long. Expected 1 to 200"),
        (longer(0.5), "Å long. Expected 1 to 200"),
        (longer(1.5), "for each atom. Expected 3 to"),
        (lambda slab: Atoms(slab.symbols, slab.positions), "no three-dimensional cell"),
        (on_top, "atoms [37] and [37] are 0.17 Å apart"),
        (across, "atoms [01] and [01] are 0.1 Å apart"),
        (lambda slab: with_energy(slab, np.nan), "energy is nan"),
        (lambda slab: with_energy(slab, -np.inf), "energy is -inf"),
        (lambda slab: with_energy(slab, 1e308), r"energy is 1e\+308"),
        (lambda slab: changed(calc=None, info={"energy": "low"})(slab), "energy is 'low'"),
    ],
)
def test_what_no_slab_has_is_named(slab, change, message):
    with pytest.raises(ConfigError, match=message):
        check_structure(change(slab), DAMAGED)


def test_whole_slabs_are_left_alone(slab):
    check_structure(slab, DAMAGED)
    check_structure(with_energy(slab, None), DAMAGED)
    check_structure(with_energy(slab, -1.2e5 * len(slab)), DAMAGED)
    for known in ase.io.iread(BUNDLED_STRUCTURES):
        check_structure(known, DAMAGED)


def test_a_cell_that_is_almost_flat_is_refused(slab):
    """Neighbours would be looked for in thousands of its images."""
    slab.cell[2] = 30 * slab.cell[0] + [0, 0, 0.2]
    slab.cell[1] *= 20
    assert "almost flat, 0.0067 Å thick" in fault_of_size(slab)


@pytest.mark.parametrize("length", [np.inf, np.nan, 1e308])
def test_a_cell_without_end_is_no_cell(length, slab):
    """LAPACK would look for its inverse without end."""
    slab.cell[0, 0] = length
    with pytest.raises(ConfigError, match="a cell without end"):
        check_structure(slab)
    assert np.isnan(spacing(slab)).all()
    assert fault_of_size(slab) == "its cell is not finite."


@pytest.mark.parametrize("share", ["much", [0.5], None])
def test_an_occupancy_that_is_no_number_says_nothing(share, slab):
    slab.info["occupancy"] = {"0": {"Ru": share}}
    assert partial_occupancies(slab) == ""
    slab.info["occupancy"] = {"0": {"Ru": 0.5, "O": share}}
    assert "partly occupied" in partial_occupancies(slab)


def test_atoms_on_top_of_each_other_are_found_in_cells_of_any_shape(rng, monkeypatch):
    found = []
    for cell in plain_boxes.some_cells(60):
        count = max(2, int(abs(np.linalg.det(cell)) / 3))
        atoms = Atoms(f"Ru{count}", cell=cell, pbc=rng.random(3) < 0.8)
        atoms.positions = rng.uniform(-1, 2, (count, 3)) @ cell
        quick = fault_of_places(atoms)
        with monkeypatch.context() as patch:
            patch.setattr(damage, "may_touch", lambda atoms: True)
            assert quick == fault_of_places(atoms)
        found.append(bool(quick))
    assert 10 < sum(found) < 50


def test_only_pairs_that_are_close_are_looked_at_by_a_search(slab, monkeypatch):
    monkeypatch.setattr(damage, "neighbor_list", None)
    assert fault_of_places(slab) == ""
