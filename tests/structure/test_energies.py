import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.energies import class_edges, energy_class


def test_classes_have_equal_width_and_cover_the_range():
    edges = class_edges([-1220.2, -1100.0, -1031.4])
    np.testing.assert_allclose(np.diff(edges), 18.88)  # the source's width, table 3.1
    assert energy_class(-1220.2, edges) == 0
    assert energy_class(-1031.4, edges) == 9
    assert energy_class(-1201.4, edges) == 0
    assert energy_class(-1201.3, edges) == 1


def test_every_energy_falls_between_its_edges(rng):
    energies = rng.normal(size=100)
    edges = class_edges(energies)
    labels = energy_class(energies, edges)
    assert (edges[labels] <= energies).all() and (energies <= edges[labels + 1]).all()


def test_missing_or_equal_energies_are_refused():
    with pytest.raises(ConfigError, match="1 of 2 structures have no energy"):
        class_edges([-1.0, np.nan])
    with pytest.raises(ConfigError, match="same energy"):
        class_edges([-1.0, -1.0])
