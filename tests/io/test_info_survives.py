"""What a database brings is still there after every command that passes structures on."""

import os

import ase.db
import pytest

from keras_ruo2.config import PhaseDiagramConfig, RelaxConfig, ScreenConfig
from keras_ruo2.io.structures import read_structures
from keras_ruo2.relaxation.batch import main as relax
from keras_ruo2.structure.cells import potential_energy, with_energy
from keras_ruo2.thermodynamics.phase_diagram import main as phase_diagram

BROUGHT = {"species": "", "site": "", "doi": "10.1/a=b", "note": 'a "b" = c', "who": "Müller"}
FLAGS = {"bulk_energy": -22.0, "oxygen_energy": -5.0, "metal_energy": -9.0}


@pytest.fixture
def database(slab, tmp_path):
    path = tmp_path / "slabs.db"
    with ase.db.connect(path) as rows:
        for number in range(3):
            slab.positions[0, 0] += 0.01
            slab = with_energy(slab, -130.0 + number)
            rows.write(slab, key_value_pairs=BROUGHT | {"name": f"slab {number}", "number": number})
    return path


def check(path, names):
    found = read_structures(path)
    assert [atoms.info["name"] for atoms in found] == names
    for atoms in found:
        assert BROUGHT.items() <= atoms.info.items()
        assert atoms.info["number"] == int(atoms.info["name"][-1])
        assert potential_energy(atoms) is not None
    return found


NAMES = ["slab 0", "slab 1", "slab 2"]


def test_screen_keeps_its_verdict_beside_empty_values(database, tmp_path):
    pytest.importorskip("dscribe")
    from keras_ruo2.screening.batch import main as screen

    screen(ScreenConfig(structures=database, out=tmp_path / "screened.extxyz"))
    for atoms in check(tmp_path / "screened.extxyz", NAMES):
        assert atoms.info["valid"] is True
        assert {"reasons", "unique_of", "novel", "recognised_facet"} <= set(atoms.info)


def test_relax_and_phase_diagram_keep_what_came(database, tmp_path):
    out = tmp_path / "relaxed.extxyz"
    relax(RelaxConfig(structures=database, out=out, calculator="tests.fakes:Morse", steps=1))
    for atoms in check(out, NAMES):
        assert atoms.info["calculator"] == "tests.fakes:Morse"
    phase_diagram(PhaseDiagramConfig(structures=database, out=tmp_path / "d", **FLAGS))
    check(tmp_path / "d" / "stable.extxyz", NAMES[:1])
    assert os.path.getsize(tmp_path / "d" / "phase_diagram.png")
