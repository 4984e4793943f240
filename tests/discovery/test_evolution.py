import numpy as np
import pytest

from keras_ruo2.discovery import evolution
from keras_ruo2.discovery.evolution import breed, chances, fittest, shares
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.thermodynamics.surface import References, area

REFERENCES = References(bulk=-22.0, oxygen=-5.0)


@pytest.fixture
def slabs(variants):
    """Slabs that cost 1, 2, 3 and 4 eV."""
    for cost, slab in enumerate(variants, start=1):
        with_energy(slab, -22.0 * np.sum(slab.numbers == 44) + cost)
    return variants


def test_draws_and_relaxations_are_divided_without_rest():
    assert shares(10) == [3, 3, 2, 2] and shares(2) == [1, 1] and shares(0) == [0]


def test_the_fittest_have_the_lowest_surface_free_energy_and_are_not_alike(slabs):
    copy = slabs[0].copy()
    copy.info["name"] = "copy"
    kept = fittest([*slabs, with_energy(copy, slabs[0].get_potential_energy())], REFERENCES, -1.0)
    gammas = [slab.info["gamma"] for slab in kept]
    assert len(kept) == 4 and gammas == sorted(gammas)
    expected = sorted((k + 1) / (2 * area(slab)) for k, slab in enumerate(slabs))
    np.testing.assert_allclose(gammas, expected)


def test_the_best_has_children_most_often(slabs):
    found = chances(fittest(slabs, REFERENCES, -1.0))
    assert found.sum() == pytest.approx(1) and (np.diff(found) < 0).all()
    # tanh fitness of the best and the worst: (1 + tanh 1) / (1 - tanh 1) = e^2
    assert found[0] / found[-1] == pytest.approx(np.exp(2))
    assert chances([slabs[0], slabs[0]]) == pytest.approx([0.5, 0.5])


def test_children_are_the_same_for_the_same_seed_and_differ_by_generation(slabs):
    pytest.importorskip("ase_ga")
    population = fittest(slabs, REFERENCES, -1.0)
    many, few = breed(population, 3, 1, 1), breed(population, 1, 1, 1)
    later = breed(population, 1, 1, 2, first=3)
    np.testing.assert_array_equal(many[0].positions, few[0].positions)
    assert not np.array_equal(few[0].positions, later[0].positions)
    assert later[0].info["sample"] == 3 and later[0].info["generation"] == 2
    known = {(str(slab.symbols), tuple(slab.cell.lengths().round(3))) for slab in slabs}
    for child in many:
        assert (str(child.symbols), tuple(child.cell.lengths().round(3))) in known


def test_spliced_children_have_parts_of_both_parents(slabs):
    pytest.importorskip("ase_ga")
    made = breed(fittest(slabs, REFERENCES, -1.0), 8, 0, 1)
    spliced = [atoms for atoms in made if " x " in atoms.info["parents"]]
    assert spliced and len(spliced) < len(made)
    for child in spliced:
        one, other = (
            next(slab for slab in slabs if slab.info["name"] == name)
            for name in child.info["parents"].split(" x ")
        )
        for parent in (one, other):
            joined = parent + child
            apart = joined.get_all_distances(mic=True)[: len(parent), len(parent) :]
            assert (apart.min(axis=0) < 1e-3).sum() > 0


def test_a_missing_package_is_named(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(evolution.importlib, "import_module", missing)
    with pytest.raises(ConfigError, match=r"pip install .*\[discover\]"):
        evolution.operators()
