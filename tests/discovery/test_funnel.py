from ase import Atoms

from keras_ruo2.discovery.funnel import choose_for_relaxation, count_stages, mark_first_of_kind

VALID = {"valid": True, "reasons": "no", "novel": True, "failures": "no"}
INVALID = {"valid": False, "unique_of": -1, "novel": False}


def frames():
    """Empty, invalid for two reasons, known, new, a copy of the new one, invalid for one."""
    infos = [
        INVALID | {"failures": "empty", "reasons": "no_atoms"},
        INVALID | {"failures": "doubtful_atoms", "reasons": "no_vacuum stoichiometry"},
        VALID | {"unique_of": 2, "novel": False},
        VALID | {"unique_of": 3},
        VALID | {"unique_of": 3},
        INVALID | {"failures": "no", "reasons": "no_vacuum"},
    ]
    made = [Atoms("RuO2" if number else "", info=info) for number, info in enumerate(infos)]
    return mark_first_of_kind(made)


def test_what_has_no_ruthenium_comes_last():
    gas = Atoms("O2", info=INVALID | {"reasons": "stoichiometry", "failures": "no"})
    assert choose_for_relaxation([*frames(), gas], 10) == [3, 2, 5, 1, 6]


def test_the_new_ones_are_relaxed_first_and_empty_frames_never():
    assert choose_for_relaxation(frames(), 10) == [3, 2, 5, 1]
    assert choose_for_relaxation(frames(), 2) == [3, 2]


def test_a_copy_of_another_is_never_relaxed():
    assert 4 not in choose_for_relaxation(frames(), 10)


def test_of_new_ones_those_with_the_lowest_estimate_come_first():
    found = frames()
    found[4].info["first_of_kind"] = True
    assert choose_for_relaxation(found, 2) == [3, 4]
    assert choose_for_relaxation(found, 2, {3: 0.2, 4: 0.1}) == [4, 3]
    assert choose_for_relaxation(found, 3, {4: 0.1}) == [4, 3, 2]


def test_each_step_counts_those_that_reach_it():
    relaxed = frames()[1:4]
    outcomes = ("layer_detached not_converged", "not_converged", "no")
    for place, (atoms, outcome) in enumerate(zip(relaxed, outcomes, strict=True)):
        atoms.info |= {"relax_failures": outcome, "rmsd": 0.1}
        atoms.info["unique_of"] = place if atoms.info["valid"] else -1
    relaxed[0].info["mended_pairs"] = 2
    counts, reasons = count_stages(frames(), mark_first_of_kind(relaxed))
    assert counts == {
        "drawn": 6,
        "structures": 5,
        "whole": 4,
        "valid": 3,
        "unique": 2,
        "novel": 1,
        "chosen": 3,
        "mended": 1,
        "energies": 2,
        "converged": 1,
        "valid_after": 2,
        "unique_after": 2,
        "novel_after": 1,
    }
    assert reasons["before"] == {"no_vacuum": 2, "no_atoms": 1, "stoichiometry": 1}
    assert reasons["relax"] == {"not_converged": 2, "layer_detached": 1}
    assert reasons["backmap"] == {"empty": 1, "doubtful_atoms": 1}


def test_a_valid_structure_without_an_energy_is_not_ranked():
    atoms = frames()[3]
    atoms.info["relax_failures"] = "calculator_error"
    counts, _ = count_stages([], mark_first_of_kind([atoms]))
    assert counts["valid_after"] == counts["novel_after"] == 0
