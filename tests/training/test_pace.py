from types import SimpleNamespace

import pytest

from keras_ruo2.training.pace import FIRST, LAST, Pace, cheaper_settings


def run(
    seconds_per_step,
    minutes,
    last_step=2000,
    first_step=0,
    batch_size=32,
    compiling=10.0,
    cheaper=None,
    usable=1000,
):
    limit = float("inf") if minutes is None else 60 * minutes
    recorder = SimpleNamespace(limit=limit, last_step=last_step, step=first_step, seconds=0.0)
    pace = Pace(recorder, batch_size, usable, cheaper)
    pace.set_model(SimpleNamespace(stop_training=False))
    for number in range(LAST + 5):
        recorder.step += 1
        recorder.seconds += seconds_per_step + (compiling if number == 0 else 0)
        pace.on_train_batch_end(number)
    return pace


def test_a_budget_that_reaches_too_few_steps_is_told_once_with_what_can_be_done(capsys):
    run(1.3, minutes=9)
    said = capsys.readouterr().err
    assert said.count("Warning") == 1
    # 540 s, of which 10 compile
    assert "at 1.3 s a step --minutes=9 ends this run near step 407" in said
    assert "--resume --minutes=23" in said and "--batch_size=16" in said


def test_a_batch_that_is_small_already_is_not_halved(capsys):
    run(1.3, minutes=9, batch_size=8)
    assert "--batch_size" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "known",
    [
        {"minutes": 9, "seconds_per_step": 0.3},
        {"minutes": None, "seconds_per_step": 100.0},
        {"minutes": 9, "seconds_per_step": 1.3, "last_step": 300},
        {"minutes": 9, "seconds_per_step": 1.3, "first_step": 900},
    ],
    ids=["fast", "no limit", "few steps wanted", "resumed"],
)
def test_a_budget_that_is_enough_is_not_remarked_on(capsys, known):
    run(**known)
    assert capsys.readouterr().err == ""


def test_the_first_steps_do_not_count(capsys):
    run(0.3, minutes=9, compiling=100.0)
    assert capsys.readouterr().err == "" and FIRST > 1


def test_a_run_that_may_begin_anew_ends_early_and_says_with_what(capsys):
    pace = run(1.3, minutes=9, cheaper={"width": 8})
    assert pace.ended and pace.model.stop_training
    said = capsys.readouterr().err
    assert said.count("Warning") == 1 and "begins anew with --width=8" in said


def test_a_machine_that_is_fast_enough_changes_nothing(capsys):
    pace = run(0.3, minutes=9, cheaper={"width": 8})
    assert not pace.ended and not pace.model.stop_training
    assert capsys.readouterr().err == ""


def test_a_run_that_is_not_hopeless_goes_on_as_it_is(capsys):
    pace = run(0.8, minutes=9, cheaper={"width": 8})  # 662 steps
    assert not pace.ended
    assert "near step 66" in capsys.readouterr().err


def test_atoms_on_sites_need_fewer_steps(capsys):
    run(1.3, minutes=9, usable=100)
    assert capsys.readouterr().err == ""
    run(1.3, minutes=1.5, usable=100)  # 61 steps
    assert "near step 61; with fewer than about 100" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arch", "given", "expected"),
    [
        ("waves", {"width": 16}, {"width": 8}),
        ("waves", {"width": 1}, {"width": 1}),
        ("atoms", {"batch_size": 32}, {"batch_size": 16}),
        ("atoms", {"batch_size": 3}, {"batch_size": 2}),
    ],
)
def test_what_costs_most_is_made_cheaper(arch, given, expected):
    assert cheaper_settings({"arch": arch} | given) == expected
