import numpy as np
import pytest

from keras_ruo2.discovery import baselines
from keras_ruo2.discovery.baselines import BASELINES, make_up, templates
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import widest_gap
from keras_ruo2.structure.displacements import rmsd
from keras_ruo2.structure.slabs import build_slab


@pytest.fixture(scope="module")
def slabs():
    rng = np.random.default_rng(0)
    found = []
    for name in ("110-stoichiometric", "100-stoichiometric"):
        for number in range(2):
            slab = build_slab(name, a=4.5, c=3.1)
            slab.positions += rng.normal(scale=0.03, size=slab.positions.shape)
            slab.info = {"name": f"{name}-{number}"}
            found.append(slab)
    return templates(found, largest=40)


def test_templates_are_whole_slabs_in_upright_cells_of_bounded_size(slabs):
    assert len(slabs) == 4
    for slab in slabs:
        assert len(slab) <= 40 and slab.calc is None
        np.testing.assert_allclose(slab.cell.angles(), 90)
        assert widest_gap(slab)[0] == pytest.approx(baselines.VACUUM)
        assert (np.diff(slab.numbers) <= 0).all()
    with pytest.raises(ConfigError, match="None of 1 reference slabs is whole"):
        broken = slabs[0].copy()
        broken.positions[np.argmax(broken.positions[:, 2]), 2] += 5
        templates([broken])


@pytest.mark.parametrize("kind", BASELINES)
def test_a_baseline_keeps_composition_and_cell_and_is_the_same_for_the_same_seed(slabs, kind):
    made, again, other = (
        make_up(kind, slabs, count, seed) for count, seed in ((4, 1), (2, 1), (2, 2))
    )
    known = {(slab.get_chemical_formula(), tuple(slab.cell.lengths().round(3))) for slab in slabs}
    for index, atoms in enumerate(made):
        formula = atoms.get_chemical_formula()
        assert (formula, tuple(atoms.cell.lengths().round(3))) in known
        assert atoms.info["sample"] == index and "-stoichiometric-" in atoms.info["parents"]
    np.testing.assert_array_equal(made[1].positions, again[1].positions)
    assert not np.array_equal(made[1].positions, other[1].positions)


def test_atoms_at_random_fill_the_slab_and_keep_their_distance(slabs):
    for atoms in make_up("random", slabs, 3, 0):
        assert widest_gap(atoms)[0] > baselines.VACUUM - 0.1
        apart = atoms.get_all_distances(mic=True)
        assert apart[~np.eye(len(atoms), dtype=bool)].min() > 0.5


def test_rattled_slabs_are_off_by_what_is_said(slabs):
    made = make_up("rattled", slabs, 12, 0)
    by_name = {slab.info["name"]: slab for slab in slabs}
    off = [rmsd(by_name[atoms.info["parents"]], atoms) for atoms in made]
    assert np.mean(off) == pytest.approx(np.sqrt(3) * baselines.RATTLE, rel=0.1)
