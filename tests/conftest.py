import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
from keras_ruo2.backend import start_backend  # noqa: E402

start_backend("tensorflow")
import tensorflow as tf  # noqa: E402

# Optimising a graph takes longer here than the few steps that it would make faster.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})

from keras_ruo2.config.preparation import RecordsConfig  # noqa: E402
from keras_ruo2.data import stores  # noqa: E402
from keras_ruo2.io import messages  # noqa: E402
from keras_ruo2.records.build import main as write_records  # noqa: E402
from keras_ruo2.structure.cells import with_energy  # noqa: E402
from keras_ruo2.structure.crystals import rutile_ruo2  # noqa: E402
from keras_ruo2.structure.slabs import build_slab  # noqa: E402

messages.to_terminal()  # as the command line does
ROOT = Path(__file__).resolve().parents[1]
REALDATA = ROOT.parent / "shared" / "realdata"
A, C = 4.5, 3.1
# JAX's compiler takes longer than the arithmetic of tests unless it is told not to optimise.
QUICK_COMPILER = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"


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
def on_backend(tmp_path_factory):
    """A function that runs a test file as a script on a backend and loads the arrays it saved.

    Keras has one backend a process. The script is given the name of an .npz file to write, then
    any other arguments.
    """

    def run(backend, script, *arguments):
        if not importlib.util.find_spec(backend):
            pytest.skip(f"{backend} is not installed")
        out = tmp_path_factory.mktemp(backend) / "found.npz"
        chosen = {"KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
        chosen["XLA_FLAGS"] = QUICK_COMPILER
        command = [sys.executable, script, out, *arguments]
        subprocess.run(command, env={**os.environ, **chosen}, check=True, cwd=ROOT)
        with np.load(out) as found:
            return dict(found)

    return run


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
    """Records of `structures` on grids of 16 voxels, half of them at each of two dmu_O.

    Five of the twelve are held out, the fewest that are a yardstick.
    """
    import ase.io

    folder = tmp_path_factory.mktemp("small")
    slabs = ase.io.read(structures, ":")
    for number, slab in enumerate(slabs):
        slab.info["dmu_o"] = -0.5 * (number % 2)
    ase.io.write(folder / "slabs.extxyz", slabs)
    config = RecordsConfig(
        structures=folder / "slabs.extxyz",
        out=folder / "gap2d",
        holdout=0.42,
        num_voxels=16,
        num_classes=4,
    )
    write_records(config)
    return config.out


@pytest.fixture(scope="session")
def tiny_records(structures, tmp_path_factory):
    """Records of `structures` on grids of 8 voxels, for runs in processes of their own."""
    out = tmp_path_factory.mktemp("tiny") / "gap2d"
    write_records(RecordsConfig(structures=structures, out=out, holdout=0.25, num_voxels=8))
    return out


@pytest.fixture(scope="session")
def few_records(structures, tmp_path_factory):
    """Records of four of `structures` on grids of 8 voxels: four shards."""
    import ase.io

    folder = tmp_path_factory.mktemp("few")
    ase.io.write(folder / "slabs.extxyz", ase.io.read(structures, ":4"))
    write_records(few(folder / "slabs.extxyz", folder / "gap2d"))
    return folder / "gap2d"


@pytest.fixture(scope="session")
def other_records(few_records, tmp_path_factory):
    """Other records of the same structures."""
    out = tmp_path_factory.mktemp("other") / "gap2d"
    write_records(few(few_records.parent / "slabs.extxyz", out, seed=7))
    return out


def few(structures, out, **values):
    """Return a configuration of small records."""
    small = {"holdout": 0.25, "num_voxels": 8, "num_classes": 0}
    return RecordsConfig(structures=structures, out=out, **small | values)


@pytest.fixture(scope="session")
def s3_server():
    """An S3 server on this machine."""
    pytest.importorskip("moto")
    pytest.importorskip("s3fs")
    from tests.s3 import Server

    server = Server()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch, tmp_path):
    """The server with an empty bucket `slabs`, through s3fs, and an empty cache."""
    from tests.s3 import ENVIRONMENT

    monkeypatch.setattr(stores, "is_installed", lambda name: name != "tensorflow_io")
    s3_server.start()
    s3_server.post("/moto-api/reset", b"")
    s3_server.make_bucket("slabs")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.url)
    monkeypatch.setenv("KERAS_RUO2_CACHE", str(tmp_path / "cache"))
    s3_server.asked.clear()
    return s3_server


@pytest.fixture(scope="session")
def realdata():
    """Real slabs by DFT, where the machine has them; never copied into the project."""
    if not REALDATA.is_dir():
        pytest.skip("no real slabs on this machine")
    return REALDATA
