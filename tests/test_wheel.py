"""The wheel works where there is no clone: installed into an environment of its own, run there."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import ase.io
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
LARGEST = 5_000_000  # bytes of one file

# An installed calculator that costs nothing: what is tried here is the way to the report.
QUICK = """
from ase.calculators.lj import LennardJones

def calculator():
    return LennardJones(sigma=1.7, epsilon=0.5, rc=4.0)
"""

for module in ("build", "setuptools_scm", "wheel"):
    pytest.importorskip(module)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built offline from a copy without git: its version is the fallback."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, source)
    for name in ("keras_ruo2", "data_prep"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "tfrecords" / "basin_hopping").mkdir(parents=True)
    for pattern in ("README.md", "*.extxyz", "basin_hopping/*.xz"):
        for file in (ROOT / "tfrecords").glob(pattern):
            shutil.copy(file, source / file.relative_to(ROOT))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder]
    done = subprocess.run([*command, source], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("keras_ruo2-*.whl"))


@pytest.fixture(scope="module")
def outside(wheel, tmp_path_factory):
    """A function that runs a command of the installed wheel in a folder far from the clone.

    The environment's own packages are the wheel alone; heavy ones come from this environment.
    """
    folder = tmp_path_factory.mktemp("outside")
    venv.create(folder / "venv", with_pip=False)
    library = folder / "venv" / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    (library / "others.pth").write_text("\n".join(dict.fromkeys(site_packages())))
    python = folder / "venv" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    subprocess.run([*install, "--no-index", "--ignore-installed", wheel], check=True, cwd=folder)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}

    def run(program, *words):
        command = [folder / "venv" / "bin" / program, *words]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.folder, run.library = folder, library
    return run


def site_packages():
    """Return the folders of this environment's packages."""
    return [path for path in sys.path if path.endswith("site-packages") and Path(path).is_dir()]


def test_the_wheel_holds_structures_models_and_no_large_file(wheel):
    with zipfile.ZipFile(wheel) as archive:
        files = {info.filename: info.file_size for info in archive.infolist()}
    assert max(files.values()) < LARGEST
    for name in (
        "keras_ruo2/tfrecords/gap.extxyz",
        "keras_ruo2/tfrecords/gap_7net-0.extxyz",
        "keras_ruo2/tfrecords/basin_hopping/part-000.extxyz.xz",
        "keras_ruo2/bundled/joint3d/config.json",
        "keras_ruo2/bundled/README.md",
    ):
        assert name in files, name
    assert any(name.endswith("generator.weights.h5") for name in files)
    assert not any(name.startswith(("tests/", "experiments/")) for name in files)


def test_what_runs_is_the_wheel(outside):
    code = "import keras_ruo2; print(keras_ruo2.__file__, keras_ruo2.__version__)"
    place, version = outside("python", "-c", code).split()
    assert place.startswith(str(outside.folder)) and version == "0.1.0"


def test_variants_and_doctor_run(outside):
    assert "joint3d" in outside("keras_ruo2", "variants")
    found = json.loads(outside("keras_ruo2", "doctor", "--quick", "--json"))
    assert found["keras_ruo2"] == "0.1.0" and found["libraries"]["keras"]
    assert found["extras"]["docs"]["install"] == "pip install 'keras_ruo2[docs]'"


def test_the_bundled_model_draws_slabs(outside):
    outside("keras_ruo2", "generate", "--model=joint3d", "--count=4", "--out=samples.npz",
            "--structures=slabs.extxyz")  # fmt: skip
    with np.load(outside.folder / "samples.npz") as samples:
        assert samples["grid"].shape == (4, 32, 32, 32, 2)
    assert len(ase.io.read(outside.folder / "slabs.extxyz", ":")) == 4
    assert (outside.folder / "samples.png").stat().st_size > 10_000


def test_bundled_slabs_become_records_and_a_run(outside):
    table = outside("data_prep", "table")
    assert "110" in table
    slabs = ase.io.read(ROOT / "tfrecords" / "gap.extxyz", "::12")
    ase.io.write(outside.folder / "few.extxyz", slabs)
    outside("data_prep", "records", "--structures=few.extxyz", "--num_voxels=8", "--out=few")
    outside("keras_ruo2", "train", "--variant=lattice2d", "--arch=waves", "--records=few",
            "--steps=3", "--batch_size=4", "--width=2", "--latent_size=8")  # fmt: skip
    assert (outside.folder / "runs" / "lattice2d" / "metrics.png").is_file()


def test_records_name_the_bundled_slabs_as_in_a_clone(outside):
    code = "from keras_ruo2.io import {0}; print({0}.source_name({0}.BUNDLED_STRUCTURES))"
    assert outside("python", "-c", code.format("paths")).strip() == "tfrecords/gap.extxyz"


def test_a_search_ends_in_a_report(outside):
    for module in ("dscribe", "pymatgen"):
        pytest.importorskip(module)
    (outside.library / "quick.py").write_text(QUICK)
    outside("keras_ruo2", "discover", "--count=3", "--relaxations=1", "--steps=1",
            "--calculator=quick:calculator", "--bulk_energy=-9", "--oxygen_energy=-1",
            "--baselines=none", "--out=found")  # fmt: skip
    assert (outside.folder / "found" / "report.html").stat().st_size > 10_000
