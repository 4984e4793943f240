import subprocess
import sys

import ase.db
import numpy as np
import pytest

from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.structures import read_structures
from keras_ruo2.structure.cells import potential_energy

INFO = {
    "name": "slab-0",
    "facet": "(110)",
    "valid": True,
    "label": np.int64(3),
    "residual": 0.25,
    "failures": "110",  # a text that looks like a number
    "composition": {"Ru": 6, "O": 12},
    "a key with blanks": "kept",
    "dmu_o": float("nan"),
}


@pytest.fixture
def path(slab, tmp_path):
    slab.info |= INFO
    slab.set_array("confidence", np.linspace(0, 1, len(slab)))
    write_frames(tmp_path / "found.db", [slab, slab.copy()])
    return tmp_path / "found.db"


def test_structures_are_selected_by_what_is_said_of_them(path):
    with ase.db.connect(path) as database:
        assert len(list(database.select(facet="(110)", valid=True, label=3))) == 2
        assert len(list(database.select("residual>0.3"))) == 0


def test_the_keys_are_explained(path):
    metadata = ase.db.connect(path).metadata
    assert metadata["title"].startswith("Structures of keras_ruo2")
    assert metadata["key_descriptions"]["facet"][0] == "Facet"
    assert "name" in metadata["default_columns"]


def test_nothing_is_lost(path, slab):
    first, second = read_structures(path)
    for name in INFO.keys() - {"dmu_o"}:
        assert first.info[name] == INFO[name], name
    assert np.isnan(first.info["dmu_o"])
    np.testing.assert_allclose(first.arrays["confidence"], np.linspace(0, 1, len(slab)))
    np.testing.assert_allclose(first.positions, slab.positions)
    assert potential_energy(first) == pytest.approx(-100) and potential_energy(second) is None


def test_the_file_is_replaced_whole(path, slab):
    write_frames(path, [slab])
    assert len(read_structures(path)) == 1
    assert [file.name for file in path.parent.iterdir()] == ["found.db"]


def test_ase_shows_it(path):
    command = [
        sys.executable,
        "-m",
        "ase",
        "db",
        str(path),
        "facet=(110)",
        "-c",
        "name,facet,valid",
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "slab-0" in shown and "Rows: 2" in shown
