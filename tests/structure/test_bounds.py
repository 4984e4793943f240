"""One table of bounds; every use takes its own from there."""

import ast
from pathlib import Path

import pytest

import keras_ruo2.structure
from keras_ruo2.basin_hopping import moves
from keras_ruo2.basin_hopping.trial import FAULTS
from keras_ruo2.discovery import baselines
from keras_ruo2.relaxation import outcome
from keras_ruo2.structure import cells, damage, filters, validity
from keras_ruo2.structure.bounds import BOUNDS, bound

PACKAGE = Path(keras_ruo2.structure.__file__).parents[1]


@pytest.mark.parametrize("name", BOUNDS)
def test_every_bound_says_its_uses_and_its_source(name):
    row = BOUNDS[name]
    assert row.uses and row.source


def test_every_use_takes_its_bound_from_the_table():
    assert validity.CLOSEST == baselines.CLOSEST == bound("merged")
    assert moves.CLASH == outcome.CLOSEST == bound("false_well")
    assert outcome.FARTHEST == bound("farthest")
    assert damage.CLOSEST == bound("contact") and cells.SLAB_GAP == bound("slab_gap")


def test_nobody_has_a_closest_distance_of_his_own():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in (
                "CLOSEST",
                "CLASH",
                "SLAB_GAP",
            ):
                assert "bound(" in ast.unparse(node.value), path


def test_what_a_search_refuses_is_what_the_filters_find():
    assert {function.__module__ for function in FAULTS.values()} == {filters.__name__}
    assert set(filters.CRITERIA) <= set(validity.REASONS)


def test_bounds_of_shortest_distances_are_in_order():
    assert bound("false_well") < bound("merged") < 0.74  # Ru-O, the shortest bond of a whole slab
