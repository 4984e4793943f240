"""One table of bounds; every use takes its own from there."""

import ast
from pathlib import Path

import pytest

import keras_ruo2.structure
from keras_ruo2.basin_hopping import moves
from keras_ruo2.discovery import baselines
from keras_ruo2.relaxation import outcome
from keras_ruo2.structure import cells, damage, filters, plausible, validity
from keras_ruo2.structure.bounds import BOUNDS, bound

PACKAGE = Path(keras_ruo2.structure.__file__).parents[1]


@pytest.mark.parametrize("name", BOUNDS)
def test_every_bound_says_its_unit_and_its_source(name):
    row = BOUNDS[name]
    assert row.source and (row.unit or name == "oxygen_per_ruthenium")


def test_every_use_takes_its_bound_from_the_table():
    assert filters.CLOSEST == baselines.CLOSEST == bound("merged")
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


def test_each_use_is_a_named_subset_of_the_one_table():
    subsets = "DOOR DAMAGED IMPOSSIBLE UNREADABLE INVALID BROKEN UNRELAXABLE REFUSED".split()
    uses = {name: set(getattr(validity, name)) for name in subsets}
    assert all(names <= set(validity.REASONS) for names in uses.values())
    judged_by_a_pair = {"false_well"}  # of a relaxation and of a trial, at its end and before it
    assert set().union(*uses.values()) | judged_by_a_pair == set(validity.REASONS)


def test_every_reason_takes_its_bounds_from_the_table():
    of_reasons = {name for reason in validity.REASONS.values() for name in reason.bounds}
    of_relaxations = {"farthest", "fragment_kept"}
    assert of_reasons | of_relaxations == set(BOUNDS)


def test_nobody_else_says_what_speaks_against_a_structure():
    """Functions that find faults are called through the table, by `validity` alone."""
    homes = {filters.__name__, damage.__name__, plausible.__name__}
    finders = {
        reason.find.__name__
        for name, reason in validity.REASONS.items()
        if reason.find.__module__ in homes and name not in ("false_well", "no_atoms", "not_finite")
    }
    allowed = {"filters.py", "damage.py", "plausible.py", "validity.py"}
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == "structure" and path.name in allowed:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module in homes:
                names = {alias.name for alias in node.names}
                assert not names & finders, f"{path.name} takes {names & finders} past the table"


def test_bounds_of_shortest_distances_are_in_order():
    assert bound("false_well") < bound("merged") < 0.74  # Ru-O, the shortest bond of a whole slab
