"""Commands that are killed, the short form of `experiments/reliability/kills.py`."""

import numpy as np
import pytest

from tests.kill_works import WORKS
from tests.kills import SIGNALS, kill, tracebacks, undisturbed

SHORT = [work for work in WORKS if work.name in ("records", "records --workers=2", "relax")]


@pytest.mark.parametrize("work", SHORT, ids=lambda work: work.name.replace(" ", "_"))
def test_a_killed_command_that_is_repeated_ends_as_an_undisturbed_one(work, tmp_path):
    times = undisturbed(work, tmp_path / "whole")
    rng = np.random.default_rng(0)
    for number in SIGNALS:
        share, folder = float(rng.uniform(0.1, 0.95)), tmp_path / str(int(number))
        assert kill(work, folder, tmp_path / "whole", number, times, share).faults == []


UNBORN = """Traceback (most recent call last):
  File "<string>", line 1, in <module>
  File "/usr/lib/python3.11/multiprocessing/spawn.py", line 122, in spawn_main
    exitcode = _main(fd, parent_sentinel)
               ^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.11/multiprocessing/spawn.py", line 132, in _main
    self = reduction.pickle.load(from_parent)
EOFError: Ran out of input
"""


def test_only_a_worker_that_never_heard_of_its_work_may_end_in_a_traceback():
    ours = UNBORN.replace("in spawn_main", "in read_notes")
    assert tracebacks("a line\n" + UNBORN + "a line\n") == []
    assert tracebacks(UNBORN + ours + UNBORN) == ["traceback: EOFError: Ran out of input"]
    assert tracebacks(UNBORN.replace("Ran out of input", "other")) == ["traceback: EOFError: other"]


def test_an_interrupt_of_pythons_own_start_is_no_fault_and_one_of_a_command_is():
    early = 'Traceback (most recent call last):\n  File "keras_ruo2/cli.py"\nKeyboardInterrupt\n'
    late = early.replace('cli.py"', 'cli.py", line 69, in run_command_line')
    ignored = early.replace('"keras_ruo2/cli.py"', '"<frozen importlib._bootstrap>", line 198')
    assert tracebacks(early) == tracebacks(ignored.replace("Interrupt", "Interrupt: ")) == []
    assert tracebacks(early.replace("KeyboardInterrupt", "KeyError")) == ["traceback: KeyError"]
    assert tracebacks(late) == ["traceback: KeyboardInterrupt"]
