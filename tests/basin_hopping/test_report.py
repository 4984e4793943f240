import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import ase.io
import numpy as np
import pytest

from data_prep import replay
from keras_ruo2.basin_hopping import report
from keras_ruo2.basin_hopping import search as basin_hopping
from keras_ruo2.basin_hopping.chains import Chain
from keras_ruo2.basin_hopping.history import iterate_frames, iterate_trials, unplaced
from keras_ruo2.basin_hopping.statistics import read_search
from keras_ruo2.config.preparation import BasinHoppingConfig
from keras_ruo2.config.search import ReplayConfig, SearchReportConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.plotting import replay as plotting_replay

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search of two chains with a fake potential: its joined file, its folder of chains."""
    folder = tmp_path_factory.mktemp("searched")
    config = BasinHoppingConfig(
        out=folder / "found.extxyz",
        steps=8,
        start="100-stoichiometric",
        dmu_o="-8.0,8.0",
        calculator="tests.data_prep.fakes:PairPotential",
        a=4.5,
        c=3.1,
        size=3.0,
        exchange=0.5,
        length=0.2,
        relax_steps=3,
    )
    basin_hopping.main(config)
    return folder


def histories(frames):
    return [(frame.info["name"], frame.energy, frame.num_o) for frame in frames]


def test_chains_and_the_joined_file_say_the_same(searched):
    joined = list(iterate_frames(searched / "found.extxyz"))
    assert histories(joined) == histories(iterate_frames(searched / "found.chains"))
    for frame, atoms in zip(joined, ase.io.read(searched / "found.extxyz", ":"), strict=True):
        assert frame.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        assert frame.grand_potential == pytest.approx(atoms.info["grand_potential"], abs=1e-9)
        assert (frame.num_o, frame.num_metal) == (atoms.info["num_o"], atoms.info["num_ru"])
        np.testing.assert_allclose(frame.lengths, atoms.cell.lengths())
        np.testing.assert_array_equal(frame.atoms.positions, atoms.positions)


@pytest.mark.parametrize("cut", [10, 700])
def test_a_trial_that_is_being_written_is_not_read(searched, tmp_path, cut):
    """The search appends to its files first, and then says in the checkpoint how long they are."""
    shutil.copytree(searched / "found.chains", tmp_path / "found.chains")
    path = tmp_path / "found.chains" / "chain-000.extxyz"
    before = path.read_bytes()
    path.write_bytes(before + before[:cut])
    found = histories(iterate_frames(tmp_path / "found.chains"))
    assert found == histories(iterate_frames(searched / "found.chains"))
    assert path.read_bytes() == before + before[:cut], "reading changes nothing"


def test_numbers_agree_with_the_checkpoints_and_tables(searched):
    search = read_search(searched / "found.chains")
    assert search.knows_unplaced
    for record in search.chains:
        chain = Chain(searched / "found.chains", record.number)
        assert len(record.trials) == chain.trials
        assert record.accepted.sum() == chain.accepted
        assert record.current("num_o")[-1] == np.sum(chain.atoms.numbers == 8)
        rows = list(csv.DictReader(chain.file(".csv").read_text().splitlines()))
        assert [row.outcome for row in record.trials] == [row["outcome"] for row in rows]
        values = [float(row["grand_potential"] or "nan") for row in rows]
        np.testing.assert_allclose([r.grand_potential for r in record.trials], values, atol=1e-5)
    assert len(search.energies) == len(list(iterate_frames(searched / "found.extxyz")))
    poor, rich = (chain.excess(chain.current("num_o"))[-1] for chain in search.chains)
    assert poor < 0 < rich, "O leaves at a low chemical potential and comes at a high one"


def test_trials_without_a_place_are_in_the_tables_only(searched):
    rows = unplaced(searched / "found.chains")
    trials = [trial[0].trial for trial in iterate_trials(searched / "found.extxyz")]
    for chain, missing in rows.items():
        for trial, _, _ in missing:
            assert (chain, trial) not in trials
    total = sum(map(len, rows.values())) + len(trials)
    assert total == 2 * 9
    assert unplaced(searched / "found.extxyz") is None


@pytest.mark.parametrize("source", ["found.chains", "found.extxyz"])
def test_the_report_has_a_row_for_each_chain_and_every_picture(searched, tmp_path, source):
    report.main(SearchReportConfig(structures=searched / source, out=tmp_path))
    with open(tmp_path / "chains.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["dmu_o (eV)"] for row in rows] == ["-8", "8"]
    text = (tmp_path / "report.md").read_text()
    assert "| 1 | 100-stoichiometric | 8 |" in text
    assert ("not counted" in text) == (source == "found.extxyz")
    for name in ("energies", "composition", "acceptance", "grand_potential", "structures"):
        assert (tmp_path / f"{name}.png").stat().st_size > 5000
    page = (tmp_path / "report.html").read_text()
    assert "<td>1</td><td>100-stoichiometric</td>" in page and "http" not in page
    assert page.count("data:image/png") == 5


def test_a_search_that_has_only_relaxed_its_start_is_shown(searched, tmp_path):
    frames = ase.io.read(searched / "found.extxyz", ":")
    ase.io.write(tmp_path / "starts.extxyz", [f for f in frames if f.info["trial"] == 0])
    report.main(SearchReportConfig(structures=tmp_path / "starts.extxyz", out=tmp_path / "report"))
    assert (tmp_path / "report" / "composition.png").exists()
    assert not (tmp_path / "report" / "acceptance.png").exists()


def test_a_search_of_one_structure_is_shown(tmp_path, capsys):
    config = BasinHoppingConfig(
        out=tmp_path / "found.extxyz",
        steps=0,
        relax_steps=0,
        start="100-O-poor",
        calculator="tests.data_prep.fakes:PairPotential",
        a=4.5,
        c=3.1,
        size=3.0,
    )
    basin_hopping.main(config)
    report.main(SearchReportConfig(structures=config.out, out=tmp_path / "report"))
    assert "of 1 chains, 0 trials, 1 snapshots" in capsys.readouterr().out
    edges = report.edges_of(read_search(config.out).energies)
    assert len(edges) == 11 and np.all(np.diff(edges) > 0)


def test_a_replay_s_curve_has_what_it_does_not_show(searched, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(plotting_replay, "animate", lambda *args, **_: given.append(args))
    config = ReplayConfig(
        structures=searched / "found.chains", chain=1, count=2, out=tmp_path / "replay.gif"
    )
    frames = replay.accepted_frames(config.structures, 1)
    replay.write_replay(replay.thin_out(frames, 2), frames, config.out, config)
    ((steps, curve, *_),) = given
    assert len(frames) > 2 and [trial for trial, _ in curve] == [f.trial[1] for f in frames]
    assert [(step["trial"], step["value"]) for step in steps] == [curve[0], curve[-1]]


def test_a_replay_goes_from_the_start_to_where_the_chain_is(searched, tmp_path):
    chain = Chain(searched / "found.chains", 1)
    path = tmp_path / "replay.extxyz"
    replay.main(ReplayConfig(structures=searched / "found.chains", chain=1, out=path))
    frames = ase.io.read(path, ":")
    assert len(frames) == chain.accepted + 1
    assert frames[0].info["trial"] == 0
    assert {frame.info["outcome"] for frame in frames} == {"accepted"}
    np.testing.assert_allclose(frames[-1].positions, chain.atoms.positions, atol=1e-6)
    assert frames[-1].get_potential_energy() == pytest.approx(chain.energy, abs=1e-6)


def test_a_replay_is_an_animation_or_a_strip(searched, tmp_path):
    from PIL import Image

    file = searched / "found.chains" / "chain-001.extxyz"
    replay.main(ReplayConfig(structures=file, out=tmp_path / "replay.gif", count=3))
    with Image.open(tmp_path / "replay.gif") as film:
        assert film.n_frames == 3
        first = np.asarray(film.convert("RGB"), dtype=float)
        film.seek(2)
        assert np.abs(np.asarray(film.convert("RGB")) - first).max() > 50
    replay.main(ReplayConfig(structures=file, out=tmp_path / "replay.png"))
    assert (tmp_path / "replay.png").stat().st_size > 5000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["replay.gif", "replay.png"]


@pytest.mark.parametrize(
    ("chain", "message"), [(None, "several chains. Choose one"), (7, "No chain 7 .* 0 to 1")]
)
def test_the_chain_to_replay_must_be_one_that_is_there(searched, tmp_path, chain, message):
    config = ReplayConfig(
        structures=searched / "found.extxyz", chain=chain, out=tmp_path / "replay.gif"
    )
    with pytest.raises(ConfigError, match=message):
        replay.main(config)


def test_structures_without_a_history_are_refused(structures, tmp_path):
    with pytest.raises(ConfigError, match="has no chain, trial, .* Give snapshots of"):
        report.main(SearchReportConfig(structures=structures, out=tmp_path / "report"))


@pytest.mark.parametrize("names", [("a.extxyz", "b.extxyz"), ("a.extxyz", "a.extxyz")])
def test_two_searches_are_not_read_as_one(searched, tmp_path, names):
    for name in names:
        with open(tmp_path / name, "ab") as file:
            file.write((searched / "found.extxyz").read_bytes())
    match = f"Chain 0, trial 0, snapshot 0 is in .*{names[0]} and again in .*{names[1]}. Give one"
    with pytest.raises(ConfigError, match=match):
        read_search(tmp_path)


def test_files_without_a_snapshot_are_refused(tmp_path):
    empty = tmp_path / "empty.extxyz"
    empty.touch()
    with pytest.raises(ConfigError, match="empty.extxyz holds no snapshot"):
        report.main(SearchReportConfig(structures=empty, out=tmp_path / "report"))
    with pytest.raises(ConfigError, match="empty.extxyz holds no snapshot"):
        replay.main(ReplayConfig(structures=empty, out=tmp_path / "replay.gif"))


def test_a_replay_is_not_written_over_or_among_what_is_read(searched):
    chains = searched / "found.chains"
    one = chains / "chain-000.extxyz"
    for structures, chain, out in (
        (chains, 0, one),
        (chains, 0, chains / "replay.extxyz"),
        (chains / "chain-*.extxyz", 0, chains / "chain-0.extxyz"),
        (one, None, one),
    ):
        with pytest.raises(ConfigError, match="would be among --structures|is what is read"):
            ReplayConfig(structures=structures, chain=chain, out=out)


def test_a_file_that_was_cut_off_is_named(searched, tmp_path):
    text = (searched / "found.extxyz").read_text()
    (tmp_path / "cut.extxyz").write_text(text[: len(text) // 2])
    with pytest.raises(ConfigError, match="cut.extxyz cannot be read after [0-9]+ structures"):
        list(iterate_frames(tmp_path / "cut.extxyz"))


def test_a_folder_without_structures_is_refused_by_the_command_line(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({}))
    command = [sys.executable, "-m", "data_prep", "replay", f"--structures={tmp_path}"]
    done = subprocess.run([*command, "--out=a.gif"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode and "holds no file of structures" in done.stderr
    assert len(done.stderr.splitlines()) == 1
