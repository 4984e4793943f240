import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from keras_ruo2.metrics.energies import energy_scores, labelled_energies
from keras_ruo2.metrics.floors import TooFewSamples

EDGES = np.linspace(-7.5, -6.5, 6)
MIDDLES = (EDGES[1:] + EDGES[:-1]) / 2


def relaxed(label, energy, failures="no"):
    atoms = Atoms("RuO2", positions=np.eye(3) * 2, cell=[9, 9, 9], pbc=True)
    atoms.info = {"label": label, "relax_failures": failures}
    atoms.calc = SinglePointCalculator(atoms, energy=3 * energy)
    return atoms


def test_energies_are_per_atom_and_failed_structures_are_left_out():
    without_class = relaxed(0, -7.0)
    del without_class.info["label"]
    structures = [relaxed(2, -7.0), relaxed(1, -6.9, "not_converged"), Atoms(), without_class]
    structures.append(relaxed(3, -9.0, "exploded not_converged"))
    labels, energies = labelled_energies(structures)
    np.testing.assert_array_equal(labels, [2, 1])
    np.testing.assert_allclose(energies, [-7.0, -6.9])


def test_classes_that_come_true_share_all_their_information(rng):
    labels = rng.integers(5, size=400)
    told = energy_scores(labels, MIDDLES[labels], EDGES)
    entropy = -sum(share * np.log2(share) for share in np.bincount(labels) / 400)
    assert told["information"] == pytest.approx(entropy)
    assert told["accuracy"] == told["correlation"] == pytest.approx(1)
    ignored = energy_scores(labels, MIDDLES[rng.integers(5, size=400)], EDGES)
    assert ignored["information"] < ignored["null_95"] + 0.02
    assert abs(ignored["correlation"]) < 0.2


@pytest.mark.parametrize("labels", [[1, 2] * 5, [3] * 40])
def test_too_few_structures_or_classes_are_said(labels):
    with pytest.raises(TooFewSamples, match=f"{len(labels)} relaxed structures"):
        energy_scores(np.array(labels), np.full(len(labels), -7.0), EDGES)
