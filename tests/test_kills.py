"""Commands that are killed, the short form of `experiments/reliability/kills.py`."""

import numpy as np
import pytest

from tests.kills import SIGNALS, WORKS, faults, undisturbed

SHORT = [work for work in WORKS if work.name in ("records", "records --workers=2", "relax")]


@pytest.mark.parametrize("work", SHORT, ids=lambda work: work.name.replace(" ", "_"))
def test_a_killed_command_that_is_repeated_ends_as_an_undisturbed_one(work, tmp_path):
    seconds = undisturbed(work, tmp_path / "whole")
    rng = np.random.default_rng(0)
    for number in SIGNALS:
        moment = seconds * float(rng.uniform(0.2, 0.95))
        folder = tmp_path / str(int(number))
        assert faults(work, folder, tmp_path / "whole", number, moment) == []
