import os
from pathlib import Path

import numpy as np
import pytest

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
from keras_ruo2.backend import start_backend  # noqa: E402

start_backend("tensorflow")

from data_prep.config import RecordsConfig  # noqa: E402
from data_prep.records import main as write_records  # noqa: E402
from keras_ruo2.recipes import Recipe  # noqa: E402
from keras_ruo2.structure.cells import with_energy  # noqa: E402
from keras_ruo2.structure.crystals import rutile_ruo2  # noqa: E402
from keras_ruo2.structure.slabs import build_slab  # noqa: E402

REALDATA = Path(__file__).resolve().parents[2] / "shared" / "realdata"
A, C = 4.5, 3.1


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def rutile():
    return rutile_ruo2()


@pytest.fixture
def slab():
    """The stoichiometric (110) slab, 18 atoms, with a made-up energy."""
    return with_energy(build_slab("110-stoichiometric", a=A, c=C), -100.0)


@pytest.fixture(scope="session")
def structures(tmp_path_factory):
    """A file of twelve slabs of four facets with made-up energies."""
    import ase.io

    names = ["110-stoichiometric", "100-O-rich", "101-O-poor", "111-stoichiometric"]
    slabs = []
    for number in range(12):
        slab = build_slab(names[number % 4], a=A, c=C)
        slab.info = {"name": f"slab-{number}"}
        slabs.append(with_energy(slab, -7.0 * len(slab) + 0.3 * number))
    path = tmp_path_factory.mktemp("structures") / "slabs.extxyz"
    ase.io.write(path, slabs)
    return path


@pytest.fixture(scope="session")
def records(structures, tmp_path_factory):
    """Records of `structures`: 12 x 128 slices."""
    out = tmp_path_factory.mktemp("records") / "gap2d"
    write_records(RecordsConfig(structures=structures, out=out, holdout=0.25))
    return out


@pytest.fixture(scope="session")
def small_records(structures, tmp_path_factory):
    """Records of `structures` on 8 x 8 voxels, for runs in processes of their own."""
    out = tmp_path_factory.mktemp("records") / "gap2d"
    recipe = Recipe(alpha=0.5, translations=2, positions=(0, 2, 4, 6), num_voxels=8)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("data_prep.records", "data_prep.samples"):
            patch.setattr(f"{module}.RECIPES", {"gap2d": recipe})
        write_records(RecordsConfig(structures=structures, out=out, holdout=0.25))
    return out


@pytest.fixture(scope="session")
def realdata():
    """Real slabs by DFT, where the machine has them; never copied into the project."""
    if not REALDATA.is_dir():
        pytest.skip("no real slabs on this machine")
    return REALDATA
