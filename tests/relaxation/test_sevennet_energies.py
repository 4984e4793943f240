"""SevenNet's bundled models against DFT, and against themselves; skipped where not installed."""

import ase.io
import numpy as np
import pytest

from keras_ruo2.relaxation.calculators import make_calculator
from keras_ruo2.relaxation.references import relaxed_metal, relaxed_rutile
from keras_ruo2.relaxation.relax import Limits
from keras_ruo2.relaxation.worker import Worker
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.thermodynamics.surface import KNOWN_REFERENCES

MODELS = ("sevennet:7net-0", "sevennet:7net-mf-0@PBE")
SHIFT = 0.01  # Å of a finite difference; shorter ones show the noise of single precision
PBE = (4.528, 3.118)  # a and c, Å
FEWEST, MOST = 64, 68  # O of (110) slabs; PBE gives -5.71 eV for each that is added


@pytest.fixture(scope="module", params=MODELS)
def made(request):
    pytest.importorskip("sevenn", exc_type=ImportError)
    return make_calculator(request.param)


@pytest.fixture
def rattled():
    slab = build_slab("110-stoichiometric", a=4.545, c=3.136)
    slab.center(vacuum=6, axis=2)
    slab.rattle(0.1, seed=1)
    return slab


def test_forces_are_the_slope_of_the_energy(made, rattled):
    rattled.calc, energies = made[0], []
    forces = rattled.get_forces().copy()
    assert np.abs(forces.sum(axis=0)).max() < 1e-3
    for sign in (1, -1):
        moved = rattled.copy()
        moved.calc = made[0]
        moved.positions[3, 2] += sign * SHIFT
        energies.append(moved.get_potential_energy())
    slope = (energies[1] - energies[0]) / (2 * SHIFT)
    assert forces[3, 2] == pytest.approx(slope, abs=0.02, rel=0.01)


def test_known_references_are_what_the_model_says(made):
    calculator, provenance = made
    known = KNOWN_REFERENCES[provenance["calculator"], provenance["correction"]]
    crystal = relaxed_rutile(calculator, SPECIES)
    metal = relaxed_metal(calculator, "Ru")
    a, _, c = crystal.cell.lengths()
    assert (a, c) == (pytest.approx(PBE[0], rel=0.01), pytest.approx(PBE[1], rel=0.01))
    assert crystal.get_potential_energy() / 2 == pytest.approx(known.bulk, abs=1e-3)
    assert metal.get_potential_energy() / len(metal) == pytest.approx(known.metal, abs=1e-3)


def test_an_added_oxygen_is_bound_as_dft_says(realdata, made):
    energies = {}
    for atoms in ase.io.read(realdata / "ruo2_vasp_pbe.extxyz", ":"):
        num_o = int(np.sum(atoms.numbers == 8))
        if str(atoms.info.get("facet")) == "110" and num_o in (FEWEST, MOST):
            single = atoms.copy()
            single.calc = made[0]
            energies[num_o] = (atoms.get_potential_energy(), single.get_potential_energy())
    dft, ours = (np.array(energies[MOST]) - energies[FEWEST]) / (MOST - FEWEST)
    assert ours == pytest.approx(dft, abs=0.2)  # eV, what a universal potential is good for


def test_it_relaxes_in_a_process_of_its_own(rattled):
    pytest.importorskip("sevenn", exc_type=ImportError)
    with Worker(make_calculator, MODELS[0], Limits(steps=3)) as worker:
        found = worker.relax(rattled)
    assert worker.provenance["calculator"] == "SevenNet 7net-0"
    assert worker.provenance["calculator_version"].startswith("sevenn 0.")
    assert worker.provenance["correction"] == "none"
    assert found.get_potential_energy() < found.info["start_energy"]
