"""`train --from`: what of a model is taken over, and what is refused."""

import shutil

import ase.io
import h5py
import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.__main__ import COMMANDS
from keras_ruo2.cli import run_command_line
from keras_ruo2.commands.train import complete
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import TrainConfig
from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.records.build import main as write_records
from keras_ruo2.runs.export import export
from keras_ruo2.structure.cells import potential_energy, with_energy

TINY = {"batch_size": 4, "critic_steps": 1, "log_every": 1, "evaluate_every": 2, "steps": 1}
SLOW = {"learning_rate": 1e-8, "average": 0.0}  # weights stay what they were to six digits


def write(structures, out, **options):
    options = {"recipe": "gap3d", "num_voxels": 8, "num_classes": 4, "holdout": 0.25} | options
    write_records(RecordsConfig(structures=structures, out=out, **options))
    return out


@pytest.fixture(scope="module")
def grids(structures, tmp_path_factory):
    return write(structures, tmp_path_factory.mktemp("grids") / "gap3d")


@pytest.fixture(scope="module")
def iridium(structures, tmp_path_factory):
    """Records of the same slabs of Ir, two percent wider, without those of (111)."""
    folder = tmp_path_factory.mktemp("iridium")
    slabs = []
    for atoms in ase.io.read(structures, ":"):
        if atoms.info["name"].split("-")[1] in ("3", "7", "11"):
            continue
        energy, info = potential_energy(atoms), dict(atoms.info)
        atoms.set_cell(1.02 * atoms.cell, scale_atoms=True)
        atoms.symbols[atoms.symbols == "Ru"] = "Ir"
        atoms.info = info
        slabs.append(with_energy(atoms, energy))
    ase.io.write(folder / "slabs.extxyz", slabs)
    return write(folder / "slabs.extxyz", folder / "gap3d", species="Ir,O")


@pytest.fixture(scope="module")
def trained(grids, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "first"
    train(TrainConfig(variant="joint3d", width=1, records=grids, run=run, **TINY | {"steps": 3}))
    return run


def weights_of(run, *parts):
    """Return the weights that training has left, of layers whose names have one of `parts`."""
    found = {}

    def note(name, item):
        if isinstance(item, h5py.Dataset) and name.startswith("generator/"):
            if any(part in name for part in parts):
                found[name] = np.array(item)

    with h5py.File(runs.last_checkpoint(run) / runs.TRAINING_WEIGHTS) as file:
        file.visititems(note)
    assert found
    return found


def assert_alike(one, other):
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, atol=1e-6, err_msg=name)


def test_on_its_own_sites_everything_is_taken_over(trained, grids, tmp_path, capsys):
    values = TINY | {"records": grids, "run": tmp_path / "run", "from_": trained, **SLOW}
    train(TrainConfig(**values))
    said = capsys.readouterr().out
    assert "generator 100 %, critic 100 %, critic of environments 100 %" in said
    saved = runs.load(tmp_path / "run")["resolved"]
    assert (saved["variant"], saved["width"], saved["from_"]) == ("joint3d", 1, str(trained))
    parts = "dense", "displace", "settle", "embedding", "occupancy"
    assert_alike(weights_of(trained, *parts), weights_of(tmp_path / "run", *parts))


def test_on_other_sites_how_atoms_settle_and_the_classes_are_kept(
    trained, iridium, tmp_path, capsys
):
    values = TINY | {"records": iridium, "run": tmp_path / "run", "from_": trained, **SLOW}
    train(TrainConfig(**values))
    said = capsys.readouterr().out
    assert "of Ru and O" in said and "The sites are those of these records" in said
    kept = "settle", "embedding"
    assert_alike(weights_of(trained, *kept), weights_of(tmp_path / "run", *kept))
    sites = [weights_of(run, "displace") for run in (trained, tmp_path / "run")]
    assert any(values.any() for values in sites[0].values())
    assert all(np.abs(values).max() < 1e-6 for values in sites[1].values())
    assert runs.load(tmp_path / "run")["data"]["species"] == ["Ir", "O"]


def test_an_exported_model_has_no_critics_and_says_so(trained, grids, tmp_path, capsys):
    export(trained, tmp_path / "model")
    values = {f"--{name}={value}" for name, value in TINY.items()}
    words = ["train", f"--from={tmp_path / 'model'}", f"--records={grids}", *sorted(values)]
    run_command_line("keras_ruo2", COMMANDS, [*words, f"--run={tmp_path / 'run'}"])
    said = capsys.readouterr().out
    assert "weights of generator 100 %. It holds no critics: they begin anew." in said
    run_command_line("keras_ruo2", COMMANDS, [*words, f"--run={tmp_path / 'run'}", "--resume"])
    assert "nothing to train" in capsys.readouterr().out
    export(tmp_path / "run", tmp_path / "again")
    assert str(tmp_path) not in (tmp_path / "again" / runs.CONFIG).read_text()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"from_": "joint4d"}, "--from=joint4d: no trained run, and no model.*Did you mean"),
        ({"from_": "joint3d", "variant": "lattice3d"}, "has variant=joint3d. Leave --variant out"),
        ({"from_": "joint3d", "width": 3}, "--width=3: the model joint3d has width=8"),
        ({"from_": "joint3d", "arch": "waves"}, "--arch=waves: the model joint3d has arch=atoms"),
    ],
)
def test_other_networks_are_refused_before_anything_slow(values, message, tmp_path):
    with pytest.raises(ConfigError, match=message) as caught:
        complete(TrainConfig(**values, run=tmp_path / "run"))
    assert "\n" not in str(caught.value)


def test_other_grids_are_refused(grids, tmp_path):
    with pytest.raises(
        ConfigError, match="draws grids of 32 voxels along an axis, the records hold 8"
    ):
        train(TrainConfig(from_="joint3d", records=grids, run=tmp_path / "run", **TINY))


def test_a_run_does_not_change_what_it_started_from(trained, grids, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    with pytest.raises(ConfigError, match="was started with --from=None, not joint3d"):
        train(TrainConfig(from_="joint3d", run=run, records=grids, resume=True))
