import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.io.structures import read_structures
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.plausible import (
    is_crowded,
    long_cell,
    missing_vacuum_sentence,
    spacing,
    wrong_units,
)
from keras_ruo2.structure.validity import IMPOSSIBLE, reasons_against, sentence_against

CIF = """data_x
_cell_length_a 4.5
_cell_length_b 4.5
_cell_length_c 3.1
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 42/m n m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Ru1 Ru 0 0 0 {}
O1 O 0.306 0.306 0 1.0
"""


def scaled(atoms, factor):
    result = atoms.copy()
    result.set_cell(atoms.cell.array * factor, scale_atoms=True)
    return result


@pytest.mark.parametrize(("factor", "unit"), [(0.1, "nm"), (1.8897, "Bohr"), (100, "pm")])
def test_other_units_are_recognised_by_distances(factor, unit, slab):
    assert f"in {unit}" in sentence_against(IMPOSSIBLE, scaled(slab, factor))
    assert is_crowded(scaled(slab, factor)) == (factor < 1)


def test_fractions_in_place_of_lengths_are_no_unit(slab):
    slab.positions = slab.get_scaled_positions()
    assert "fractions of the cell?" in wrong_units(slab)


def test_every_bundled_slab_is_plausible():
    for slab in read_structures(BUNDLED_STRUCTURES):
        assert sentence_against(IMPOSSIBLE, slab) == "" and missing_vacuum_sentence(slab) == ""
        assert 0.7 < spacing(slab)[0] < 1.1


def test_vacuum_across_another_vector_is_named_with_the_way_out(slab):
    turned = slab.copy()
    for axis, order in ((0, [2, 0, 1]), (1, [1, 2, 0])):
        turned.set_cell(slab.cell.array[order])
        told = sentence_against(IMPOSSIBLE, turned)
        assert f"across its {('first', 'second')[axis]} cell vector" in told
        advised = [int(n) for n in told.partition("order [")[2].partition("]")[0].split(", ")]
        np.testing.assert_allclose(turned.cell.array[advised], slab.cell.array)


@pytest.mark.parametrize(("share", "partial"), [(0.9, True), (1.0, False)])
def test_partial_occupancies_of_a_cif_are_not_taken_as_full(share, partial, tmp_path):
    (tmp_path / "x.cif").write_text(CIF.format(share))
    (atoms,) = read_structures(tmp_path / "x.cif")
    assert ("partly occupied (0.9" in sentence_against(IMPOSSIBLE, atoms)) == partial
    assert ("partial_occupancies" in reasons_against(atoms)) == partial


def test_crystals_and_long_cells_are_odd_but_possible(slab):
    assert "a crystal, no slab" in missing_vacuum_sentence(rutile_ruo2())
    assert "63.6 Å long" in long_cell(slab.repeat((10, 1, 1)))
    assert sentence_against(IMPOSSIBLE, rutile_ruo2()) == "" == long_cell(slab)


def test_frames_without_neighbours_or_cell_say_nothing(slab):
    for atoms in (Atoms(), Atoms("O", cell=[9, 9, 9]), Atoms("O2", np.eye(3)[:2])):
        assert not is_crowded(atoms)
    assert reasons_against(scaled(slab, 0.1)) == ("wrong_units",)


def test_of_large_structures_a_part_is_looked_at(slab):
    large = slab.repeat((12, 12, 1))
    assert 0.8 < spacing(large)[0] < 1.0
