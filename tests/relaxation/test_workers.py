"""`relax` and `discover` on the workers of a cluster, which may die."""

import ase.io
import numpy as np
import pytest

from keras_ruo2.config import DiscoverConfig, RelaxConfig
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.discovery.pipeline import main as discover
from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation.batch import main as relax
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab
from tests.discovery.test_discover_command import box
from tests.fakes import Morse

pytest.importorskip("distributed")

CLOCK = ("relaxation_seconds", "date", "command", "calculator")


@pytest.fixture
def slabs(tmp_path):
    rng, frames = np.random.default_rng(1), []
    for name in ("110-stoichiometric", "100-O-rich", "101-O-poor", "110-O-rich"):
        slab = build_slab(name, a=4.5, c=3.1)
        slab.positions += rng.normal(scale=0.05, size=slab.positions.shape)
        slab.info = {"name": name}
        frames.append(slab)
    ase.io.write(tmp_path / "in.extxyz", frames)
    return tmp_path / "in.extxyz"


def told(path):
    """Return what a file says of its structures, but for the clock and the calculator's name."""
    return [
        (
            atoms.info["name"],
            atoms.positions.tolist(),
            atoms.get_potential_energy(),
            {k: str(v) for k, v in atoms.info.items() if k not in CLOCK},
        )
        for atoms in ase.io.read(path, ":")
    ]


def test_relaxations_are_the_same_on_workers_one_of_which_is_killed(slabs, tmp_path, monkeypatch):
    flags = {"structures": slabs, "steps": 4}
    relax(RelaxConfig(out=tmp_path / "here.extxyz", calculator="tests.fakes:Morse", **flags))
    victim = tmp_path / "victim"
    victim.touch()
    monkeypatch.setenv("KILL_ONCE", str(victim))
    there = tmp_path / "there.extxyz"
    relax(RelaxConfig(out=there, calculator="tests.fakes:KillingOnce", workers=2, **flags))
    assert not victim.exists(), "nobody was killed"
    assert told(there) == told(tmp_path / "here.extxyz")
    assert not list(tmp_path.glob("*partial*"))


def test_discover_finds_the_same_on_workers_one_of_which_is_killed(tmp_path, monkeypatch):
    pytest.importorskip("dscribe")
    rng = np.random.default_rng(0)
    boxes = [box(f"110-{kind}", rng, 0.03) for kind in ("stoichiometric", "O-rich", "O-poor")]
    lattice = [atoms.cell.lengths() for atoms in boxes]
    grids = [voxelise(atoms, alpha=5.0) for atoms in boxes]
    np.savez(tmp_path / "samples.npz", grid=grids, lattice=lattice)
    victim = tmp_path / "victim"
    monkeypatch.setenv("KILL_ONCE", str(victim))
    for name, more in (("here", {}), ("there", {"workers": 2})):
        if more:
            victim.touch()
        discover(config_of(tmp_path, name, **more))
    assert not victim.exists(), "nobody was killed"
    for stage in ("3_chosen", "4_relaxed", "5_screened"):
        one, other = (
            tmp_path / name / "generated" / f"{stage}.extxyz" for name in ("here", "there")
        )
        if stage == "3_chosen":
            assert one.read_bytes() == other.read_bytes()
        else:
            assert told(one) == told(other)
    rows = [(tmp_path / name / "ranking.csv").read_text() for name in ("here", "there")]
    assert rows[0] == rows[1]


def config_of(folder, name, **more):
    """Return the configuration of a small `discover` with one known slab."""
    slab = build_slab("100-O-rich", a=4.5, c=3.1)
    slab.info = {"name": "known", "facet": "(100)", "calculator": "tests.fakes:KillingOnce"}
    slab.info["correction"] = "none"
    slab.calc = Morse()
    ase.io.write(folder / "known.extxyz", with_energy(slab, slab.get_potential_energy()))
    flags = {"calculator": "tests.fakes:KillingOnce", "bulk_energy": -9.0, "oxygen_energy": -1.0}
    return DiscoverConfig(
        out=folder / name,
        samples=folder / "samples.npz",
        known=folder / "known.extxyz",
        relaxations=2,
        steps=4,
        baselines="none",
        **flags,
        **more,
    )


def test_bad_numbers_of_workers_are_refused(slabs, tmp_path):
    for message, flags in (
        ("--scheduler and --workers exclude each other", {"workers": 2, "scheduler": "tcp://a:1"}),
        ("--workers is 0", {"workers": 0}),
    ):
        with pytest.raises(ConfigError, match=message):
            RelaxConfig(structures=slabs, out=tmp_path / "o.extxyz", **flags)
