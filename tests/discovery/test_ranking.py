import csv

import numpy as np
import pytest

from keras_ruo2.discovery.ranking import lowest_known, rank_candidates, worth_handing_over
from keras_ruo2.discovery.ranking_table import COLUMNS, write_ranking
from keras_ruo2.discovery.tables import distance
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.thermodynamics.surface import References, area

REFERENCES = References(bulk=-22.0, oxygen=-5.0, metal=-9.0)
LIMITS = (-1.5, 0.0)


def slab(kind, cost, name):
    """A (110) slab that costs `cost` eV over bulk and O2."""
    made = build_slab(f"110-{kind}", a=4.5, c=3.1)
    excess = sum(made.numbers == 8) - 2 * sum(made.numbers == 44)
    made.info = {"name": name, "facet": "(110)"}
    return with_energy(made, 22.0 * -sum(made.numbers == 44) - 5.0 * excess + cost)


def test_structures_are_ranked_by_their_distance_to_the_best_known_slab():
    known = [slab("stoichiometric", 2.0, "known"), slab("O-rich", 1.0, "known-rich")]
    better, worse = slab("O-rich", 0.9, "better"), slab("stoichiometric", 3.0, "worse")
    rows = rank_candidates([worse, better], known, REFERENCES, LIMITS)
    assert [row.atoms.info["name"] for row in rows] == ["better", "worse"]
    faces = 2 * area(better)
    assert rows[0].above == pytest.approx(-0.1 / faces)
    assert rows[1].above == pytest.approx(1.0 / faces)  # where the stoichiometric one is best
    assert rows[1].best_at < -0.5
    assert distance(rows[0]).endswith("meV/Å² below the best known slab")


def test_without_known_slabs_structures_are_compared_with_each_other():
    rows = rank_candidates(
        [slab("O-rich", 1.5, "b"), slab("O-rich", 1.0, "a")], [], REFERENCES, LIMITS
    )
    assert [row.atoms.info["name"] for row in rows] == ["a", "b"]
    assert rows[0].above == 0 and rows[1].above > 0
    assert distance(rows[0]) == "0.0 meV/Å² above the best one found (none is known)"


def test_known_and_unconverged_structures_are_handed_over_last():
    known = [slab("stoichiometric", 2.0, "known")]
    said = {
        "new": {"novel": True, "relax_failures": "no"},
        "known": {"novel": False, "relax_failures": "no"},
        "moving": {"novel": True, "relax_failures": "not_converged"},
        "far": {"novel": True, "relax_failures": "no"},
    }
    structures = [slab("stoichiometric", 1.0 + 3 * (name == "far"), name) for name in said]
    for atoms in structures:
        atoms.info |= said[atoms.info["name"]]
    new, rest = worth_handing_over(rank_candidates(structures, known, REFERENCES, LIMITS))
    assert [row.atoms.info["name"] for row in new] == ["new"]
    assert {row.atoms.info["name"] for row in rest} == {"known", "moving"}


def test_known_slabs_that_are_lowest_somewhere_are_listed_and_broken_ones_never():
    known = [
        slab("stoichiometric", 2.0, "poor"),
        slab("O-rich", 1.0, "rich"),
        slab("stoichiometric", 3.0, "never"),
    ]
    broken = slab("O-rich", 0.1, "broken")
    broken.positions[np.argmax(broken.positions[:, 2]), 2] += 3
    without = slab("O-rich", 0.1, "no energy")
    without.calc = None
    found = lowest_known([*known, without, broken], REFERENCES, (-3.0, 0.0))
    assert {(number, atoms.info["name"]) for number, atoms, _ in found} == {
        (0, "poor"),
        (1, "rich"),
    }
    values = [line(-1.5) for *_, line in found]
    assert values == sorted(values)


def test_the_table_has_a_cell_for_every_column(tmp_path):
    known, better = slab("stoichiometric", 2.0, "known"), slab("O-rich", 0.9, "better")
    better.info |= {"method": "generated", "rmsd": 0.1, "calculator": "made up", "novel": True}
    rows = rank_candidates([better], [known], REFERENCES, LIMITS)
    write_ranking(tmp_path / "ranking.csv", rows, LIMITS, {"better": "poscar/001-better"})
    with open(tmp_path / "ranking.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert list(row) == ["rank", *COLUMNS, "poscar"] and None not in row.values()
    assert row["name"] == "better" and row["poscar"] == "poscar/001-better"
    assert float(row["gamma_O_rich_meV_A2"]) == pytest.approx(1000 * rows[0].line(0.0), abs=0.01)
    assert (row["novel"], row["converged"]) == ("True", "True")
