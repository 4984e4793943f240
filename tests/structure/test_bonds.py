import numpy as np
import pytest
from ase import Atoms
from ase.data import atomic_numbers

from keras_ruo2.basin_hopping.moves import insertion_sites
from keras_ruo2.structure.bonds import (
    O_O_BOND,
    RU_O_BOND,
    RU_RU_BOND,
    anion_neighbours,
    bond_lengths,
    coordination,
    pair_of,
    unlike_neighbours,
)
from keras_ruo2.structure.layers import assign_layers
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab
from keras_ruo2.structure.terminations import termination_of
from keras_ruo2.structure.validity import INVALID, REASONS, REFUSED, reasons_against
from keras_ruo2.structure.variations import VARIATIONS

# Rutile crystals by their measured lattice constants, Å: a flat one, a wide one and a fluoride.
# Source: W. H. Baur, A. A. Khan, Acta Cryst. B 27, 2133 (1971), and references there.
CRYSTALS = {
    ("Ti", "O"): (4.59, 2.96),
    ("Pb", "O"): (4.96, 3.39),
    ("Mg", "F"): (4.62, 3.05),
}


def renamed(atoms, pair):
    """The same places, other elements."""
    result = atoms.copy()
    result.symbols[atoms.symbols == "Ru"] = pair[0]
    result.symbols[atoms.symbols == "O"] = pair[1]
    return result


def test_ru_and_o_have_exactly_their_own_bonds(slab):
    own = {("Ru", "O"): RU_O_BOND, ("Ru", "Ru"): RU_RU_BOND, ("O", "O"): O_O_BOND}
    assert bond_lengths() == bond_lengths(slab) == own


def test_bonds_of_another_pair_are_scaled_by_covalent_radii(slab):
    lengths = bond_lengths(renamed(slab, ("Ti", "N")))
    assert lengths["Ti", "N"] == pytest.approx(2.5 * (1.60 + 0.71) / (1.46 + 0.66))
    assert lengths["Ti", "Ti"] == pytest.approx(2.9 * 1.60 / 1.46)
    assert lengths["N", "N"] == pytest.approx(1.8 * 0.71 / 0.66)


@pytest.mark.parametrize(
    "formula, pair",
    [
        ("RuO2", ("Ru", "O")),
        ("RuO2H3", ("Ru", "O")),  # what must not be there changes nothing
        ("IrO2", ("Ir", "O")),
        ("IrO2H5", ("Ir", "O")),
        ("SiO2", ("Si", "O")),
        ("SiC", ("Si", "C")),
        ("TiN", ("Ti", "N")),
        ("Ir", ("Ir", "O")),
        ("O2", ("Ru", "O")),
        ("", ("Ru", "O")),
    ],
)
def test_a_structure_tells_its_metal_and_its_anion(formula, pair):
    assert pair_of(Atoms(formula)) == pair


def test_neighbours_are_those_of_the_other_kind(slab):
    both = coordination(slab, "Ru", "O", RU_O_BOND) + coordination(slab, "O", "Ru", RU_O_BOND)
    np.testing.assert_array_equal(unlike_neighbours(slab), both)
    assert not anion_neighbours(slab).any()


@pytest.mark.parametrize("pair", CRYSTALS, ids="".join)
@pytest.mark.parametrize("name", TERMINATIONS)
def test_slabs_of_other_rutile_crystals_are_those_of_ruo2(name, pair):
    a, c = CRYSTALS[pair]
    other, known = build_slab(name, a=a, c=c, species=pair), build_slab(name, a=4.5, c=3.1)
    np.testing.assert_array_equal(renamed(known, pair).numbers, other.numbers)
    assert reasons_against(other, pair) == reasons_against(known)
    found, expected = termination_of(other), termination_of(known)
    assert found.facet == expected.facet
    assert found.label == expected.label.replace("Ru", pair[0]).replace("O", pair[1])
    areas = [slab.get_volume() / slab.cell[2, 2] for slab in (other, known)]
    assert found.excess * areas[0] == pytest.approx(expected.excess * areas[1])


def test_other_oxides_are_no_slabs_of_ruo2():
    slab = build_slab("110-stoichiometric", a=4.5, c=3.15, species=("Ir", "O"))
    assert reasons_against(slab) == ("other_elements",)
    assert reasons_against(slab, ("Ir", "O")) == ()


def test_a_fluoride_has_half_of_the_charges(slab):
    oxide, fluoride = slab.copy(), renamed(slab, ("Mg", "F"))
    for atoms in (oxide, fluoride):  # within the bonds of both
        atoms.positions[np.argmax(atoms.positions[:, 2]), 2] += 0.1
    assert termination_of(oxide).dipole == pytest.approx(2 * termination_of(fluoride).dipole)


@pytest.mark.parametrize("kind", VARIATIONS)
def test_variations_are_made_and_found_broken_as_in_ruo2(kind):
    change = VARIATIONS[kind].change
    rng = [np.random.default_rng(3) for _ in range(2)]
    other = change(build_slab("110-stoichiometric", a=4.5, c=3.1, species=("Ir", "O")), rng[0])
    known = change(build_slab("110-stoichiometric", a=4.5, c=3.1), rng[1])
    np.testing.assert_array_equal(renamed(known, ("Ir", "O")).numbers, other.numbers)
    for name in INVALID:
        find = REASONS[name].find
        np.testing.assert_array_equal(find(other), find(known), err_msg=name)


def test_the_search_finds_the_sites_of_ruo2():
    known = build_slab("110-stoichiometric", a=4.5, c=3.1).repeat((1, 2, 1))
    found = []
    for atoms in (known, renamed(known, ("Ir", "O"))):
        atoms.set_array("layer", assign_layers(atoms))
        found.append(insertion_sites(atoms))
    assert found[0].shape == found[1].shape
    assert np.linalg.norm(found[0] - found[1], axis=1).max() < 0.2  # Ir-O is shorter by 0.04 Å


def test_all_elements_of_the_table_of_anions_are_known():
    from keras_ruo2.species import ANIONS

    assert set(ANIONS) <= set(atomic_numbers)


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_search_refuses_by_names_atoms(name):
    """A trial counts the atoms that a reason finds."""
    found = REASONS[name].find(build_slab("110-stoichiometric", a=4.5, c=3.1))
    assert len(found) == 0 and np.asarray(found).dtype.kind == "i"
