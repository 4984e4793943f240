import csv
import json

import ase.io
import numpy as np
import pytest

from keras_ruo2.config import DiscoverConfig
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.discovery import pipeline as command
from keras_ruo2.discovery.pipeline import main as discover
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import repeat, set_vacuum, with_energy
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.slabs import build_slab
from tests.fakes import Morse

pytest.importorskip("dscribe")
pytest.importorskip("pymatgen")


def box(name, rng, scale):
    slab = set_vacuum(build_slab(name, a=4.5, c=3.1), 10.0)
    slab = repeat(slab, (1, 2, 1))
    slab.positions += rng.normal(scale=scale, size=slab.positions.shape)
    return slab


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Grids of three perturbed slabs and an empty one, and a file of known slabs."""
    folder, rng = tmp_path_factory.mktemp("discover"), np.random.default_rng(0)
    boxes = [box(f"110-{kind}", rng, 0.03) for kind in ("stoichiometric", "O-rich", "O-poor")]
    grids = [voxelise(atoms, alpha=5.0) for atoms in boxes]
    lattice = [atoms.cell.lengths() for atoms in boxes]
    grids.append(np.zeros_like(grids[0]))
    np.savez(folder / "samples.npz", grid=grids, lattice=[*lattice, lattice[0]])
    known = []
    for name in ("110-stoichiometric", "110-O-rich", "100-O-rich"):
        slab = build_slab(name, a=4.5, c=3.1)
        slab.info = {"name": name, "facet": f"({name[:3]})", "calculator": "tests.fakes:Morse"}
        slab.info["correction"] = "none"
        slab.calc = Morse()
        known.append(with_energy(slab, slab.get_potential_energy()))
    ase.io.write(folder / "known.extxyz", known)
    return folder


FLAGS = {
    "calculator": "tests.fakes:Morse",
    "bulk_energy": -9.0,
    "oxygen_energy": -1.0,
    "count": 4,
    "relaxations": 2,
    "steps": 5,
    "baselines": "rattled,genetic",
}


@pytest.fixture(scope="module")
def done(folder):
    given = {"samples": folder / "samples.npz", "known": folder / "known.extxyz"}
    config = DiscoverConfig(out=folder / "out", **given, **FLAGS | {"count": 9})
    discover(config)
    return folder / "out"


def test_every_stage_writes_its_file_and_the_page_tells_the_funnel(done):
    for method, drawn in (("generated", 4), ("rattled", 4)):
        counts = [
            len(ase.io.read(path, ":")) for path in sorted((done / method).glob("[1-5]_*.extxyz"))
        ]
        assert counts == [drawn, drawn, 2, 2, 2]
    chosen = ase.io.read(done / "generated" / "3_chosen.extxyz")
    assert list(chosen.info["repeats"]) == [1, 2] and len(chosen) < 25
    text = (done / "report.html").read_text()
    assert "Generator: of 4 drawn 3 are valid, of 2 relaxed 2" in text
    assert "generated, new" in text and "baseline, " in text and ">known<" in text
    assert "Rattled training slabs" in text and text.count("<canvas") >= 2
    assert "image/png" in text and (done / "phase_diagram" / "stable.extxyz").exists()


def test_the_genetic_algorithm_spends_the_same_in_generations(done):
    pytest.importorskip("ase_ga")
    folder = done / "genetic"
    drawn = ase.io.read(folder / "1_atoms.extxyz", ":")
    assert [atoms.info["generation"] for atoms in drawn] == [1, 1, 2, 2]
    assert [atoms.info["sample"] for atoms in drawn] == [0, 1, 2, 3]
    relaxed = ase.io.read(folder / "5_screened.extxyz", ":")
    assert len(relaxed) == 2  # as many as every other method
    assert {atoms.info["calculator"] for atoms in relaxed} == {"tests.fakes:Morse"}
    parents = ase.io.read(folder / "parents.extxyz", ":")
    assert {atoms.info["relaxation_steps"] for atoms in parents} == {0}
    alive = {atoms.info["name"] for atoms in [*parents, relaxed[0]]}
    for child in drawn[2:]:
        names = child.info["parents"].removesuffix(", mutated").split(" x ")
        assert set(names) <= alive


def test_the_ranking_leads_from_the_seed_to_gamma(done):
    with open(done / "ranking.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    above = [float(row["above_meV_A2"]) for row in rows]
    assert above == sorted(above) and rows[0]["name"].split("-")[0] == rows[0]["method"]
    relaxed = {
        atoms.info["name"]: atoms
        for atoms in ase.io.read(done / "generated/5_screened.extxyz", ":")
    }
    for row in (row for row in rows if row["method"] == "generated"):
        atoms = relaxed[row["name"]]
        assert {"drawn_with_seed", "drawn_as", "residual", "reasons_before"} <= set(atoms.info)
        lacking = 2 * sum(atoms.numbers == 44) - sum(atoms.numbers == 8)
        excess = atoms.get_potential_energy() + 9.0 * sum(atoms.numbers == 44) - lacking
        faces = 2 * atoms.cell.lengths()[0] * atoms.cell.lengths()[1]
        assert float(row["gamma_O_rich_meV_A2"]) == pytest.approx(1000 * excess / faces, abs=0.01)


def test_going_on_repeats_nothing_and_needs_the_folder_only(done, monkeypatch, capsys):
    def never(*arguments):
        raise AssertionError("repeated")

    for name in ("write_samples", "map_samples", "screen_structures", "relax_file"):
        monkeypatch.setattr(command, name, never)
    before = (done / "generated" / "4_relaxed.extxyz").read_bytes()
    discover(DiscoverConfig(out=done))
    assert (done / "generated" / "4_relaxed.extxyz").read_bytes() == before
    assert "there already" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="was begun with count = 9, not 5"):
        discover(DiscoverConfig(out=done, count=5))


def test_only_what_is_new_and_converged_is_handed_over(done):
    """Here nothing converges within five steps: the rest is handed over on request."""
    discover(DiscoverConfig(out=done))
    with open(done / "ranking.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    near = [row for row in rows if float(row["above_meV_A2"]) <= 10]
    assert near and not any(row["converged"] == "True" for row in rows)
    assert all(row["poscar"] == "" for row in rows)
    assert not list(done.glob("poscar/*/POSCAR"))
    assert f"{len(near)} more lie as near" in (done / "report.html").read_text()
    discover(DiscoverConfig(out=done, hand_over="all"))
    assert len(list(done.glob("poscar/[0-9]*/POSCAR"))) == len(near)


def test_dft_ranks_what_was_handed_over_again(done, tmp_path):
    discover(DiscoverConfig(out=done, hand_over="all"))
    handed = sorted((done / "poscar").glob("*/POSCAR"))
    assert handed
    for place, path in enumerate(handed):
        atoms = ase.io.read(path)
        result = with_energy(atoms, -8.0 * len(atoms) - place)
        (tmp_path / "dft" / path.parent.name).mkdir(parents=True)
        ase.io.write(tmp_path / "dft" / path.parent.name / "relaxed.extxyz", result)
    gas = ase.Atoms("O2", [[0, 0, 0], [0, 0, 1.2]])
    references = [with_energy(rutile_ruo2(), -45.0), with_energy(gas, -9.0)]
    ase.io.write(tmp_path / "references.extxyz", references)
    given = {"dft": tmp_path / "dft", "dft_references": tmp_path / "references.extxyz"}
    discover(DiscoverConfig(out=done, **given))
    assert "Re-ranked by DFT" in (done / "report.html").read_text()
    assert len(ase.io.read(done / "dft" / "slabs.extxyz", ":")) == len(handed)


def test_samples_that_are_all_empty_give_a_report_that_says_so(folder, tmp_path):
    np.savez(tmp_path / "s.npz", grid=np.zeros((2, 8, 8, 8, 2)), lattice=np.full((2, 3), 9.0))
    flags = FLAGS | {"samples": tmp_path / "s.npz", "baselines": "none"}
    discover(DiscoverConfig(out=tmp_path / "o", known=folder / "known.extxyz", **flags))
    text = (tmp_path / "o" / "report.html").read_text()
    assert "there is nothing to rank" in text and "no_atoms 2" in text
    assert "the phase diagram shows known slabs only" in text
    stable = ase.io.read(tmp_path / "o" / "phase_diagram" / "stable.extxyz", ":")
    assert {atoms.info["facet"] for atoms in stable} == {"(110)", "(100)"}
    assert json.loads((tmp_path / "o" / "config.json").read_text())["config"]["count"] == 4


def test_bad_input_is_refused_before_the_folder_is_made(folder, tmp_path):
    np.savez(tmp_path / "2d.npz", grid=np.zeros((2, 8, 8, 2)), lattice=np.full((2, 2), 9.0))
    with pytest.raises(ConfigError, match="Only whole grids become structures"):
        discover(DiscoverConfig(out=tmp_path / "o", samples=tmp_path / "2d.npz", **FLAGS))
    np.savez(tmp_path / "bare.npz", grid=np.zeros((2, 8, 8, 8, 2)))
    with pytest.raises(ConfigError, match=r"Add them as an array `lattice` of shape \(n, 3\)"):
        discover(DiscoverConfig(out=tmp_path / "o", samples=tmp_path / "bare.npz", **FLAGS))
    (tmp_path / "text.npz").write_text("not a zip")
    with pytest.raises(ConfigError, match="text.npz was refused"):
        discover(DiscoverConfig(out=tmp_path / "o", samples=tmp_path / "text.npz", **FLAGS))
    with pytest.raises(ConfigError, match="holds no trained run"):
        discover(DiscoverConfig(out=tmp_path / "o", run=tmp_path / "none", **FLAGS))
    samples = {"samples": folder / "samples.npz", "out": tmp_path / "o"}
    with pytest.raises(ConfigError, match="No reference energies are known"):
        discover(DiscoverConfig(calculator="tests.fakes:Morse", **samples))
    assert not (tmp_path / "o").exists()
    for message, values in (
        ("Give --run, --model or --samples", samples | {"run": tmp_path}),
        ("Unknown baselines 'rattle'.*'rattled'", samples | {"baselines": "rattle"}),
        ("Unknown hand_over 'rest'", samples | {"hand_over": "rest"}),
        ("--dft_references goes with --dft", samples | {"dft_references": samples["samples"]}),
    ):
        with pytest.raises(ConfigError, match=message):
            DiscoverConfig(**values)
