import os
import time

import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation import worker as module
from keras_ruo2.relaxation.calculators import make_calculator
from keras_ruo2.relaxation.relax import Limits, relax
from keras_ruo2.relaxation.worker import Worker
from tests.fakes import Morse

LIMITS = Limits(steps=3, seconds=1.0)


@pytest.fixture
def rattled(slab, rng):
    slab.positions += rng.normal(scale=0.08, size=slab.positions.shape)
    return slab


def test_a_worker_finds_what_relax_does_to_the_last_bit(rattled, tmp_path):
    with Worker(make_calculator, "tests.fakes:Morse", LIMITS) as worker:
        found = worker.relax(rattled, str(tmp_path / "t.traj"))
        process = worker.process
        assert worker.provenance["calculator"] == "tests.fakes:Morse"
    here = relax(rattled, Morse(), LIMITS)
    assert found.positions.tobytes() == here.positions.tobytes()
    assert found.get_forces().tobytes() == here.get_forces().tobytes()
    assert set(found.info) == set(here.info) and (tmp_path / "t.traj").exists()
    assert process._closed


def test_a_call_that_hangs_is_ended_and_the_next_structure_goes_on(rattled, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    odd = rattled.copy()
    del odd[np.flatnonzero(odd.numbers == 8)[-1]]
    with Worker(make_calculator, "tests.fakes:Hanging", LIMITS) as worker:
        first = worker.process.pid
        started = time.monotonic()
        lost = worker.relax(odd)
        assert time.monotonic() - started < 2 * LIMITS.seconds + 3
        assert lost.info["relax_failures"] == "calculator_hung" and lost.calc is None
        assert "did not end within 1 s" in lost.info["error"]
        np.testing.assert_array_equal(lost.positions, odd.positions)
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        assert worker.relax(rattled).info["stopped"] == "steps"


def test_a_calculator_that_takes_its_process_along_costs_one_structure(
    rattled, tmp_path, monkeypatch
):
    calls = tmp_path / "calls"
    calls.write_text("2")
    monkeypatch.setenv("KILL_AT", str(calls))
    with Worker(make_calculator, "tests.fakes:Crumbling", LIMITS) as worker:
        lost = worker.relax(rattled)
        assert lost.info["relax_failures"] == "calculator_error"
        assert lost.info["error"] == "the calculator's process ended (SIGKILL)"
        calls.write_text("100")
        assert worker.relax(rattled).info["relaxation_steps"] == 3


def fail(name):
    """What `make_calculator` does with a model file that is none."""
    raise RuntimeError(f"{name} holds no model")


def test_a_calculator_that_cannot_be_made_is_one_line():
    with pytest.raises(ConfigError, match="'mace:x' could not be made: RuntimeError: mace:x holds"):
        Worker(fail, "mace:x", LIMITS)


def never(name):
    """A model on a server that does not answer."""
    time.sleep(60)


def test_a_calculator_that_is_never_made_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "MAKING", 0.5)
    with pytest.raises(ConfigError, match="'far' could not be made: it took longer than 0.5 s"):
        Worker(never, "far", LIMITS)
