from tests.command_lines import outcomes

FINE = {"refused", "accepted", "help"}


def test_no_command_line_ends_in_a_traceback_or_runs_its_values(tmp_path):
    bad = [found for found in outcomes(150, 1, tmp_path) if found[2] not in FINE]
    assert bad == []
    assert not (tmp_path / "ran").exists()
