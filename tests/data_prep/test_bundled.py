"""The bundled snapshots of a search."""

import lzma

import numpy as np
import pytest

from keras_ruo2.io.paths import REPOSITORY
from keras_ruo2.io.structures import read_structures
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.slabs import TERMINATIONS

PARTS = sorted((REPOSITORY / "tfrecords" / "basin_hopping").glob("*.xz"))


@pytest.fixture(scope="module")
def headers():
    """The second line of every structure: cell and history."""
    lines = "".join(lzma.open(part, "rt").read() for part in PARTS).splitlines()
    return [line for line in lines if line.startswith("Lattice=")]


def values(headers, name):
    """The values of a key, as texts."""
    found = [header.split(f" {name}=", 1)[1] for header in headers]
    return [text.split('"')[1] if text[0] == '"' else text.split(" ", 1)[0] for text in found]


def test_it_is_large_diverse_and_small_on_disk(headers):
    assert len(headers) >= 18_000
    assert set(values(headers, "start")) >= set(TERMINATIONS)
    assert set(values(headers, "facet")) == {"(001)", "(100)", "(101)", "(110)", "(111)"}
    assert set(map(float, values(headers, "dmu_o"))) == {-2.0, -1.0, -0.5, -0.25, 0.0}
    history = zip(*(values(headers, name) for name in ("chain", "trial", "snapshot")), strict=True)
    assert len(set(history)) == len(headers)
    cells = [header.split('"')[1].split() for header in headers]
    edges = np.array(cells, dtype=float)[:, [0, 4, 8]]
    assert edges.min() >= 8.9 and edges.max() <= 17.01  # voxels of 0.53 Å at most
    sizes = [part.stat().st_size for part in PARTS]
    assert max(sizes) < 5e6 and sum(sizes) < 15e6


def test_its_structures_have_energies_layers_and_names(tmp_path):
    text = lzma.open(PARTS[0], "rt").readlines()
    count = int(text[0])
    (tmp_path / "first.extxyz").write_text("".join(text[: count + 2]))
    (atoms,) = read_structures(tmp_path / "first.extxyz")
    assert len(atoms) == count and set(atoms.arrays["layer"]) == {0, 1, 2}
    assert -8 < potential_energy(atoms) / count < -6
    assert {"start", "chain", "trial", "snapshot", "outcome", "move"} <= set(atoms.info)
