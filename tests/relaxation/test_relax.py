import numpy as np
import pytest
from ase.constraints import FixAtoms
from ase.io import Trajectory

from keras_ruo2.options import OPTIMISERS
from keras_ruo2.relaxation.relax import Limits, relax
from keras_ruo2.structure.bonds import RU
from keras_ruo2.structure.layers import bottom_layers
from tests.fakes import Crashing, Morse, Nan


@pytest.fixture
def rattled(slab, rng):
    slab.positions += rng.normal(scale=0.08, size=slab.positions.shape)
    return slab


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_lowers_the_energy_and_leaves_the_input_alone(rattled, optimiser):
    before = rattled.positions.copy()
    found = relax(rattled, Morse(), Limits(optimiser=optimiser, steps=5))
    np.testing.assert_array_equal(rattled.positions, before)
    assert found.get_potential_energy() < found.info["start_energy"]
    assert found.info["relax_failures"] == "not_converged"
    assert (found.info["stopped"], found.info["relaxation_steps"]) == ("steps", 5)


def test_a_relaxed_slab_carries_what_its_calculator_says(rattled):
    found = relax(rattled, Morse(), Limits(optimiser="bfgs", fmax=0.02, steps=300))
    assert found.info["relax_failures"] == "no" and found.info["stopped"] == "converged"
    check = found.copy()
    check.calc = Morse()
    assert found.get_potential_energy() == pytest.approx(check.get_potential_energy(), abs=1e-9)
    np.testing.assert_allclose(found.get_forces(), check.get_forces(), atol=1e-9)
    assert np.linalg.norm(check.get_forces(), axis=1).max() < 0.02
    assert 0.02 < found.info["rmsd"] < found.info["largest_displacement"] < 1.5


@pytest.mark.parametrize("optimiser", ["fire", "lbfgs", "gpmin", "bfgs_line_search"])
def test_frozen_layers_stay_to_the_last_bit(rattled, optimiser):
    limits = Limits(optimiser=optimiser, steps=15, frozen_layers=1)
    found = relax(rattled, Morse(), limits)
    frozen = bottom_layers(rattled, 1)
    assert 0 < len(frozen) < len(rattled) == 18
    assert found.positions[frozen].tobytes() == rattled.positions[frozen].tobytes()
    free = np.setdiff1d(np.arange(18), frozen)
    assert (np.abs(found.positions[free] - rattled.positions[free]).max(axis=1) > 1e-4).all()
    assert found.info["frozen_atoms"] == len(frozen)
    assert np.linalg.norm(found.calc.results["forces"][frozen], axis=1).max() > 0.01


def test_atoms_that_came_fixed_stay_fixed(rattled):
    rattled.set_constraint(FixAtoms([2, 5]))
    found = relax(rattled, Morse(), Limits(steps=10, frozen_layers=1))
    fixed = sorted({2, 5, *bottom_layers(rattled, 1).tolist()})
    assert found.positions[fixed].tobytes() == rattled.positions[fixed].tobytes()
    assert found.info["frozen_atoms"] == len(fixed)


def test_slabs_with_too_few_layers_are_named(rattled):
    planes = len(np.unique(rattled.positions[rattled.numbers == RU, 2].round(0)))
    found = relax(rattled, Morse(), Limits(frozen_layers=planes + 2))
    assert found.info["relax_failures"] == "too_few_layers" and found.calc is None


def test_the_time_limit_ends_a_relaxation(rattled):
    found = relax(rattled, Morse(), Limits(fmax=1e-9, steps=10_000, seconds=0.05))
    assert found.info["stopped"] == "seconds" and found.info["relax_failures"] == "not_converged"
    assert found.info["relaxation_steps"] < 10_000


def test_a_calculator_that_fails_is_a_failure_of_the_structure(rattled):
    del rattled[np.flatnonzero(rattled.numbers == 8)[-1]]
    for calculator, told in ((Nan(), "energy nan eV"), (Crashing(), "no 'SCF' convergence")):
        found = relax(rattled, calculator, Limits(steps=3))
        assert found.info["relax_failures"] == "calculator_error"
        assert told in found.info["error"]
        assert found.calc is None
        np.testing.assert_array_equal(found.positions, rattled.positions)


def test_structures_beyond_the_memory_never_reach_the_calculator(slab):
    found = relax(slab, Crashing(), Limits(), most_atoms=17)
    assert found.info["relax_failures"] == "too_large"


@pytest.mark.parametrize(
    ("share", "failure"), [(0.55, "atoms_too_close"), (0.65, "calculator_error")]
)
def test_atoms_too_close_never_reach_the_calculator(rattled, share, failure):
    rattled.append("O")
    rattled.positions[-1] = rattled.positions[-2] + [0, 0, 2 * 0.66 * share]
    found = relax(rattled, Crashing(), Limits(steps=0))
    assert found.info["relax_failures"] == failure
    assert found.calc is None and found.info["stopped"] == "failed"
    np.testing.assert_array_equal(found.positions, rattled.positions)


def test_atoms_that_merge_on_the_way_are_named(rattled):
    class Together(Morse):
        """Pulls the last two atoms together as if there was a well at no distance."""

        def calculate(self, atoms=None, *arguments, **options):
            apart = atoms.positions[-1] - atoms.positions[-2]
            forces = np.zeros((len(atoms), 3))
            forces[-2], forces[-1] = 9 * apart, -9 * apart
            self.results = {"energy": 9 * float(apart @ apart) / 2, "forces": forces}

    rattled.append("O")
    rattled.positions[-1] = rattled.positions[-2] + [0, 0, 1.3]
    found = relax(rattled, Together(), Limits(fmax=1e-9, steps=40))
    assert found.info["relax_failures"] == "merged_atoms not_converged"


def test_a_relaxation_that_explodes_is_ended(rattled):
    class Outward(Morse):
        def calculate(self, atoms=None, *arguments, **options):
            away = atoms.positions - atoms.positions.mean(axis=0)
            self.results = {"energy": -float((away**2).sum()), "forces": 2 * away}

    found = relax(rattled, Outward(), Limits(steps=2000))
    assert found.info["relax_failures"] == "exploded"
    assert found.info["relaxation_steps"] < 2000


def test_the_trajectory_has_every_step(rattled, tmp_path):
    found = relax(rattled, Morse(), Limits(steps=4), trajectory=str(tmp_path / "t.traj"))
    with Trajectory(tmp_path / "t.traj") as steps:
        assert len(steps) == 5
        np.testing.assert_array_equal(steps[0].positions, rattled.positions)
        np.testing.assert_array_equal(steps[-1].positions, found.positions)
