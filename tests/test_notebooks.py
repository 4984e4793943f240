"""The notebooks of the documentation run from their first cell to their last."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.py"))
WRITTEN = {
    "phase_diagram": ("phase_diagram.png", "diagram/wulff.png", "diagram/crossings.csv"),
    "generator": (),
}
PRINTED = {
    "phase_diagram": "148 slabs; energies by CHGNet",
    "generator": "class 7 | share of O: 0.",
}


def test_there_are_notebooks():
    assert {path.stem for path in NOTEBOOKS} == set(WRITTEN)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    if path.stem == "generator":
        pytest.importorskip("dscribe")
        pytest.importorskip("pymatgen")
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, path], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for name in WRITTEN[path.stem]:
        assert (tmp_path / name).stat().st_size > 0, name
    assert PRINTED[path.stem] in done.stdout
