import sys

import pytest

from keras_ruo2.io.progress import IN_A_PIPE, Progress


@pytest.mark.parametrize(("watched", "lines"), [(True, 100), (False, 4)])
def test_progress_is_quiet_where_nobody_watches(monkeypatch, capsys, watched, lines):
    """100 pieces of a second each: a line for each on a terminal, one in half a minute else."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: watched, raising=False)
    now = [0.0]
    progress = Progress(100, clock=lambda: now[0])
    for number in range(100):
        now[0] += 1.0
        progress.step(f"piece {number}")
    said = capsys.readouterr().out.splitlines()
    assert len(said) == lines
    assert said[-1].startswith("100/100 piece 99")
    assert IN_A_PIPE == 30.0
