"""MACE and quippy with models of one's own: tiny ones, made here, that know nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import ase.io
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation.calculators import make_calculator
from keras_ruo2.relaxation.relax import Limits
from keras_ruo2.relaxation.worker import Worker
from keras_ruo2.structure.slabs import build_slab
from tests.fakes import Morse

STEP = 1e-3  # Å
# Its own process: MACE changes the environment and warns of TorchScript.
MAKE_MACE = """
import sys
import mace
import numpy as np
import torch
from e3nn import o3
from mace import modules

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
block = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
model = modules.ScaleShiftMACE(
    r_max=4.0, num_bessel=4, num_polynomial_cutoff=5, max_ell=1, interaction_cls=block,
    interaction_cls_first=block, num_interactions=1, num_elements=2,
    hidden_irreps=o3.Irreps("4x0e"), MLP_irreps=o3.Irreps("4x0e"), gate=torch.nn.functional.silu,
    atomic_energies=np.array([-5.0, -9.0]), avg_num_neighbors=8.0, atomic_numbers=[8, 44],
    correlation=1, atomic_inter_scale=1.0, atomic_inter_shift=0.0)
torch.save(model, sys.argv[1])
"""
FIT_GAP = [
    "gap={distance_2b Z1=8 Z2=44 cutoff=3.4 covariance_type=ard_se delta=1.0 theta_uniform=1.0 "
    "sparse_method=uniform n_sparse=5}",
    "e0={O:-1.0:Ru:-2.0}",
    "default_sigma={0.01 0.1 0 0}",
    "energy_parameter_name=known_energy",
    "force_parameter_name=known_forces",
    "do_copy_at_file=F",
]


@pytest.fixture
def rattled():
    slab = build_slab("110-stoichiometric", a=4.5, c=3.1)
    slab.rattle(0.05, seed=1)
    return slab


def check(name, slab):
    """Relaxing lowers the energy, and the forces at its end are the slopes of the energy there."""
    with Worker(make_calculator, name, Limits(steps=4, fmax=1e-9)) as worker:
        found = worker.relax(slab)
        energies = []
        for sign in (1, -1):
            moved = found.copy()
            moved.positions[3, 2] += sign * STEP
            energies.append(worker.relax(moved).info["start_energy"])
        provenance = worker.provenance
    assert found.get_potential_energy() < found.info["start_energy"]
    slope = (energies[1] - energies[0]) / (2 * STEP)
    assert found.get_forces()[3, 2] == pytest.approx(slope, abs=1e-4)
    return provenance


def test_a_mace_model_of_ones_own(rattled, tmp_path):
    if not shutil.which("mace_run_train", path=Path(sys.executable).parent):
        pytest.skip("mace-torch is not installed")
    path = tmp_path / "tiny.model"
    subprocess.run([sys.executable, "-c", MAKE_MACE, path], check=True, capture_output=True)
    provenance = check(f"mace:{path}", rattled)
    assert provenance["calculator"].startswith("MACE tiny.model ")
    assert provenance["correction"] == "none"
    path.write_bytes(b"no model")
    with pytest.raises(ConfigError, match="'mace:.*tiny.model' could not be made: "):
        Worker(make_calculator, f"mace:{path}", Limits())


def test_a_gaussian_approximation_potential(rattled, tmp_path):
    fit = shutil.which("gap_fit", path=Path(sys.executable).parent)
    if not fit:
        pytest.skip("quippy-ase is not installed")
    frames = []
    for seed in range(3):
        slab = rattled.copy()
        slab.rattle(0.05, seed=seed)
        slab.calc = Morse()
        slab.info["known_energy"] = slab.get_potential_energy()
        slab.arrays["known_forces"] = slab.get_forces()
        slab.calc = None
        frames.append(slab)
    ase.io.write(tmp_path / "train.extxyz", frames)
    command = [fit, "atoms_filename=train.extxyz", "gp_file=tiny.xml", *FIT_GAP]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    beside = sorted(tmp_path.glob("tiny.xml.sparseX*"))
    assert beside  # a GAP is several files
    provenance = check(f"quippy:{tmp_path / 'tiny.xml'}", rattled)
    assert provenance["calculator"].startswith("GAP tiny.xml ")
    beside[0].write_text(beside[0].read_text().replace("1", "2", 1))
    with pytest.raises(ConfigError, match="could not be made: .*check sum failed"):
        Worker(make_calculator, f"quippy:{tmp_path / 'tiny.xml'}", Limits())
