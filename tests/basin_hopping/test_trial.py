import itertools

import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.basin_hopping import trial as sampling
from keras_ruo2.basin_hopping.moves import Move, exchange, image_distances, without_atom
from keras_ruo2.basin_hopping.trial import (
    Conditions,
    acceptance_probability,
    count_oxygen,
    grand_potential,
    run_start,
    run_trial,
)
from keras_ruo2.structure.layers import DISPLACED, FROZEN, assign_layers, layer_of, with_layers
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.thermodynamics.oxygen_gas import BOLTZMANN
from tests.data_prep.fakes import CountsOxygen, PairPotential, Undecided

QUICK = {"relax_steps": 4, "fmax": 0.5}


@pytest.fixture
def start():
    slab = build_slab("100-stoichiometric", a=4.5, c=3.1, vacuum=10).repeat((1, 2, 1))
    return with_layers(slab, assign_layers(slab))


def search(start, calculator, conditions, steps, seed=0):
    """Yield the trials of a chain with the structure and energy that each began with."""
    last = run_start(start, calculator, conditions).snapshots[-1]
    for number in range(steps):
        rng = np.random.default_rng([seed, number])
        trial = run_trial(last.atoms, last.energy, calculator, conditions, rng)
        yield trial, last
        last = trial.snapshots[-1] if trial.accepted else last


def omega(snapshot, conditions):
    return grand_potential(snapshot.energy, count_oxygen(snapshot.atoms), conditions)


def test_frozen_atoms_stay_bit_for_bit_and_the_others_move(start):
    conditions = Conditions(-0.5, 0.0, **QUICK)
    frozen = layer_of(start) == FROZEN
    moved = np.zeros(len(start), dtype=bool)
    for trial, _ in search(start, PairPotential(), conditions, steps=6):
        for shot in trial.snapshots:
            still = layer_of(shot.atoms) == FROZEN
            np.testing.assert_array_equal(shot.atoms.positions[still], start.positions[frozen])
        if trial.kind == "displace" and len(trial.snapshots[0].atoms) == len(start):
            moved |= np.any(trial.snapshots[-1].atoms.positions != start.positions, axis=1)
    assert np.all(moved[~frozen])


def test_a_trial_repeats_exactly(start):
    conditions = Conditions(-0.5, 0.0, **QUICK)
    once, again = (list(search(start, PairPotential(), conditions, 4)) for _ in range(2))
    for (one, _), (other, _) in zip(once, again, strict=True):
        assert (one.kind, one.outcome) == (other.kind, other.outcome)
        for shot, same in zip(one.snapshots, other.snapshots, strict=True):
            np.testing.assert_array_equal(shot.atoms.positions, same.atoms.positions)


@pytest.mark.parametrize(("dmu_o", "sign"), [(-20.0, -1), (20.0, 1)])
def test_a_surface_loses_oxygen_at_low_and_gains_it_at_high_potential(start, dmu_o, sign):
    conditions = Conditions(dmu_o, 0.0, exchange=1.0, relax_steps=0)
    counts = [count_oxygen(start)]
    for trial, last in search(start, PairPotential(), conditions, steps=12):
        counts.append(count_oxygen((trial.snapshots[-1] if trial.accepted else last).atoms))
    assert np.all(sign * np.diff(counts) >= 0)
    assert sign * (counts[-1] - counts[0]) >= 2


def test_at_zero_temperature_the_grand_potential_only_falls(start):
    conditions = Conditions(-0.5, 0.0, temperature=0.0, length=0.4, **QUICK)
    path, outcomes = [], set()
    for trial, last in search(start, PairPotential(), conditions, steps=25):
        path.append(omega(last, conditions))
        outcomes.add(trial.outcome)
    assert np.all(np.diff(path) <= 0) and path[-1] < path[0]
    assert {"accepted", "uphill"} <= outcomes


def test_acceptance_is_metropolis():
    thermal = BOLTZMANN * 1000
    assert acceptance_probability(-0.3, 0.0, 1000) == 1
    assert acceptance_probability(thermal, 0.0, 1000) == pytest.approx(np.exp(-1))
    assert acceptance_probability(thermal, 1.0, 1000) == pytest.approx(1)
    assert acceptance_probability(1e6, 0.0, 1000) == 0
    assert (acceptance_probability(1e-9, 5.0, 0), acceptance_probability(-1e-9, -5.0, 0)) == (0, 1)


def test_the_grand_potential_counts_oxygen_at_half_a_molecule_plus_dmu():
    conditions = Conditions(-0.5, -4.9)
    # Omega = E - n (E_O2 / 2 + dmu): at equal Omega an O atom more has bound with 5.4 eV
    assert grand_potential(-105.4, 11, conditions) == pytest.approx(
        grand_potential(-100.0, 10, conditions)
    )


def test_insertion_and_removal_sample_the_grand_canonical_distribution(rng):
    """Four sites in a row, neighbours repel: all 16 occupations are known exactly."""
    conditions = Conditions(dmu_o=-0.12, oxygen_energy=-5.0)
    sites = np.array([[2.7 * k, 0.0, 6.9] for k in range(4)])
    metal = Atoms("Ru4", [[2.7 * k, 0, 5] for k in range(4)], cell=[40, 9, 16], pbc=True)
    atoms = with_layers(metal, [DISPLACED] * 4)

    def occupied(atoms):
        oxygen = atoms.positions[atoms.numbers == 8]
        return tuple((image_distances(sites, oxygen, atoms.cell) < 0.1).any(axis=1).tolist())

    def free(atoms):
        return sites[~np.array(occupied(atoms))]

    def energy_of(state):
        pairs = sum(a and b for a, b in itertools.pairwise(state))
        return -5.05 * sum(state) + 0.08 * pairs

    def omega_of(state):
        return grand_potential(energy_of(state), sum(state), conditions)

    states = list(itertools.product((False, True), repeat=4))
    weights = np.exp([-omega_of(state) / (BOLTZMANN * 1000) for state in states])
    visits, state, num_trials = dict.fromkeys(states, 0), occupied(atoms), 6000
    for _ in range(num_trials):
        move = exchange(atoms, rng, find_sites=free)
        if move.atoms is not None:
            new = occupied(move.atoms)
            if rng.random() < acceptance_probability(
                omega_of(new) - omega_of(state), move.log_ratio, 1000
            ):
                atoms, state = move.atoms, new
        visits[state] += 1
    shares = np.array([visits[state] for state in states]) / num_trials
    # Standard errors of 0.002 to 0.01 with correlated trials; without the ratio of proposals the
    # shares are off by 0.06.
    np.testing.assert_allclose(shares, weights / weights.sum(), atol=0.025)


@pytest.mark.parametrize(
    ("places", "outcome"),
    [
        ([[0, 0, 3.0], [0, 0, 4.25]], "molecular_oxygen"),
        ([[0, 0, 1.8], [0, 0, 3.2]], "clustered_oxygen"),
        ([[0, 0, 3.2]], "desorbed_oxygen"),
    ],
)
def test_odd_oxygen_is_refused_by_name_whatever_its_energy(
    start, monkeypatch, rng, places, outcome
):
    top = start.positions[start.numbers == 44].max(axis=0)
    odd = start.copy() + Atoms(f"O{len(places)}", top + np.array(places))
    odd = with_layers(odd, np.append(layer_of(start), [DISPLACED] * len(places)))
    monkeypatch.setattr(sampling, "displace", lambda *_, **__: Move("displace", odd))
    conditions = Conditions(100.0, 0.0, exchange=0.0, relax_steps=0)
    trial = run_trial(start, 0.0, CountsOxygen(), conditions, rng)
    assert trial.outcome == outcome and not trial.accepted and trial.snapshots


def test_atoms_too_close_never_reach_the_calculator(start, monkeypatch, rng):
    class Unasked(CountsOxygen):
        def calculate(self, *arguments, **options):
            raise AssertionError("it was asked")

    close = start.copy()
    close.set_constraint()
    close.positions[-1] = close.positions[-2] + [0, 0, 0.7]
    monkeypatch.setattr(sampling, "displace", lambda *_, **__: Move("displace", close))
    conditions = Conditions(-0.5, 0.0, exchange=0.0, relax_steps=0)
    for trial in (
        run_trial(start, 0.0, Unasked(), conditions, rng),
        run_start(close, Unasked(), conditions),
    ):
        assert trial.outcome == "atoms_too_close"
        assert not trial.accepted and not trial.snapshots and not trial.error


def test_torn_layers_are_refused(start, monkeypatch, rng):
    torn = start.copy()
    torn.set_constraint()
    torn.positions[layer_of(torn) == DISPLACED, 2] += 3
    monkeypatch.setattr(sampling, "displace", lambda *_, **__: Move("displace", torn))
    conditions = Conditions(-0.5, 0.0, exchange=0.0, relax_steps=0)
    assert run_trial(start, 0.0, CountsOxygen(), conditions, rng).outcome == "torn_layers"


def test_a_trial_in_which_the_calculator_gives_nan_is_refused_and_counted(start):
    outcomes = []
    for trial, _ in search(start, Undecided(), Conditions(-0.5, 0.0, **QUICK), steps=8):
        outcomes.append(trial.outcome)
        for shot in trial.snapshots:
            assert np.isfinite(shot.energy) and np.isfinite(shot.fmax)
    assert "calculator_failed" in outcomes


def test_a_calculator_that_raises_ends_the_trial_only(start, rng):
    class Raises(PairPotential):
        def calculate(self, *args, **kwargs):
            raise RuntimeError("no neighbours")

    conditions = Conditions(-0.5, 0.0, exchange=0.0)
    trial = run_trial(start, 0.0, Raises(), conditions, rng)
    assert trial.outcome == "calculator_failed" and "no neighbours" in trial.error


def test_a_surface_without_sites_or_oxygen_refuses_the_move_by_name():
    bare = build_slab("100-O-rich", a=4.5, c=3.1, vacuum=10)
    full = with_layers(bare, assign_layers(bare))
    conditions = Conditions(0.0, 0.0, exchange=1.0, relax_steps=0)
    found = set()
    for number in range(12):
        rng = np.random.default_rng(number)
        found.add(run_trial(full, 0.0, CountsOxygen(), conditions, rng).outcome)
    assert "no_site" in found
    while count_oxygen(full):
        full = without_atom(full, int(np.flatnonzero(full.numbers == 8)[0]))
    outcomes = [
        run_trial(full, 0.0, CountsOxygen(), conditions, np.random.default_rng(number)).outcome
        for number in range(6)
    ]
    assert "no_oxygen" in outcomes
