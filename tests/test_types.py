"""Type hints of the whole package are those of the code."""

import pytest


def test_the_hints_hold(tmp_path, monkeypatch):
    api = pytest.importorskip("mypy.api")
    told, errors, status = api.run(["--cache-dir", str(tmp_path)])
    assert status == 0, told + errors
