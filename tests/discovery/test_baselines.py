import numpy as np
import pytest

from keras_ruo2.discovery import baselines
from keras_ruo2.discovery.baselines import BASELINES, make_up, templates
from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation.outcome import rmsd
from keras_ruo2.structure.cells import widest_gap


def test_templates_are_whole_slabs_in_upright_cells_of_bounded_size(variants):
    assert len(variants) == 4
    for slab in variants:
        assert len(slab) <= 40 and slab.calc is None
        np.testing.assert_allclose(slab.cell.angles(), 90)
        assert widest_gap(slab)[0] == pytest.approx(baselines.VACUUM)
        assert (np.diff(slab.numbers) <= 0).all()
    with pytest.raises(ConfigError, match="None of 1 reference slabs is whole"):
        broken = variants[0].copy()
        broken.positions[np.argmax(broken.positions[:, 2]), 2] += 5
        templates([broken])


@pytest.mark.parametrize("kind", BASELINES)
def test_a_baseline_keeps_composition_and_cell_and_is_the_same_for_the_same_seed(variants, kind):
    made, again, other = (
        make_up(kind, variants, count, seed) for count, seed in ((4, 1), (2, 1), (2, 2))
    )
    known = {
        (slab.get_chemical_formula(), tuple(slab.cell.lengths().round(3))) for slab in variants
    }
    for index, atoms in enumerate(made):
        formula = atoms.get_chemical_formula()
        assert (formula, tuple(atoms.cell.lengths().round(3))) in known
        assert atoms.info["sample"] == index and "-stoichiometric-" in atoms.info["parents"]
    np.testing.assert_array_equal(made[1].positions, again[1].positions)
    assert not np.array_equal(made[1].positions, other[1].positions)


def test_atoms_at_random_fill_the_slab_and_keep_their_distance(variants):
    for atoms in make_up("random", variants, 3, 0):
        assert widest_gap(atoms)[0] > baselines.VACUUM - 0.1
        apart = atoms.get_all_distances(mic=True)
        assert apart[~np.eye(len(atoms), dtype=bool)].min() > 0.5


def test_rattled_slabs_are_off_by_what_is_said(variants):
    made = make_up("rattled", variants, 12, 0)
    by_name = {slab.info["name"]: slab for slab in variants}
    off = [rmsd(by_name[atoms.info["parents"]], atoms) for atoms in made]
    assert np.mean(off) == pytest.approx(np.sqrt(3) * baselines.RATTLE, rel=0.1)
